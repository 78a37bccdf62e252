#!/usr/bin/env bash
# The thin front of `l9gate run`: sets up this machine, then runs the layers and judges them.
# `control` is that of `l9gate control`, whose result staging and production demand.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
  cat <<'EOF'
Usage: ./scripts/run-production-tests.sh LAYER [--rehearse] [--env NAME] [options of `l9gate run`]

LAYER        unit          no key, no network, under 10 s
             integration   real API, 30-120 s
             performance   real API, 60-300 s
             contract      real API, 15-60 s
             all           the four of them: what a deployment needs
             control       no key: the tests of real layers that pass although no API serves them
--rehearse   run every layer against the local simulator (no key, no cost); proves the tests, not the API
--env NAME   development (default), staging or production; also L9GATE_ENV=NAME

Keys: ANTHROPIC_API_KEY, or STAGING_API_KEY and PROD_API_KEY for their environments.
Exit: 0 kept, 1 not ready, 2 unproven, 64 wrong use, 69 a key or the API is missing, 78 wrong policy.
EOF
}

case "${1:-}" in
  unit | integration | performance | contract | all | control) ;;
  -h | --help | help)
    usage
    exit 0
    ;;
  *)
    printf 'error: unknown layer `%s`\n\n' "${1:-}" >&2
    usage >&2
    exit 64
    ;;
esac

source scripts/environment.sh
prepare_environment run
if [ "$1" = control ]; then
  exec "$PYTHON" -m l9gate "$@"
fi
exec "$PYTHON" -m l9gate run "$@"

#!/usr/bin/env bash
# All tests of this repository: checks, unit tests, and the gate itself end to end.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
case "${1:-}" in
  -h | --help)
    echo 'Usage: ./scripts/test.sh [arguments of pytest for tests/system]'
    exit 0
    ;;
esac
source scripts/environment.sh
prepare_environment dev
./scripts/check.sh
# Most of these wait for others: two at once take half the time, and a file stays in one process.
exec "$PYTHON" -m pytest tests/system -n 2 --dist loadfile "$@"

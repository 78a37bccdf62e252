#!/usr/bin/env bash
# One entrance: format, lint, types, ladder, unit tests, docs. CI runs the same line.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/environment.sh
prepare_environment dev
step() {
  printf '== %s\n' "$1" >&2
  shift
  "$@"
}
step 'format' .venv/bin/ruff format --check .
step 'lint' .venv/bin/ruff check .
step 'types' .venv/bin/mypy src apps/neural_tools/src tests benchmarks scripts
step 'ladder' .venv/bin/lint-imports --no-logo --no-cache
step 'unit tests of the gate' "$PYTHON" -m pytest tests/unit/l9gate -q
step 'unit tests of the application, simulator, and the docs' \
  "$PYTHON" -m pytest tests/unit/neural_tools tests/simulator tests/house -q

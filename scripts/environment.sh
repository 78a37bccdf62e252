# Sourced by the scripts beside it: makes `.venv` hold exactly what a requirement file pins.
# Usage: prepare_environment run|dev   (sets PYTHON; exits 69 when something outside is missing)

fail() { # status, what, hint
  printf 'error: %s\n\nhint: %s\n' "$2" "$3" >&2
  exit "$1"
}

find_python() {
  local name
  for name in "${L9GATE_PYTHON:-}" python3 python3.14 python3.13 python3.12 python3.11; do
    if [ -n "$name" ] && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      printf '%s\n' "$name"
      return
    fi
  done
  fail 69 "no Python 3.11 or newer was found; nothing was tested" \
    "install it, or name it: L9GATE_PYTHON=/path/to/python3.12"
}

digest_of_pins() { # everything that decides what the environment must hold
  cat requirements/uv.txt "requirements/$1.txt" pyproject.toml apps/neural_tools/pyproject.toml | cksum
}

prepare_environment() {
  local which=$1 base stamp
  # A run starts a dozen interpreters; without cached bytecode each of them compiles everything again.
  unset PYTHONDONTWRITEBYTECODE
  PYTHON=.venv/bin/python
  stamp=".venv/.l9gate-$which"
  if [ -x "$PYTHON" ] && [ -f "$stamp" ] && [ "$(digest_of_pins "$which")" = "$(cat "$stamp")" ]; then
    return
  fi
  base=$(find_python) || exit $?
  if [ ! -x "$PYTHON" ] || ! "$PYTHON" -m pip --version >/dev/null 2>&1; then
    printf 'set-up: creating .venv with %s\n' "$("$base" --version)" >&2
    "$base" -m venv --clear .venv >&2 || fail 69 "\`$base -m venv\` does not work here; nothing was tested" \
      "on Debian and Ubuntu: apt-get install python3-venv"
  fi
  printf 'set-up: installing the pinned requirements of requirements/%s.txt (a minute the first time)\n' "$which" >&2
  "$PYTHON" -m pip --disable-pip-version-check install --quiet --require-hashes -r requirements/uv.txt >&2 &&
    .venv/bin/uv pip install --quiet --compile-bytecode --python "$PYTHON" --require-hashes -r "requirements/$which.txt" >&2 &&
    .venv/bin/uv pip install --quiet --python "$PYTHON" --no-deps --no-build-isolation \
      -e . -e apps/neural_tools >&2 ||
    fail 69 "the pinned requirements could not be installed; nothing was tested" \
      "the lines above say why; a package index must be reachable the first time"
  # The first run on a machine compiles a few hundred modules and builds hypothesis's tables, which
  # takes as long as the unit layer itself. That is set-up, so it happens here; a test that fails is
  # the next run's to report. Without the plug-in this leaves no run behind.
  printf 'set-up: compiling and warming up\n' >&2
  "$PYTHON" -m pytest -qq -p no:l9gate tests/unit/neural_tools >/dev/null 2>&1 || true
  digest_of_pins "$which" >"$stamp"
}

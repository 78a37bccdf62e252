"""The application's command line, in a child process."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.integration
def test_the_command_answers() -> None:
    words = [sys.executable, "-c", "import app; print(app.ask())"]
    here = Path(__file__).parents[2]
    done = subprocess.run(words, cwd=here, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "yes\n"

"""Projects whose unit tests, and the processes that they start, reach for the network.

Every name ends in `.invalid` and every address is one for documentation (RFC 5737, RFC 3849).
"""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

APPLICATION = """
import socket, subprocess, sys

def fetch(host, port=80):
    try:
        socket.create_connection((host, port), 2).close()
    except OSError:
        return "fallback"

def python(*words, **options):
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, **options)
    return done.stdout.strip(), done.stderr
"""


@pytest.fixture
def run_unit(
    project: Callable[..., Path], run_pytest: Callable[..., subprocess.CompletedProcess[str]]
) -> Callable[..., tuple[dict[str, str], str]]:
    """Run a unit layer of one file; return its failures by name, and all that it prints."""

    def run(tests: str, *arguments: str, **environ: str) -> tuple[dict[str, str], str]:
        root = project({"tests/unit/test_it.py": tests, "app/fetching.py": APPLICATION})
        done = run_pytest(root, "tests/unit", "-rf", *arguments, COLUMNS="1000", **environ)
        out = done.stdout + done.stderr
        assert "INTERNALERROR" not in out
        found = re.findall(r"^FAILED tests/unit/test_it\.py::(\S+) - (.*)$", out, re.MULTILINE)
        return dict(found), out

    return run


@pytest.fixture
def application() -> str:
    """Return the source of what unit tests call, for projects of another shape."""
    return APPLICATION

"""What the guard cannot hold is named: programs without a filter, threads after the last test."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from l9gate.evidence.records import Layer, Record, Unguarded

Run = Callable[..., tuple[dict[str, str], str]]
Records = Callable[[Path, type[Record]], list[object]]

# None of these programs uses the network: here nothing would stop it.
PROGRAMS = """
import os, subprocess, sys

def test_program(): subprocess.run(["git", "--version"], stdout=subprocess.DEVNULL)
def test_shell(): os.system("true")
def test_spawned(): os.waitpid(os.posix_spawnp("env", ["env", "true"], os.environ), 0)
def test_isolated(): subprocess.run([sys.executable, "-I", "-c", ""])
def test_python(): subprocess.run([sys.executable, "-c", ""])
"""
LATE = """
import threading, time
from app.fetching import fetch

class Thread(threading.Thread):
    def run(self):
        while not is_over.wait(0.01):
            pass
        fetch("late.invalid")

is_over = threading.Event()

def pytest_runtest_logfinish():  # its tear-down is over
    is_over.set()
    for thread in threading.enumerate():
        if isinstance(thread, Thread):
            thread.join()
"""
STARTS = """
from conftest import Thread
def test_starts(): Thread().start()
"""
MIXED = """
import subprocess, sys
import pytest

CODE = '''
import socket, sys
for line in sys.stdin:
    try:
        socket.getaddrinfo("192.0.2.1", 80)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
            made.connect(("192.0.2.1", 9))  # sends nothing
        print("open", flush=True)
    except OSError as error:  # another error is one of the machine's network
        print("refused" if isinstance(error, PermissionError) else "open", flush=True)
'''

@pytest.fixture(scope="session")
def child():
    words = [sys.executable, "-c", CODE]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    def ask():
        print(file=process.stdin, flush=True)
        return process.stdout.readline().strip()
    yield ask
    process.communicate()
"""


def test_one_variable_leaves_children_alone_and_names_them(
    run_unit: Run, tmp_path: Path, records: Records
) -> None:
    failures, out = run_unit(PROGRAMS, L9GATE_OFF="1")
    assert failures == {}, out
    python = Path(sys.executable).name
    assert f"l9gate: unguarded: nothing kept `env`, `git`, `native code`, `{python}`, `sh`" in out
    found = [entry for entry in records(tmp_path, Unguarded) if isinstance(entry, Unguarded)]
    assert [entry.program for entry in found[1:]] == ["git", "sh", "env", python, python]
    assert {entry.layer for entry in found} == {Layer.UNIT}
    assert found[1].owner == "tests/unit/test_it.py::test_program"
    assert found[1].place == "tests/unit/test_it.py:4"


def test_without_a_filter_programs_are_named_except_python(
    run_unit: Run, project: Callable[..., Path], tmp_path: Path
) -> None:
    """A filter above the session takes the place of a machine that does not permit one."""
    run_unit(PROGRAMS)  # writes the project
    code = (
        "import os, pathlib, sys; from l9gate.observe.kernel import start_filter; "
        "start_filter(pathlib.Path('/nonexistent')); os.execv(sys.executable, sys.argv[1:])"
    )
    words = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "tests/unit"]
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    python = Path(sys.executable).name
    assert "5 passed" in done.stdout, done.stdout + done.stderr
    assert f"unguarded: nothing kept `env`, `git`, `native code`, `{python}`" in done.stdout


@pytest.mark.parametrize("arguments", [(), ("-n1",)])
def test_a_thread_that_outlives_the_last_test_fails_the_session(
    project: Callable[..., Path],
    run_pytest: Callable[..., subprocess.CompletedProcess[str]],
    application: str,
    arguments: tuple[str, ...],
) -> None:
    files = {"tests/unit/test_it.py": STARTS, "conftest.py": LATE, "app/fetching.py": application}
    done = run_pytest(project(files), "tests/unit", *arguments)
    assert "1 passed" in done.stdout, done.stdout + done.stderr
    assert "l9gate: after the last test: unit test `tests/unit/test_it.py::test_" in done.stdout
    assert "late.invalid at app/fetching.py:6, in thread" in done.stdout
    assert done.returncode == 1


def test_a_child_of_a_unit_test_is_free_while_a_real_layer_runs(
    project: Callable[..., Path], run_pytest: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    files = {
        "conftest.py": MIXED,
        "tests/unit/test_it.py": "def test_refused(child): assert child() == 'refused'",
        "tests/integration/test_it.py": "import calling, pytest\n@pytest.mark.integration\n"
        "def test_open(child):\n    calling.call()\n    assert child() == 'open'",
    }
    done = run_pytest(project(files), "tests/unit", "tests/integration", "-rA")
    assert "PASSED tests/integration/test_it.py::test_open" in done.stdout
    assert "reached for the network: 192.0.2.1:9" in done.stdout
    assert "1 failed, 1 passed" in done.stdout

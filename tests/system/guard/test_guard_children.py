"""The network guard in the processes that unit tests start; see `test_guard.py`."""

import subprocess
import sys
from collections.abc import Callable

import pytest

Run = Callable[..., tuple[dict[str, str], str]]

PYTHON = """
import multiprocessing, os, subprocess, sys, venv
import pytest
from app.fetching import fetch, python

CALL = "from app.fetching import fetch; print(fetch('child.invalid'))"

def test_command(): assert python("-c", CALL)[0] == "fallback"
def test_clean_environment(): assert python("-c", CALL, env={})[0] == "fallback"
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(method):
    process = multiprocessing.get_context(method).Process(target=fetch, args=("child.invalid",))
    process.start(); process.join()
def test_grandchild():
    inner = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {CALL!r}])"
    python("-c", inner)
def test_other_environment(tmp_path):
    venv.create(tmp_path, symlinks=True)
    inner = "import importlib.util as u; print(u.find_spec('l9gate'))\\n" + CALL
    done = subprocess.run([tmp_path / "bin/python", "-c", inner], capture_output=True, text=True)
    assert done.stdout.split() == ["None", "fallback"], done.stderr
def test_fork():
    if (child := os.fork()) == 0:
        fetch("child.invalid")
        os._exit(0)
    os.waitpid(child, 0)
def test_uvloop():
    inner = "import asyncio, uvloop; uvloop.run(asyncio.open_connection('child.invalid', 80))"
    python("-c", inner)
"""
NATIVE = """
import ctypes, os, socket, struct, subprocess, sys
import pytest
from app.fetching import python

ADDRESS = struct.pack("=H", socket.AF_INET) + struct.pack("!H", 80) + socket.inet_aton("192.0.2.1")
CALL = "import socket; s = socket.socket(); s.settimeout(2); s.connect(('192.0.2.1', 80))"
CURL = ["curl", "-s", "--max-time", "2", "http://192.0.2.1/"]

def test_curl(): assert subprocess.run(CURL).returncode == 7
def test_curl_by_name(): subprocess.run(["curl", "-s", "--max-time", "2", "http://child.invalid/"])
def test_curl_on_ipv6(): subprocess.run(["curl", "-s", "--max-time", "2", "http://[2001:db8::1]/"])
def test_system(): os.system(" ".join(CURL))
def test_shell(): subprocess.run("true && " + " ".join(CURL), shell=True)
def test_posix_spawn():
    os.waitpid(os.posix_spawnp("curl", CURL, os.environ), 0)
def test_daemon():
    done = "import os, time; os.setsid(); os.fork() and os._exit(0)\\n"
    inner = done + "import subprocess; subprocess.run(%r); open('done', 'w')" % CURL
    subprocess.run([sys.executable, "-I", "-c", inner])
    while not os.path.exists("done"): pass
@pytest.mark.parametrize("flag", ["-I", "-S", "-E"])
def test_python_without_a_hook(flag): python(flag, "-c", CALL)
def test_foreign_code():
    library = ctypes.CDLL(None)
    with socket.socket() as made:
        library.connect(made.fileno(), ADDRESS + bytes(8), 16)
def test_foreign_code_that_holds_the_lock_of_python():
    library = ctypes.PyDLL(None)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        library.sendto(made.fileno(), b"x", 1, 0, ADDRESS + bytes(8), 16)
"""


@pytest.fixture(scope="module")
def is_filtered() -> bool:
    """Whether this machine permits the filter in the kernel."""
    code = (
        "import sys, pathlib; from l9gate.observe.kernel import start_filter; "
        "sys.exit(not start_filter(pathlib.Path(sys.argv[1])))"
    )
    words = [sys.executable, "-c", code, "/nonexistent"]
    return subprocess.run(words, check=False).returncode == 0


@pytest.fixture
def filtered(is_filtered: bool, absent: Callable[[str], object]) -> None:
    if not is_filtered:
        absent("a filter on system calls")


def test_a_python_child_is_refused_and_its_test_fails(run_unit: Run) -> None:
    failures, out = run_unit(PYTHON)
    assert "9 failed" in out, out
    for name, message in failures.items():
        found = f"`tests/unit/test_it.py::{name}` reached for the network: child.invalid"
        assert found in message
        assert name == "test_uvloop" or "at app/fetching.py:6" in message
    assert "in child process `-c`" in failures["test_command"]


@pytest.mark.usefixtures("filtered")
def test_a_child_of_any_kind_is_refused_and_its_test_fails(run_unit: Run) -> None:
    failures, out = run_unit(NATIVE)
    assert "12 failed" in out, out
    for name, message in failures.items():
        assert f"`tests/unit/test_it.py::{name}` reached for the network: " in message
    sent = "192.0.2.1:80, in child process `curl`, started at tests/unit/test_it.py:"
    assert sent in failures["test_shell"]
    assert sent in failures["test_system"]
    assert sent in failures["test_posix_spawn"]
    assert "in native code" in failures["test_foreign_code"]
    assert "unguarded" not in out

"""The filter in the kernel, and the process beside it that decides."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from l9gate.observe.page import Page, parse_line

# Puts itself under the filter, then does what it is told; prints what came of it.
SCRIPT = """
import json, pathlib, socket, subprocess, sys
from l9gate.observe import kernel

original = subprocess.Popen
def start(words, **options):
    return original([*json.loads(sys.argv[2]), *words], **options)
kernel.subprocess.Popen = start
is_on = kernel.start_filter(pathlib.Path(sys.argv[1]))
kernel.subprocess.Popen = original

def connect(host, port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:  # which sends nothing
        return made.connect_ex((host, port))

CODE = "import socket, sys; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); " \\
       "print(s.connect_ex((sys.argv[1], int(sys.argv[2]))))"
def child(*address):
    words = [sys.executable, "-I", "-S", "-c", CODE, *map(str, address)]
    return int(subprocess.run(words, capture_output=True, text=True).stdout)

outside, here = ("192.0.2.1", 9), ("127.0.0.1", 9)
found = {"is_on": is_on, "own": [connect(*outside), connect(*here)]}
found["child"] = [child(*outside), child(*here)]
print(json.dumps(found))
"""
NOTHING: list[str] = []
# Without it this process may not look into others that have more than it has, as under Yama.
UNPRIVILEGED = ["setpriv", "--bounding-set=-sys_ptrace"]
EACCES = 13


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder whose page says that a unit test runs."""
    page = Page(str(tmp_path / "page"))
    page.write({"guarded": "t"})
    (tmp_path / "refused").touch()
    yield tmp_path
    page.close()


def run(folder: Path, prefix: list[str]) -> dict[str, object]:
    words = [sys.executable, "-c", SCRIPT, str(folder), json.dumps(prefix)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


@pytest.fixture
def filtered(absent: Callable[[str], object], tmp_path_factory: pytest.TempPathFactory) -> None:
    if not run(tmp_path_factory.mktemp("probe"), NOTHING)["is_on"]:
        absent("a filter on system calls")


def lines_of(folder: Path) -> list[dict[str, str]]:
    return [parse_line(line) for line in (folder / "refused").read_bytes().splitlines()]


@pytest.mark.usefixtures("filtered")
def test_what_leaves_is_refused_and_told_and_loopback_goes_on(folder: Path) -> None:
    assert run(folder, NOTHING) == {"is_on": True, "own": [EACCES, 0], "child": [EACCES, 0]}
    own, child = lines_of(folder)
    assert (own["destination"], own["program"], own["test"]) == ("192.0.2.1:9", "", "t")
    assert (child["destination"], child["program"]) == ("192.0.2.1:9", Path(sys.executable).name)


@pytest.mark.usefixtures("filtered")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give up a privilege of root")
def test_where_only_ancestors_may_look_the_session_looks_for_the_supervisor(folder: Path) -> None:
    found = run(folder, UNPRIVILEGED)
    assert found["child"] == [EACCES, 0]
    unseen = [line for line in lines_of(folder) if not line["destination"]]
    assert {line["program"] for line in unseen} == {""}  # no rule lets it look at the session here


@pytest.mark.usefixtures("filtered")
def test_a_page_without_a_test_lets_everything_through(folder: Path) -> None:
    page = Page(str(folder / "page"))
    page.write({"guarded": ""})
    found = run(folder, NOTHING)
    assert found["is_on"]
    assert EACCES not in json.loads(json.dumps(found["own"]))
    assert lines_of(folder) == []
    page.close()


@pytest.mark.usefixtures("filtered")
def test_the_supervisor_ends_with_the_last_process(folder: Path) -> None:
    run(folder, NOTHING)
    deadline_s = time.monotonic() + 10
    while str(folder).encode() in b"".join(map(read_command, Path("/proc").glob("[0-9]*"))):
        assert time.monotonic() < deadline_s
        time.sleep(0.02)


def read_command(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""


def test_without_a_supervisor_there_is_no_filter(folder: Path) -> None:
    found = run(folder, ["false"])
    assert found["is_on"] is False
    assert lines_of(folder) == []

"""The process that a soak watches: what cannot be started or watched is told in one line."""

import os
import socket
import sys
import time
from pathlib import Path

import pytest

from l9gate.errors import EndpointUnreachableError, PlanError
from l9gate.gate.soaked import running_command
from l9gate.observe.gauges import list_descendants
from l9gate.observe.pulse import read_pulses
from l9gate.sources.soak.watched import Watched

TASKS = (
    "import asyncio\n"
    "async def main():\n"
    "    kept = [asyncio.create_task(asyncio.sleep(60)) for _ in range(5)]\n"
    "    await asyncio.sleep(60)\n"
    "asyncio.run(main())\n"
)


def command(code: str, folder: Path) -> str:
    (folder / "program.py").write_text(code)
    return f"{sys.executable} program.py"


def is_running(pid: int) -> bool:
    """Whether it is more than an entry that nobody has collected yet."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def test_a_program_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(PlanError, match="`no-such-program --x` cannot be started"),
        running_command("no-such-program --x", tmp_path, os.environ, None),
    ):
        pass


def test_last_words_of_a_command_are_quoted_without_keys(tmp_path: Path) -> None:
    words = command("import sys; sys.exit('no config for sk-ant-secret-0001')", tmp_path)
    with (
        pytest.raises(EndpointUnreachableError, match="status 1 before it listened") as refused,
        running_command(words, tmp_path, os.environ, "http://127.0.0.1:9"),
    ):
        pass
    assert refused.value.hint == "it said:\nno config for [redacted]"


def test_a_command_ends_with_all_that_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("l9gate.gate.soaked.STOP_S", 0.5)
    starts_another = (
        "import subprocess, sys, signal, socket\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "server = socket.create_server(('127.0.0.1', int(sys.argv[1])))\n"
        "child.wait()\n"
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = f"{command(starts_another, tmp_path)} {port}"
    with running_command(words, tmp_path, os.environ, f"http://127.0.0.1:{port}") as soaked:
        family = [soaked.pid, *list_descendants(soaked.pid)]
        assert len(family) == 2
    assert [pid for pid in family if is_running(pid)] == []


def test_a_python_process_tells_of_its_tasks(tmp_path: Path) -> None:
    """PYTHONPATH of the user stays, and comes after ours."""
    words = command(TASKS, tmp_path)
    environ = {**os.environ, "PYTHONPATH": str(tmp_path)}
    with running_command(words, tmp_path, environ, None, every_s=0.05) as soaked:
        assert soaked.pulses is not None
        for _ in range(200):
            found = read_pulses(soaked.pulses, {soaked.pid})
            if found.get("tasks", 0) > 5:
                break
            time.sleep(0.05)
        assert found["tasks"] == 6
        assert found["objects"] > 1_000


def test_a_process_that_is_not_there_cannot_be_watched() -> None:
    with pytest.raises(PlanError, match="process 999999999 cannot be watched"):
        Watched(pid=999_999_999)

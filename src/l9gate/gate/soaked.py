"""The process that a soak watches: one that runs, or a command that starts and ends with us."""

import ctypes
import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from l9gate.errors import EndpointUnreachableError, PlanError
from l9gate.measure.clock import SystemClock
from l9gate.observe import pulse_hook
from l9gate.observe.pulse import BEAT_S, EVERY, TRACE
from l9gate.wire.redaction import Redactor

READY_S = 60.0
STOP_S = 10.0
MAX_TOLD_LINES = 5
_PR_SET_PDEATHSIG = 1
_LOOK_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Soaked:
    """A process, and where its Python processes report."""

    pid: int
    pulses: Path | None = None


@contextmanager
def running_command(
    command: str,
    root: Path,
    environ: Mapping[str, str],
    url: str | None,
    *,
    every_s: float = BEAT_S,
    notes_allocations: bool = False,
) -> Iterator[Soaked]:
    """Start a command, wait until it listens, and end it with everything that it started.

    Args:
        command: its words, as in a shell, without one.
        root: the folder that it runs in.
        environ: its variables.
        url: where it listens; None: nobody waits for it.
        every_s: how often its Python processes report.
        notes_allocations: whether they note who allocates, which makes them several times slower.

    Raises:
        PlanError: there is no such program.
        EndpointUnreachableError: it ended, or did not listen in time; its last lines are quoted.
    """
    with tempfile.TemporaryDirectory(prefix="l9gate-soak-") as folder:
        log, pulses = Path(folder) / "log", Path(folder) / "pulses"
        pulses.mkdir()
        if notes_allocations:
            (pulses / TRACE).touch()
        with log.open("wb") as output:
            process = _start(command, root, _told(environ, pulses, every_s), output.fileno())
        try:
            if url is not None:
                _wait_until_it_listens(process, url, log, environ)
            yield Soaked(pid=process.pid, pulses=pulses)
        finally:
            _end(process)


def _told(environ: Mapping[str, str], pulses: Path, every_s: float) -> dict[str, str]:
    """Return the variables with the hook that lets Python processes report."""
    hook = str(Path(pulse_hook.__file__).parent)
    path = os.pathsep.join(filter(None, (hook, environ.get("PYTHONPATH", ""))))
    return {
        **environ,
        "PYTHONPATH": path,
        "PYTHONUNBUFFERED": "1",
        "L9GATE_PULSE": str(pulses),
        EVERY: str(every_s),
    }


def _start(
    command: str, root: Path, environ: Mapping[str, str], output: int
) -> "subprocess.Popen[bytes]":
    try:
        words = shlex.split(command)
        return subprocess.Popen(  # noqa: S603  # what the user told us to start
            words,
            cwd=root,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_end_with_parent,  # noqa: PLW1509  # no thread of ours runs yet
        )
    except (OSError, ValueError, IndexError) as error:
        raise PlanError(
            f"`{command}` cannot be started: {error}",
            hint="give a program and its words, such as `python server.py`",
        ) from error


def _end_with_parent() -> None:
    """Have the kernel end this process when the one that started it is gone (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _wait_until_it_listens(
    process: "subprocess.Popen[bytes]", url: str, log: Path, environ: Mapping[str, str]
) -> None:
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    clock = SystemClock()
    ends_s = clock.now_s() + READY_S
    while clock.now_s() < ends_s:
        status = process.poll()
        if status is not None:
            raise EndpointUnreachableError(
                f"the command ended with status {status} before it listened at {url}",
                hint=_last_words(log, environ),
            )
        with suppress(OSError), socket.create_connection((parts.hostname or "", port), 1.0):
            return
        time.sleep(_LOOK_S)
    raise EndpointUnreachableError(
        f"the command did not listen at {url} within {READY_S:.0f} s",
        hint=_last_words(log, environ),
    )


def _last_words(log: Path, environ: Mapping[str, str]) -> str:
    lines = log.read_text(errors="replace").splitlines()[-MAX_TOLD_LINES:]
    told = Redactor.of_environ(environ).redact("\n".join(lines))
    return f"it said:\n{told}" if told else "it said nothing"


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End a process and all of its session: politely, then for certain."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_S)
    process.wait()

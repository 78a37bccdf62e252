"""One load by several processes of this machine, each with a core of its own."""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress

from l9gate.sources.bench import Bench
from l9gate.sources.load.crew import Member, OnProgress, SharedEnd, lead, shares_of
from l9gate.sources.load.plan import LoadAssignment
from l9gate.sources.load.wording import STOP, Counting, Task, decode_said, encode_line
from l9gate.store.run import open_run
from l9gate.wire.redaction import Redactor

GRACE_S = 10.0
MAX_LINE_BYTES = 1 << 22
_COMMAND = (sys.executable, "-m", "l9gate.sources.load.worker")


async def drive_shards(
    plan: LoadAssignment, bench: Bench, on_progress: OnProgress | None = None
) -> SharedEnd:
    """Carry a load out with several processes that write into one run folder.

    Cancelled, it ends them all; each has put what had ended by then.

    Args:
        plan: the load, and how many processes share it.
        bench: takes the plans of all shards, and a fault for each that is lost.
        on_progress: called about once a second with all shards together; True ends the load.

    Raises:
        DependencyError: a process did not get ready.
        L9gateError: as the first of them to fail says.
    """
    counting = Counting(policy=open_run(plan.run).policy_text(), scope=plan.asked.scope)
    crew = [
        _Process(
            Task(order=plan.order, share=share, run=str(plan.run), counting=counting),
            plan.environ,
            bench,
        )
        for share in shares_of(plan.place.workers)
    ]
    return await lead(plan.order, crew, bench, on_progress)


class _Process(Member):
    """One process, which hears us through its standard input."""

    def __init__(self, task: Task, environ: Mapping[str, str], bench: Bench) -> None:
        super().__init__(task.share, bench)
        self._task = task
        self._environ = environ
        self._redactor = Redactor.of_environ(environ)
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it and say what it has to do."""
        self._process = await asyncio.create_subprocess_exec(
            *_COMMAND,
            env={**self._environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            limit=MAX_LINE_BYTES,
            start_new_session=True,  # Ctrl-C reaches this process alone, which then ends the others
        )
        self._write(encode_line(self._task))

    def begin(self, starts_s: float) -> None:
        """Say when offset 0 is due."""
        self._write(f"{starts_s!r}\n".encode())

    def stop(self) -> None:
        """Have it send nothing more."""
        self._write(STOP + b"\n")

    async def follow(self) -> None:
        """Take in what it says until it says no more."""
        assert self._process is not None  # noqa: S101  # it was started
        assert self._process.stdout is not None  # noqa: S101  # asked for
        async for line in self._process.stdout:
            said = decode_said(line)
            if said is not None:
                self.take(said)
                continue
            text = self._redactor.redact(line.decode(errors="replace").rstrip())
            self.bench.say(f"{self.name}: {text}")
        await self._process.wait()

    async def end(self) -> None:
        """Let it put what it has and stop; then for certain."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        if process.stdin is not None:
            process.stdin.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(GRACE_S):
                await process.wait()
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()

    def why_lost(self) -> str:
        """Return the signal or status that it ended with."""
        status = None if self._process is None else self._process.returncode
        return f"signal {-status}" if status is not None and status < 0 else f"status {status}"

    def _write(self, line: bytes) -> None:
        """Say something to it; who is dead hears nothing."""
        stdin = None if self._process is None else self._process.stdin
        if stdin is not None and not stdin.is_closing():
            stdin.write(line)

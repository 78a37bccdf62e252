"""A pytest of one's own as a child process, which ends with us."""

import asyncio
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from l9gate.wire.redaction import Redactor

LEASH = "L9GATE_LEASH"  # the variable that tells the plug-in which descriptor to watch
GRACE_S = 10.0
MAX_LINE_BYTES = 1 << 20


async def run_child(
    command: Sequence[str], root: Path, environ: Mapping[str, str], say: Callable[[str], None]
) -> int:
    """Run a command, hand on every line that it prints, without keys, and return its status.

    The child stops when the pipe closes, which the death of this process does as well.
    """
    leash, held = os.pipe()
    try:
        return await _run_on_leash(command, root, {**environ, LEASH: str(leash)}, say)
    finally:
        os.close(leash)
        os.close(held)


async def _run_on_leash(
    command: Sequence[str], root: Path, environ: Mapping[str, str], say: Callable[[str], None]
) -> int:
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=root,
        env=environ,
        pass_fds=(int(environ[LEASH]),),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        limit=MAX_LINE_BYTES,
        start_new_session=True,
    )
    redactor = Redactor.of_environ(environ)
    try:
        assert process.stdout is not None  # noqa: S101  # asked for above
        async for line in process.stdout:
            say(redactor.redact(line.decode(errors="replace").rstrip()))
        return await process.wait()
    finally:
        await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Stop the child's whole group: politely, then for certain."""
    for number in (signal.SIGINT, signal.SIGKILL):
        if process.returncode is not None:
            return
        try:
            os.killpg(process.pid, number)
            async with asyncio.timeout(GRACE_S):
                await process.wait()
        except (ProcessLookupError, TimeoutError):
            continue

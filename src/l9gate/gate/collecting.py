"""Runs one source inside a loop: signals cancel it, and a crash of it becomes a record."""

import asyncio
import signal
from collections.abc import Coroutine

from l9gate.errors import L9gateError
from l9gate.evidence.records import Fault
from l9gate.sources.bench import Bench


async def collect_until_done(
    collecting: Coroutine[None, None, None], source: str, bench: Bench
) -> None:
    """Collect until the end; SIGINT and SIGTERM cancel, and the source still closes.

    Raises:
        L9gateError: what the source raised, also out of one of its tasks.
        CancelledError: it was cancelled.
    """
    task = asyncio.current_task()
    assert task is not None  # noqa: S101  # inside a runner
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    try:
        await collecting
    except Exception as error:  # noqa: BLE001  # a source that crashes is a record
        cause = error
        while isinstance(cause, ExceptionGroup):  # of the driver's tasks
            cause = cause.exceptions[0]
        if isinstance(cause, L9gateError):
            raise cause from None
        now_s = bench.clock.now_s()
        where = f"sources.{source}"
        bench.sink.put(Fault(at_s=now_s, where=where, error_class=type(cause).__name__))

import asyncio
import contextvars
import threading

import pytest

from neural_tools.errors import NeuralToolsError
from neural_tools.loop import LoopThread

_owner: contextvars.ContextVar[str] = contextvars.ContextVar("owner", default="nobody")


async def look() -> tuple[str, bool]:
    return _owner.get(), threading.current_thread().daemon


def test_work_runs_in_a_daemon_with_the_callers_context() -> None:
    loop = LoopThread("test")
    _owner.set("caller")
    assert loop.submit(look()).result() == ("caller", True)
    loop.stop()


def test_stopping_cancels_what_still_runs_and_may_be_repeated() -> None:
    loop = LoopThread("test")
    loop.stop()
    loop = LoopThread("test")
    begun = threading.Event()
    ended: list[bool] = []

    async def wait() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    future = loop.submit(wait())
    begun.wait()
    loop.stop()
    loop.stop()
    assert ended == [True]
    assert future.cancelled()
    with pytest.raises(NeuralToolsError, match="closed"):
        loop.submit(wait())

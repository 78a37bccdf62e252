"""A private event loop in a thread, so that all threads and loops share its connections."""

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import TypeVar

from neural_tools.errors import NeuralToolsError

Result = TypeVar("Result")

STOP_TIMEOUT_S = 1.0
"""How long cancelled work may take to end."""


class LoopThread:
    """Starts with the first coroutine and ends with `stop`; a daemon, so it holds up no exit."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._is_stopped = False

    def submit(self, work: Coroutine[object, object, Result]) -> "Future[Result]":
        """Run a coroutine in the caller's context variables; return its future.

        Raises:
            NeuralToolsError: it was stopped.
        """
        try:
            return asyncio.run_coroutine_threadsafe(work, self._running_loop())
        except BaseException:
            work.close()
            raise

    def stop(self) -> None:
        """Cancel what still runs and end the thread; again is harmless."""
        with self._lock:
            self._is_stopped = True
            loop, self._loop = self._loop, None
            thread, self._thread = self._thread, None
        if loop is not None and thread is not None:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._is_stopped:
                raise NeuralToolsError("this re-ranker was closed", hint="make another one")
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=_run, args=(self._loop,), name=self._name, daemon=True
                )
                self._thread.start()
            return self._loop


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        if tasks:  # bounded: one that does not let itself be cancelled must not hold up an exit
            loop.run_until_complete(asyncio.wait(tasks, timeout=STOP_TIMEOUT_S))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()

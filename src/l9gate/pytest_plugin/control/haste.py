"""Nobody waits for an endpoint that will never serve: no back-off, and a limit for each test."""

import asyncio
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import SupportsIndex

import pytest

_BACK_OFF = "_calculate_retry_timeout"
_NAP_S = 0.005
_LEAST_S = 1.0  # of a phase of a test that has used up its time: to tear down
_AGAIN_S = 2.0  # an alarm that a bare `except` swallowed goes off again


def shorten_back_off() -> None:
    """Have the SDK, if it is imported, retry at once: as often as before, with the same end."""
    client = getattr(sys.modules.get("anthropic._base_client"), "BaseClient", None)
    if client is not None and hasattr(client, _BACK_OFF):
        setattr(client, _BACK_OFF, lambda *_, **__: 0.0)


def shorten_sleeps(is_failing: Callable[[], bool]) -> None:
    """Have sleeps end at once in a test whose call has failed: they wait for the next attempt.

    It is done before anything of the project is imported, since `from time import sleep` and
    defaults of parameters keep what they find.
    """
    sleep, sleep_async = time.sleep, asyncio.sleep

    def slept(seconds: float | SupportsIndex, /) -> None:
        sleep(min(float(seconds), _NAP_S) if is_failing() else seconds)

    async def slept_async(delay: float, result: object = None) -> object:
        return await sleep_async(min(delay, _NAP_S) if is_failing() else delay, result)

    time.sleep = slept
    asyncio.sleep = slept_async  # type: ignore[assignment]  # its result is of any type


class TestLimit:
    """How long one test may take; it works in the main thread and where there are alarms."""

    __test__ = False

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._started_s = 0.0
        self.was_hit = False

    def begin(self) -> None:
        """Start the clock of the next test."""
        self._started_s = time.monotonic()
        self.was_hit = False

    @contextmanager
    def phase(self) -> Iterator[None]:
        """Fail what runs inside when the test's time is up."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.signal(signal.SIGALRM, self._ring)
        left_s = self._limit_s - (time.monotonic() - self._started_s)
        signal.setitimer(signal.ITIMER_REAL, max(left_s, _LEAST_S), _AGAIN_S)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)

    def _ring(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002  # signal's
        self.was_hit = True
        pytest.fail(f"l9gate control: not ended within {self._limit_s:g} s", pytrace=False)

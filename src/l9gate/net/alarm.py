"""A timer of a loop that comes within microseconds where the system has one; else in a millisecond.

uvloop's own timers count whole milliseconds, which would be most of the lag of a load client.
"""

import asyncio
import ctypes
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress

_CLOCK_MONOTONIC = 1
_NONBLOCK_CLOEXEC = 0o2004000
_NEVER_LESS_S = 1e-6  # a timer set to zero is one that is off
_TICK_S = 0.001  # of a loop's own timers


class Alarm:
    """Rings once each time that it is set; setting it again replaces the earlier time."""

    def __init__(self, loop: asyncio.AbstractEventLoop, ring: Callable[[], None]) -> None:
        self._loop = loop
        self._ring = ring
        self._handle: asyncio.TimerHandle | None = None
        self._due_s = 0.0  # of the handle
        self._timer = _Timer.open()
        if self._timer is not None:
            loop.add_reader(self._timer.descriptor, self._rang)

    def set(self, in_s: float) -> None:
        """Ring in so many seconds, at once if that is not above 0."""
        if self._timer is not None:
            self._timer.set(in_s)
            return
        if self._handle is not None:
            self._handle.cancel()
        self._due_s = time.monotonic() + in_s
        self._handle = self._loop.call_later(max(in_s, 0.0), self._ring_if_due)

    def close(self) -> None:
        """Ring no more."""
        if self._handle is not None:
            self._handle.cancel()
        if self._timer is not None:
            self._loop.remove_reader(self._timer.descriptor)
            self._timer.close()
            self._timer = None

    def _ring_if_due(self) -> None:
        """Ring, or a tick later: a loop counts from when its turn began, and rounds."""
        if time.monotonic() < self._due_s:
            self._handle = self._loop.call_later(_TICK_S, self._ring_if_due)
        else:
            self._ring()

    def _rang(self) -> None:
        if self._timer is not None and self._timer.take():
            self._ring()


class _Interval(ctypes.Structure):
    """`struct itimerspec`, whose first two fields repeat the timer: never."""

    _fields_ = [(name, ctypes.c_long) for name in ("every_s", "every_ns", "in_s", "in_ns")]


class _Timer:
    """A timer of the kernel as a descriptor; see timerfd_create(2)."""

    def __init__(self, library: ctypes.CDLL, descriptor: int) -> None:
        self._set = library.timerfd_settime
        self._value = _Interval()
        self._place = ctypes.byref(self._value)
        self.descriptor = descriptor

    @classmethod
    def open(cls) -> "_Timer | None":
        """Return a timer, None where the system has none."""
        if sys.platform != "linux":
            return None
        try:
            library = ctypes.CDLL(None)
            descriptor = library.timerfd_create(_CLOCK_MONOTONIC, _NONBLOCK_CLOEXEC)
        except (OSError, AttributeError):
            return None
        return cls(library, descriptor) if descriptor >= 0 else None

    def set(self, in_s: float) -> None:
        """Become readable in so many seconds."""
        nanoseconds = int(max(in_s, _NEVER_LESS_S) * 1e9)
        self._value.in_s, self._value.in_ns = divmod(nanoseconds, 1_000_000_000)
        self._set(self.descriptor, 0, self._place, None)

    def take(self) -> bool:
        """Whether it was time; it is not readable any more."""
        with suppress(BlockingIOError):
            os.read(self.descriptor, 8)
            return True
        return False

    def close(self) -> None:
        """Give the descriptor back."""
        os.close(self.descriptor)

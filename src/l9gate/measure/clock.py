"""Time, handed in."""

import time
from typing import Protocol


class Clock(Protocol):
    """Wall-clock time in seconds since the epoch that never runs backwards."""

    def now_s(self) -> float:
        """Return seconds since 1970-01-01T00:00:00Z."""
        ...


class SystemClock:
    """The machine's time: anchored once to the wall clock, then monotonic.

    Differences between two readings are exact durations even when the wall clock is set in
    between, or a test patches the module `time`.
    """

    def __init__(self) -> None:
        self._monotonic_s = time.monotonic
        self._offset_s = time.time() - time.monotonic()

    def now_s(self) -> float:
        """Return seconds since the epoch."""
        return self._offset_s + self._monotonic_s()


class ManualClock:
    """Time that moves only when a test says so."""

    def __init__(self, start_s: float = 1_700_000_000.0) -> None:
        self._now_s = start_s

    def now_s(self) -> float:
        """Return the time that was set last."""
        return self._now_s

    def advance(self, by_s: float) -> None:
        """Move on by some seconds.

        Raises:
            ValueError: `by_s` is negative.
        """
        if by_s < 0:
            raise ValueError(f"a clock does not run backwards: {by_s}")
        self._now_s += by_s

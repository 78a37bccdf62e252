"""Exchanges that have ended and whose records are still to be made: a few, made together.

To make one between two calls costs several times what it costs right after another one, since the
application has meanwhile filled the processor's caches with its own.
"""

import os
import threading
from collections import deque
from typing import Protocol

MAX_WAITING = 32
MAX_WAITING_BYTES = 256 << 10  # of requests and answers


class Ended(Protocol):
    """What waits."""

    @property
    def size_bytes(self) -> int:
        """How much of memory it takes, roughly."""

    def make(self) -> None:
        """Make its record; never raises."""

    def settle(self) -> None:
        """Put its record, with what came of the answer; never raises."""


class Backlog:
    """What waits in one process, in its order."""

    def __init__(self, patient: int | None) -> None:
        """Begin.

        Args:
            patient: the process that calls `clear` before it makes records durable; in any other,
                such as its forks, nothing waits.
        """
        self._patient = patient
        self._waiting: deque[Ended] = deque()
        self._waiting_bytes = 0
        self._settling = threading.RLock()  # a response that is collected meanwhile ends, too

    def add(self, ended: Ended) -> None:
        """Have one settled, now or soon."""
        if os.getpid() != self._patient:
            ended.settle()
            return
        self._waiting.append(ended)
        self._waiting_bytes += ended.size_bytes
        is_full = len(self._waiting) >= MAX_WAITING or self._waiting_bytes >= MAX_WAITING_BYTES
        if is_full and self._settling.acquire(blocking=False):  # else another thread is at it
            try:
                self._settle()
            finally:
                self._settling.release()

    def clear(self) -> None:
        """Settle all that wait."""
        if os.getpid() == self._patient:  # what a fork inherited is its parent's
            with self._settling:
                self._settle()

    def _settle(self) -> None:
        batch: deque[Ended] = deque()
        try:
            while self._waiting:
                batch.append(self._waiting.popleft())
            self._waiting_bytes = 0
            for ended in batch:  # one kind of work at a time, for the same reason as above
                ended.make()
            while batch:
                batch.popleft().settle()
        finally:
            self._waiting.extendleft(reversed(batch))  # what broke it off loses one at most

"""Exchanges that have ended and whose records are still to be made: a few, made together.

To make one between two calls costs several times what it costs right after another one, since the
application has meanwhile filled the processor's caches with its own.
"""

import os
from collections import deque
from typing import Protocol

MAX_WAITING = 32
MAX_WAITING_BYTES = 256 << 10  # of requests and answers


class Ended(Protocol):
    """What waits."""

    @property
    def size_bytes(self) -> int:
        """How much of memory it takes, roughly."""

    def settle(self) -> None:
        """Put its record; never raises."""


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

    def add(self, ended: Ended) -> None:
        """Have one settled, now or soon."""
        if os.getpid() != self._patient:
            ended.settle()
            return
        self._waiting.append(ended)
        self._waiting_bytes += ended.size_bytes
        if len(self._waiting) >= MAX_WAITING or self._waiting_bytes >= MAX_WAITING_BYTES:
            self.clear()

    def clear(self) -> None:
        """Settle all that wait."""
        if os.getpid() != self._patient:
            return  # what a fork inherited is its parent's
        self._waiting_bytes = 0
        while self._waiting:
            try:
                ended = self._waiting.popleft()
            except IndexError:  # another thread took it
                return
            ended.settle()

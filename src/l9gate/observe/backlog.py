"""Exchanges whose answers still have to be held against the contract: a few, looked at together.

One look between two calls costs several times what it costs right after another one, since the
application has meanwhile filled the processor's caches with its own.
"""

import os
from collections import deque
from collections.abc import Callable

import msgspec

from l9gate.evidence.records import Exchange, Held
from l9gate.observe.answer import Answer

MAX_WAITING = 32
MAX_WAITING_BYTES = 256 << 10  # of requests and answers


class Backlog:
    """Puts the exchanges of one process in their order, each with what came of its answer."""

    def __init__(
        self, look: Callable[[Answer], Held], put: Callable[[Exchange], None], patient: int | None
    ) -> None:
        """Take who looks and where to record; neither raises.

        Args:
            look: holds one answer against the contract.
            put: records one exchange.
            patient: the process that calls `clear` before it makes records durable; in any other,
                such as its forks, nothing waits.
        """
        self._look = look
        self._record = put
        self._patient = patient
        self._waiting: deque[tuple[Exchange, Answer | None]] = deque()
        self._waiting_bytes = 0

    def add(self, exchange: Exchange, answer: Answer | None) -> None:
        """Put an exchange, now or soon; one without an answer to look at keeps its place."""
        if os.getpid() != self._patient:
            self._put(exchange, answer)
            return
        self._waiting.append((exchange, answer))
        self._waiting_bytes += exchange.request_bytes + exchange.response_bytes
        if len(self._waiting) >= MAX_WAITING or self._waiting_bytes >= MAX_WAITING_BYTES:
            self.clear()

    def clear(self) -> None:
        """Look at all that wait, and put them."""
        if os.getpid() != self._patient:
            return  # what a fork inherited is its parent's
        self._waiting_bytes = 0
        while self._waiting:
            try:
                exchange, answer = self._waiting.popleft()
            except IndexError:  # another thread took it
                return
            self._put(exchange, answer)

    def _put(self, exchange: Exchange, answer: Answer | None) -> None:
        held = Held.NOT if answer is None else self._look(answer)
        if held is not Held.NOT:
            exchange = msgspec.structs.replace(exchange, held=held)
        self._record(exchange)

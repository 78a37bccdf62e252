"""Answers that are being produced: how many tokens of all of them fall into a span of time.

An answer is produced evenly from its first token to its last. So what many answers produce at a
moment is one rate, which changes when one of them begins or ends: looking costs nothing for each
token or event.
"""

import heapq
from collections.abc import Iterator
from itertools import count

import msgspec

_LEAST_S = 0.001  # in which even an answer without a pace is produced


class Production(msgspec.Struct, kw_only=True, gc=False):
    """The output of one answer; times in seconds since the epoch."""

    tokens: int
    start_s: float
    end_s: float
    is_running: bool = False
    is_over: bool = False

    @property
    def rate_per_s(self) -> float:
        """Tokens in a second while it runs."""
        return self.tokens / (self.end_s - self.start_s)

    def charged(self, now_s: float) -> float:
        """Return the tokens of it that a flow, looked at now, has given away."""
        if not self.is_running:
            return float(self.tokens) if self.is_over else 0.0
        return self.rate_per_s * (now_s - self.start_s)


class Flow:
    """What runs out of a bucket by and by; looks at it go forward in time."""

    def __init__(self) -> None:
        # Heap, the next change of each production; empty while nothing runs or will run.
        self.changes: list[tuple[float, int, Production]] = []
        self._numbers = count()
        self._running = 0
        self._rate_per_s = 0.0
        self._at_s = 0.0  # of the last look

    def begin(self, tokens: int, start_s: float, end_s: float) -> Production:
        """Return an answer that will be produced in this time."""
        start_s = max(start_s, self._at_s)
        end_s = max(end_s, start_s + _LEAST_S)
        production = Production(tokens=tokens, start_s=start_s, end_s=end_s)
        heapq.heappush(self.changes, (start_s, next(self._numbers), production))
        return production

    def advance(self, now_s: float) -> list[tuple[float, float]]:
        """Return what ran out since the last look: from when on, and how many tokens."""
        spans: list[tuple[float, float]] = []
        while self.changes and self.changes[0][0] <= now_s:
            at_s, number, production = heapq.heappop(self.changes)
            self._pass(at_s, spans)
            if production.is_running:
                self.stop(production)
            elif not production.is_over:
                production.is_running = True
                self._running += 1
                self._rate_per_s += production.rate_per_s
                heapq.heappush(self.changes, (production.end_s, number, production))
        self._pass(now_s, spans)
        return spans

    def stop(self, production: Production) -> None:
        """End a production, at the time of the last look."""
        if production.is_running:
            self._running -= 1
            self._rate_per_s -= production.rate_per_s
            if not self._running:
                self._rate_per_s = 0.0  # sums of floats leave something over
        production.is_running, production.is_over = False, True

    def foresee(self) -> Iterator[tuple[float, float]]:
        """Yield the rates from now on, each with its end; the last one ends never."""
        changes: list[tuple[float, float]] = []
        for _, _, production in self.changes:
            if not production.is_over:
                changes.append((production.end_s, -production.rate_per_s))
                if not production.is_running:
                    changes.append((production.start_s, production.rate_per_s))
        rate_per_s = self._rate_per_s
        for at_s, change in sorted(changes):
            yield at_s, rate_per_s
            rate_per_s += change
        yield float("inf"), 0.0

    def _pass(self, to_s: float, spans: list[tuple[float, float]]) -> None:
        if to_s > self._at_s:
            if self._running:
                spans.append((self._at_s, self._rate_per_s * (to_s - self._at_s)))
            self._at_s = to_s

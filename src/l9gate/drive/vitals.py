"""How the load client itself fares: its lag, its loop's lag, its share of a core."""

import asyncio
import time
from math import ceil

from l9gate.evidence.load import ClientCheck
from l9gate.measure.clock import Clock
from l9gate.net.alarm import Alarm

LOOP_TICK_S = 0.010
_MAX_LAGS = 5_000  # of one stretch; beyond that every second one is kept, then every fourth ...


class Lags:
    """The largest share of some lags, of which a bounded number is kept."""

    def __init__(self) -> None:
        self._lags_s: list[float] = []
        self._stride = 1
        self._seen = 0

    def add(self, lag_s: float) -> None:
        """Take one."""
        self._seen += 1
        if self._seen % self._stride:
            return
        self._lags_s.append(lag_s)
        if len(self._lags_s) >= _MAX_LAGS:
            self._lags_s = self._lags_s[1::2]
            self._stride *= 2

    def p99_s(self) -> float:
        """Return the nearest-rank quantile at 0.99, 0 if there was nothing to be late for."""
        ordered = sorted(self._lags_s)
        return max(ordered[ceil(0.99 * len(ordered)) - 1], 0.0) if ordered else 0.0


class Vitals:
    """Takes the client's pulse between two checks."""

    def __init__(self, clock: Clock, span: str, shard: int) -> None:
        self._clock = clock
        self._span, self._shard = span, shard
        self._alarm = Alarm(asyncio.get_running_loop(), self._tick)
        self._tick_due_s = 0.0
        self.sent = 0  # calls of the main arm since the last check
        self.lags = Lags()
        self._begin()

    def start(self) -> None:
        """Begin to listen to the loop."""
        self._begin()
        self._next_tick(self._clock.now_s())

    def note_sent(self, lag_s: float) -> None:
        """Note that a call was sent so long after it was due."""
        self.sent += 1
        self.lags.add(lag_s)

    def check(self, behind: int) -> ClientCheck:
        """Return how the client fared since the last check, and begin anew.

        Args:
            behind: how many calls are due and not sent.
        """
        now_s, cpu_s = self._clock.now_s(), time.process_time()
        record = ClientCheck(
            at_s=now_s,
            span=self._span,
            shard=self._shard,
            since_s=self._since_s,
            until_s=now_s,
            cpu_share=(cpu_s - self._cpu_s) / max(now_s - self._since_s, 1e-3),
            schedule_lag_p99_s=self.lags.p99_s(),
            loop_lag_p99_s=self._loop_lags.p99_s(),
            sent=self.sent,
            due=self.sent + behind,
        )
        self._begin()
        return record

    def close(self) -> None:
        """Listen no more."""
        self._alarm.close()

    def _begin(self) -> None:
        self._since_s, self._cpu_s = self._clock.now_s(), time.process_time()
        self.sent = 0
        self.lags, self._loop_lags = Lags(), Lags()

    def _next_tick(self, now_s: float) -> None:
        self._tick_due_s = now_s + LOOP_TICK_S
        self._alarm.set(LOOP_TICK_S)

    def _tick(self) -> None:
        now_s = self._clock.now_s()
        self._loop_lags.add(now_s - self._tick_due_s)
        self._next_tick(now_s)

"""Many appointments on one timer: cheap to make, precise to a tick."""

import asyncio
import heapq
from collections.abc import Callable
from typing import Protocol, TypeAlias

_TICK_S = 0.001

Appointment: TypeAlias = Callable[[float], None]


class Appointments(Protocol):
    """Who calls back at a time."""

    def call_at(self, when_s: float, run: Appointment, /) -> None:
        """Call `run` with the time of the loop as soon as `when_s` is reached."""


class Wheel:
    """Calls back when it is time, at most about two ticks late; times are those of the loop.

    Appointments cannot be cancelled: who is called looks whether it still matters.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._slots: dict[int, list[Appointment]] = {}
        self._order: list[int] = []  # heap of the slots in use
        self._timer: asyncio.TimerHandle | None = None
        self._armed_for = 0

    def call_at(self, when_s: float, run: Appointment) -> None:
        """Call `run` with the time of the loop as soon as `when_s` is reached."""
        slot = int(when_s / _TICK_S) + 1
        waiting = self._slots.get(slot)
        if waiting is not None:
            waiting.append(run)
            return
        self._slots[slot] = [run]
        heapq.heappush(self._order, slot)
        if self._timer is None or slot < self._armed_for:
            self._arm()

    def stop(self) -> None:
        """Forget all appointments."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._slots.clear()
        self._order.clear()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._armed_for = self._order[0]
        self._timer = self._loop.call_at(self._armed_for * _TICK_S, self._turn)

    def _turn(self) -> None:
        self._timer = None
        self._armed_for = 0
        now_s = self._loop.time()
        due = now_s / _TICK_S + 1e-6
        while self._order and self._order[0] <= due:
            for run in self._slots.pop(heapq.heappop(self._order)):
                run(now_s)
        if self._order and self._timer is None:
            self._arm()

"""Calls that are more than bytes: a task for each, on the same schedule."""

import asyncio
from collections.abc import Callable
from math import inf
from typing import Protocol

import msgspec

from l9gate.drive.columns import Row
from l9gate.drive.entrance import TakeRow
from l9gate.drive.raised import classify_error
from l9gate.drive.workload import Job
from l9gate.errors import L9gateError
from l9gate.evidence.load import Arm, CallEnd
from l9gate.evidence.words import Origin
from l9gate.measure.clock import Clock

_GRACE_S = 1.0  # in which a cancelled call may tidy up before it is cancelled again
_MOST_CANCELS = 5  # who heeds none of them is left alone


class Caller(Protocol):
    """Carries out one call of the application or of a client, and says what came of it."""

    @property
    def origin(self) -> Origin:
        """Where answers come from that say nothing of it."""

    async def open(self) -> None:
        """Get ready."""

    async def call(self, job: Job, due_s: float) -> Row:
        """Return the row of one call that was answered; cancelled, it is over.

        What it raises is told apart by status and class, but for errors of ours, which end the
        load.
        """
        ...

    async def close(self) -> None:
        """Let go of what was opened."""


class _Flight(msgspec.Struct):
    """A call that has not ended."""

    sent_s: float
    end: Callable[["asyncio.Task[Row]"], None]
    cancels: int = 0
    cancelled_s: float = -inf  # the last time


class TaskEntry:
    """Has a caller carry out each call in a task of its own; a time-out cancels it."""

    def __init__(self, caller: Caller, clock: Clock, take: TakeRow, timeout_s: float) -> None:
        self._caller = caller
        self._clock = clock
        self._take = take
        self._timeout_s = timeout_s
        self._tasks: dict[asyncio.Task[Row], _Flight] = {}  # in the order of `sent_s`
        self._failure: L9gateError | None = None
        self._is_closed = False

    @property
    def in_flight(self) -> int:
        """How many calls have been started and have not ended."""
        return len(self._tasks)

    @property
    def waiting(self) -> int:
        """None of them waits for us."""
        return 0

    async def open(self) -> None:
        """Have the caller get ready."""
        await self._caller.open()

    def start(self, job: Job, arm: Arm, position: int, due_s: float) -> None:
        """Begin a call; returns at once.

        Raises:
            L9gateError: an earlier call cannot be carried out at all.
        """
        if self._failure is not None:
            raise self._failure
        sent_s = self._clock.now_s()
        task = asyncio.get_running_loop().create_task(self._caller.call(job, due_s))

        def end(task: "asyncio.Task[Row]") -> None:
            flight = self._tasks.pop(task)
            row = self._row_of(task, due_s, flight)
            if row is not None and not self._is_closed:
                row.position = position
                self._take(arm, job, row)

        self._tasks[task] = _Flight(sent_s, end)
        task.add_done_callback(end)

    def sweep(self, now_s: float) -> None:
        """Cancel the calls whose time is over, again those that do not heed it.

        They began in this order. One that heeds nothing has timed out all the same.
        """
        for task, flight in list(self._tasks.items()):
            if flight.sent_s > now_s - self._timeout_s:
                return
            if flight.cancelled_s >= now_s - _GRACE_S:
                continue
            if flight.cancels == _MOST_CANCELS:
                task.remove_done_callback(flight.end)
                _leave_alone(task)
                flight.end(task)
                continue
            flight.cancels += 1
            flight.cancelled_s = now_s
            task.cancel()

    def abandon(self) -> int:
        """Return 0: all are on their way."""
        return 0

    async def close(self) -> None:
        """Cancel what is in flight and have the caller let go."""
        self._is_closed = True
        tasks = set(self._tasks)
        for _ in range(_MOST_CANCELS):
            for task in tasks:
                task.cancel()
            if tasks:
                _, tasks = await asyncio.wait(tasks, timeout=_GRACE_S)
        for task in tasks:
            _leave_alone(task)
        await self._caller.close()

    def _row_of(self, task: "asyncio.Task[Row]", due_s: float, flight: _Flight) -> Row | None:
        """Return what a call said; one that was cancelled has timed out, or is not known of."""
        end, origin = CallEnd.TIMED_OUT, self._caller.origin
        if not flight.cancels:
            if task.cancelled():
                return None
            error = task.exception()
            if error is None:
                return task.result()
            if isinstance(error, L9gateError):
                self._failure = error
                return None
            end = classify_error(error)
        ended_s = self._clock.now_s()
        return Row(due_s=due_s, sent_s=flight.sent_s, ended_s=ended_s, end=end, origin=origin)


def _leave_alone(task: "asyncio.Task[Row]") -> None:
    """Take a task that heeds no cancellation from those that the end of the loop waits for.

    It goes on while the loop does: nobody can stop it.
    """
    asyncio.tasks._unregister_task(task)  # noqa: SLF001  # documented in "Extending asyncio"

"""Calls that are more than bytes: a task for each, on the same schedule."""

import asyncio
from math import inf
from typing import Protocol

from l9gate.drive.columns import Row
from l9gate.drive.entrance import TakeRow
from l9gate.drive.raised import classify_error
from l9gate.drive.workload import Job
from l9gate.errors import L9gateError
from l9gate.evidence.load import Arm, CallEnd
from l9gate.evidence.words import Origin
from l9gate.measure.clock import Clock

_GRACE_S = 1.0  # in which a cancelled call may tidy up before it is cancelled again


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


class TaskEntry:
    """Has a caller carry out each call in a task of its own; a time-out cancels it."""

    def __init__(self, caller: Caller, clock: Clock, take: TakeRow, timeout_s: float) -> None:
        self._caller = caller
        self._clock = clock
        self._take = take
        self._timeout_s = timeout_s
        self._tasks: dict[asyncio.Task[Row], float] = {}  # when it was sent
        self._overdue: dict[asyncio.Task[Row], float] = {}  # when it was cancelled last
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
        self._tasks[task] = sent_s

        def end(task: "asyncio.Task[Row]") -> None:
            del self._tasks[task]
            row = self._row_of(task, due_s, sent_s)
            if row is not None and not self._is_closed:
                row.position = position
                self._take(arm, job, row)

        task.add_done_callback(end)

    def sweep(self, now_s: float) -> None:
        """Cancel the calls whose time is over, again those that do not heed it.

        They began in this order.
        """
        for task, sent_s in self._tasks.items():
            if sent_s > now_s - self._timeout_s:
                return
            if self._overdue.get(task, -inf) < now_s - _GRACE_S:
                self._overdue[task] = now_s
                task.cancel()

    def abandon(self) -> int:
        """Return 0: all are on their way."""
        return 0

    async def close(self) -> None:
        """Cancel what is in flight and have the caller let go."""
        self._is_closed = True
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await self._caller.close()

    def _row_of(self, task: "asyncio.Task[Row]", due_s: float, sent_s: float) -> Row | None:
        """Return what a call said; one that was cancelled has timed out, or is not known of."""
        was_overdue = self._overdue.pop(task, None) is not None
        end, origin = CallEnd.TIMED_OUT, self._caller.origin
        if not was_overdue:
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
        return Row(due_s=due_s, sent_s=sent_s, ended_s=ended_s, end=end, origin=origin)

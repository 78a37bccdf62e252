"""Drives a load: never waits for the last answer, and keeps what was measured, however it ends."""

import asyncio
import gc

from l9gate.drive.arrivals import Closed, count_planned
from l9gate.drive.book import Book
from l9gate.drive.caller import Caller, TaskEntry
from l9gate.drive.columns import Place, Row
from l9gate.drive.entrance import Entrance
from l9gate.drive.outlook import Outlook
from l9gate.drive.pace import Pace
from l9gate.drive.plan import Drive, DriveEnd, OnProgress, Reason
from l9gate.drive.purse import Purse
from l9gate.drive.vitals import Vitals
from l9gate.drive.wire_entry import WireEntry
from l9gate.drive.workload import Job
from l9gate.errors import BudgetError
from l9gate.evidence.load import Arm, CallEnd, Entry, LoadPlan
from l9gate.evidence.log import Sink
from l9gate.measure.clock import Clock
from l9gate.net.endpoint import Endpoint
from l9gate.store.account import Payer

CHECK_EVERY_S = 5.0
SPILL_EVERY_S = 1.0
SLICE_EVERY_S = 10.0
_LEAD_S = 0.01  # from when all is ready to the first call
_WARM_UP_USERS = 16
_MOST_SWEEP_S = 0.1


async def drive(
    plan: Drive,
    clock: Clock,
    sink: Sink,
    on_progress: OnProgress | None = None,
    caller: Caller | None = None,
) -> DriveEnd:
    """Carry a load out and put what came of it into a sink.

    A cancelled one (Ctrl-C) has put everything that had ended by then.

    Args:
        plan: what to send, and when.
        clock: of all times.
        sink: takes `LoadPlan`, `LoadBlock`, `LoadHistogram`, `ClientCheck`; flushed by a thread.
        on_progress: called about once a second; True ends the load.
        caller: carries out the calls of the main arm, if they do not go to the endpoint as bytes.

    Raises:
        PlanError: the workload yields something that cannot be sent.
        WriteError: the disk refuses evidence or the ledger.
    """
    driver = Driver(plan, clock, sink, on_progress)
    try:
        return await driver.run(caller)
    finally:
        await driver.close()


class Driver:
    """One load while it runs."""

    def __init__(
        self, plan: Drive, clock: Clock, sink: Sink, on_progress: OnProgress | None
    ) -> None:
        self._plan = plan
        self._clock = clock
        self._sink = sink
        self._on_progress = on_progress
        purse = None if plan.account is None else Purse(plan.account, plan.payer or Payer())
        self._wire = WireEntry(plan.wire, clock, self.take, purse)
        self._main: Entrance = self._wire
        host = Endpoint.parse(plan.wire.base_url).host
        main_host = "" if plan.entry is Entry.APP else host
        place = Place(plan.span, plan.shard, main_host, host, plan.wire.origin)
        self._book = Book(sink, place, plan.exact_values)
        self._vitals = Vitals(clock, plan.span, plan.shard)
        jobs = plan.workload.jobs(plan.seed, plan.shard, plan.shards)
        self._jobs = jobs
        self._pace = Pace(clock, jobs, self._begin, plan.shard, plan.shards)
        self._planned = count_planned(plan.arrivals, plan.seed, plan.shard, plan.shards)
        self._outlook = Outlook(plan.arrivals.duration_s, self._planned)
        self._starts_s = 0.0
        self._reason = Reason.COMPLETED
        self._refusal: str | None = None
        self._warmed = asyncio.Event()
        self._warm_left = 0
        self._is_open = False

    async def run(self, caller: Caller | None) -> DriveEnd:
        """Warm up, send, and wait for what is in flight."""
        if caller is not None:
            self._main = TaskEntry(caller, self._clock, self.take, self._plan.wire.timeout_s)
            await self._main.open()
        await self._wire.open()
        self._is_open = True
        gc.freeze()  # what exists now will not be looked at again and again
        sweeper = asyncio.create_task(self._sweep())
        try:
            await self._warm_up()
            self._starts_s = await self._find_start()
            self._put_plan()
            await self._carry_out()
        except BaseExceptionGroup as group:
            raise _first_of(group) from None
        finally:
            sweeper.cancel()
            gc.unfreeze()
        self._check()
        return self._end()

    async def _carry_out(self) -> None:
        """Send the main arm beside the control arm and what has to be done in between."""
        async with asyncio.TaskGroup() as group:
            house = group.create_task(self._keep_house())
            every_s = self._plan.control_every_s
            control = None if every_s is None else group.create_task(self._control(every_s))
            await self._send()
            if control is not None:
                control.cancel()  # else there would be always a call of it to wait for
            await self._drain()
            house.cancel()

    async def close(self) -> None:
        """End all connections and put what is there; what is in flight gets no row."""
        self._pace.close()
        self._vitals.close()
        try:
            await self._close_entries()
        finally:
            self._book.close()
            self._sink.flush()

    async def _close_entries(self) -> None:
        if self._is_open:
            if self._main is not self._wire:
                await self._main.close()
            await self._wire.close()

    def take(self, arm: Arm, job: Job, row: Row) -> None:
        """Take what came of a call."""
        self._book.take(arm, job.model, stream=job.stream, row=row)
        if arm is Arm.MAIN:
            arrivals = self._plan.arrivals
            self._outlook.done += 1
            if isinstance(arrivals, Closed):
                self._pace.free_user(row.ended_s + arrivals.think_s)
        elif arm is Arm.WARM_UP:
            self._warm_left -= 1
            self._warmed.set()

    def _begin(self, job: Job, position: int, due_s: float) -> None:
        now_s = self._clock.now_s()
        try:
            self._main.start(job, Arm.MAIN, position, due_s)
        except BudgetError as error:
            self._refuse(error, job, position, due_s)
            return
        self._outlook.sent += 1
        self._vitals.note_sent(now_s - due_s)

    def _refuse(self, error: BudgetError, job: Job, position: int, due_s: float) -> None:
        """Note the call that was not paid for, and send no further one."""
        self._reason, self._refusal = Reason.NOT_PAID, str(error)
        row = Row(
            due_s=due_s,
            sent_s=float("nan"),
            ended_s=self._clock.now_s(),
            end=CallEnd.NOT_PAID,
            position=position,
            origin=self._plan.wire.origin,
        )
        self._book.take(Arm.MAIN, job.model, stream=job.stream, row=row)
        self._pace.stop()

    async def _warm_up(self) -> None:
        """Send some calls first, a few at a time."""
        sent, wanted = 0, self._plan.warm_up
        while sent < wanted or self._warm_left:
            self._warmed.clear()
            while sent < wanted and self._warm_left < _WARM_UP_USERS:
                job = next(self._jobs, None)
                if job is None:
                    return
                try:
                    self._main.start(job, Arm.WARM_UP, sent, self._clock.now_s())
                except BudgetError:
                    return  # the first call of the main arm says so
                self._warm_left += 1
                sent += 1
            await self._warmed.wait()

    async def _find_start(self) -> float:
        """Return when offset 0 is due; shards of one load wait here for each other."""
        if self._plan.begin is not None:
            return await self._plan.begin()
        return self._clock.now_s() + _LEAD_S

    def _put_plan(self) -> None:
        plan = self._plan
        now_s = self._clock.now_s()
        first = getattr(plan.workload, "made", ())
        models = {job.model for job in first}
        streams = {job.stream for job in first}
        self._sink.put(
            LoadPlan(
                at_s=now_s,
                span=plan.span,
                entry=plan.entry,
                arrivals=plan.arrivals.in_words(),
                shard=plan.shard,
                shards=plan.shards,
                planned=self._planned,
                starts_s=self._starts_s,
                duration_s=plan.arrivals.duration_s,
                seed=plan.seed,
                timeout_s=plan.wire.timeout_s,
                model=models.pop() if len(models) == 1 else None,
                stream=streams.pop() if len(streams) == 1 else None,
            )
        )
        self._outlook.start(self._starts_s)
        self._vitals.start()

    async def _send(self) -> None:
        plan = self._plan
        if isinstance(plan.arrivals, Closed):
            await self._pace.run_closed(plan.arrivals, self._starts_s)
        else:
            await self._pace.run_open(plan.arrivals, plan.seed, self._starts_s)
        if self._pace.is_exhausted:
            self._reason = Reason.EXHAUSTED

    async def _drain(self) -> None:
        """Wait for what is in flight; what has no connection within a time-out is not sent."""
        ends_s = self._clock.now_s() + self._plan.wire.timeout_s
        while self._main.in_flight:
            if self._clock.now_s() > ends_s:
                self._outlook.sent -= self._main.abandon()
            await asyncio.sleep(0.002)

    async def _control(self, every_s: float) -> None:
        """Send a minimal bare call every so often, beside everything else."""
        job, number = self._plan.control, 0
        assert job is not None  # noqa: S101  # the plan has checked it
        while True:
            due_s = self._starts_s + number * every_s
            await asyncio.sleep(max(due_s - self._clock.now_s(), 0.0))
            try:
                self._wire.start(job, Arm.CONTROL, number, due_s)
            except BudgetError:
                return  # the next call of the main arm says so
            number += 1

    async def _sweep(self) -> None:
        pause_s = min(self._plan.wire.timeout_s / 20, _MOST_SWEEP_S)
        while True:
            await asyncio.sleep(pause_s)
            now_s = self._clock.now_s()
            self._wire.sweep(now_s)
            if self._main is not self._wire:
                self._main.sweep(now_s)

    async def _keep_house(self) -> None:
        """Once a second put rows into the sink and say how it goes; now and then check oneself."""
        number = 0
        while True:
            await asyncio.sleep(SPILL_EVERY_S)
            number += 1
            self._book.spill()
            if number % round(SLICE_EVERY_S / SPILL_EVERY_S) == 0:
                self._book.cut_slices()
            lag_s = self._vitals.lags.p99_s()
            if number % round(CHECK_EVERY_S / SPILL_EVERY_S) == 0:
                self._check()
            await asyncio.to_thread(self._sink.flush)
            if self._on_progress is not None:
                now_s = self._clock.now_s()
                progress = self._outlook.look(now_s, self._book, self._main.in_flight, lag_s)
                if self._on_progress(progress):
                    self._reason = Reason.STOPPED
                    self._pace.stop()

    def _check(self) -> None:
        behind = self._pace.behind(self._plan.arrivals, self._plan.seed, self._starts_s)
        self._sink.put(self._vitals.check(behind))

    def _end(self) -> DriveEnd:
        self._book.spill()
        return DriveEnd(
            reason=self._reason,
            planned=self._planned,
            sent=self._outlook.sent,
            done=self._outlook.done,
            ends={CallEnd(end): count for end, count in self._book.ends.items()},
            refusal=self._refusal,
        )


def _first_of(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return what went wrong first: whoever called knows nothing of our tasks."""
    first: BaseException = group
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return first

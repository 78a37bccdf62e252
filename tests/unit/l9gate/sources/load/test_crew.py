"""Those who carry out the shards of one load, led to one start and to one end."""

import asyncio

import pytest

from l9gate.drive.order import LoadOrder, Share
from l9gate.drive.plan import Progress, Reason
from l9gate.drive.shards import Ended, Standing
from l9gate.errors import DependencyError, PlanError
from l9gate.evidence.load import LoadPlan
from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import Fault
from l9gate.measure.clock import ManualClock
from l9gate.measure.histogram import Histogram
from l9gate.sources.bench import Bench
from l9gate.sources.load import crew
from l9gate.sources.load.crew import Member, SharedEnd, lead, shares_of
from l9gate.sources.load.wording import Failed, Ready

ORDER = LoadOrder(base_url="http://h", rate="constant 5/s", duration_s=1.0, seed=1, model="m")
NONE = Histogram().to_hdr()
STANDING = Standing(
    at_s=1.0, elapsed_s=1.0, left_s=None, planned=5, sent=7, done=7, in_flight=0, ends={},
    rate_per_s=1.0, lag_s=0.0, latency=NONE, latency_infinite=0, ttft=NONE, ttft_infinite=0,
)  # fmt: skip
DONE = Ended(reason=Reason.COMPLETED, planned=3, sent=3, done=3, ends={0: 3})


class Puppet(Member):
    """Says what it is told to, in this process."""

    def __init__(self, share: Share, bench: Bench, *says: object) -> None:
        super().__init__(share, bench)
        self._says = says
        self._started = asyncio.Event()
        self.starts_s: float | None = None
        self.was_ended = False

    async def start(self) -> None:
        return None

    def begin(self, starts_s: float) -> None:
        self.starts_s = starts_s
        self._started.set()

    def stop(self) -> None:
        self._started.set()

    async def follow(self) -> None:
        for said in self._says:
            if isinstance(said, Ended | None):
                await self._started.wait()
            if isinstance(said, Ready | Ended | Failed):
                self.take(said)
        if not self._says:
            await self._started.wait()

    async def end(self) -> None:
        self.was_ended = True
        self._started.set()

    def why_lost(self) -> str:
        return "signal 9"


@pytest.fixture
def bench() -> Bench:
    return Bench(clock=ManualClock(100.0), seed=1, sink=MemoryLog(), say=lambda _: None)


def led(members: list[Puppet], bench: Bench) -> SharedEnd:
    return asyncio.run(lead(ORDER, members, bench, None))


def log_of(bench: Bench) -> MemoryLog:
    assert isinstance(bench.sink, MemoryLog)
    return bench.sink


def test_all_start_at_one_moment_with_their_plans_written_down_before(bench: Bench) -> None:
    members = [Puppet(share, bench, Ready(), DONE) for share in shares_of(2)]
    shared = led(members, bench)
    assert (shared.end.sent, shared.end.planned, shared.lost) == (6, 5, ())
    assert {member.starts_s for member in members} == {100.2}
    plans = list(log_of(bench).of(LoadPlan))
    assert [(plan.shard, plan.planned, plan.starts_s) for plan in plans] == [
        (0, 3, 100.2),
        (1, 2, 100.2),
    ]


def test_one_that_says_no_end_is_lost_and_its_plan_stays(bench: Bench) -> None:
    first, second = shares_of(2)
    shared = led([Puppet(first, bench, Ready(), DONE), Puppet(second, bench, Ready(), None)], bench)
    assert shared.lost == ("worker 2 of 2 was lost (signal 9) after 0 answers",)
    assert (shared.end.sent, shared.end.planned) == (3, 5)
    assert [fault.where for fault in log_of(bench).of(Fault)] == ["sources.load.worker.1"]
    assert len(list(log_of(bench).of(LoadPlan))) == 2


def test_one_that_fails_fails_the_load_before_anything_is_sent(bench: Bench) -> None:
    failed = Failed(error="PlanError", message="no workload")
    first, second = shares_of(2)
    members = [Puppet(first, bench), Puppet(second, bench, failed)]
    with pytest.raises(PlanError, match="no workload"):
        led(members, bench)
    assert all(member.was_ended for member in members)
    assert list(log_of(bench).of(LoadPlan)) == []


def test_nobody_waits_for_ever_for_one_that_does_not_get_ready(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crew, "READY_S", 0.02)
    first, second = shares_of(2)
    members = [Puppet(first, bench, Ready(), DONE), Puppet(second, bench)]
    with pytest.raises(DependencyError, match="not ready to send: worker 2 of 2"):
        led(members, bench)
    assert all(member.was_ended for member in members)


def test_who_is_cancelled_ends_all_of_them(bench: Bench) -> None:
    members = [Puppet(share, bench, Ready(), None) for share in shares_of(2)]

    async def interrupt() -> None:
        patient = [Patient(member) for member in members]
        task = asyncio.create_task(lead(ORDER, patient, bench, None))
        for one in patient:
            await one.follows.wait()
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(interrupt())
    assert all(member.was_ended for member in members)


class Patient(Puppet):
    """Goes on until it is ended."""

    def __init__(self, inner: Puppet) -> None:
        super().__init__(inner.share, inner.bench, Ready(), None)
        self._inner = inner
        self._is_over = asyncio.Event()
        self.follows = asyncio.Event()

    async def follow(self) -> None:
        self.take(Ready())
        self.follows.set()
        await self._is_over.wait()

    async def end(self) -> None:
        self._is_over.set()
        await self._inner.end()


def test_a_look_at_all_shards_may_end_them(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew, "PROGRESS_S", 0.01)
    seen: list[Progress] = []

    def look(progress: Progress) -> bool:
        seen.append(progress)
        return True

    async def carry_out() -> SharedEnd:
        member = Stoppable(Share(), bench, Ready())
        return await lead(ORDER, [member], bench, look)

    shared = asyncio.run(carry_out())
    assert shared.end.reason is Reason.STOPPED
    assert seen[0].sent == 7


class Stoppable(Puppet):
    """Ends when it is told to stop."""

    def __init__(self, share: Share, bench: Bench, *says: object) -> None:
        super().__init__(share, bench, *says)
        self._is_over = asyncio.Event()

    async def follow(self) -> None:
        self.take(Ready())
        self.take(STANDING)
        await self._is_over.wait()
        self.take(Ended(reason=Reason.STOPPED, planned=5, sent=7, done=7, ends={}))

    def stop(self) -> None:
        self._is_over.set()

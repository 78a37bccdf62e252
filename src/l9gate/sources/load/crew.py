"""Leads those who carry out the shards of one load, wherever they are.

All start at one moment. The plan of every shard is put before that, so that what a lost one did not
send stays missing: its share is unproven and nobody else takes it over.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TypeAlias

import msgspec

from l9gate.drive.order import LoadOrder, Share, plan_record, planned_of
from l9gate.drive.plan import DriveEnd, Progress
from l9gate.drive.shards import Ended, Standing, merge_ends, merge_standings
from l9gate.errors import DependencyError
from l9gate.evidence.records import Fault
from l9gate.sources.bench import Bench
from l9gate.sources.load.wording import Failed, Ready, Said

READY_S = 120.0
PROGRESS_S = 1.0
_LEAD_S = 0.2  # from when all are ready to the first call: the word has to reach everybody
OnProgress: TypeAlias = Callable[[Progress], bool]


class SharedEnd(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a load that several carried out."""

    end: DriveEnd  # of the shards that came to an end
    lost: tuple[str, ...]  # who did not, in words


class Member(ABC):
    """Whoever carries one shard out, as it is seen from here."""

    def __init__(self, share: Share, bench: Bench) -> None:
        self.share = share
        self.bench = bench
        self.ready = asyncio.Event()
        self.standing: Standing | None = None
        self.ended: Ended | None = None
        self.failed: Failed | None = None

    @property
    def name(self) -> str:
        """What people call it: they count from 1."""
        return f"worker {self.share.shard + 1} of {self.share.shards}"

    @abstractmethod
    async def start(self) -> None:
        """Start it and say what it has to do."""

    @abstractmethod
    def begin(self, starts_s: float) -> None:
        """Say when offset 0 is due."""

    @abstractmethod
    def stop(self) -> None:
        """Have it send nothing more."""

    @abstractmethod
    async def follow(self) -> None:
        """Take in what it says until it says no more."""

    @abstractmethod
    async def end(self) -> None:
        """Let it put what it has and stop; then for certain."""

    @abstractmethod
    def why_lost(self) -> str:
        """Return what is known of how it was lost."""

    def take(self, said: Said) -> None:
        """Take in one message."""
        if isinstance(said, Ready):
            self.ready.set()
        elif isinstance(said, Standing):
            self.standing = said
        elif isinstance(said, Ended):
            self.ended = said
        else:
            self.failed = said

    def note_loss(self) -> None:
        """Put a fault if it came to no end."""
        if self.ended is None and self.failed is None:
            where = f"sources.load.worker.{self.share.shard}"
            now_s = self.bench.clock.now_s()
            self.bench.sink.put(Fault(at_s=now_s, where=where, error_class="WorkerLost"))

    def obituary(self) -> str:
        """Return that and how it was lost."""
        done = 0 if self.standing is None else self.standing.done
        return f"{self.name} was lost ({self.why_lost()}) after {done:,} answers"


async def lead(
    order: LoadOrder, crew: Sequence[Member], bench: Bench, on_progress: OnProgress | None
) -> SharedEnd:
    """Have a load carried out; cancelled, end all who do.

    Args:
        order: the load.
        crew: one for each shard, not started yet.
        bench: takes the plans of all shards, and a fault for each that is lost.
        on_progress: called about once a second with all shards together; True ends the load.

    Raises:
        DependencyError: one of them did not get ready.
        L9gateError: as the first of them to fail says.
    """
    planned = [await asyncio.to_thread(planned_of, order, one.share) for one in crew]
    followers: list[asyncio.Task[None]] = []
    try:
        await asyncio.gather(*(one.start() for one in crew))
        followers = [asyncio.create_task(_follow(one)) for one in crew]
        await _wait_until_ready(crew, followers)
        starts_s = bench.clock.now_s() + _LEAD_S
        for one, count in zip(crew, planned, strict=True):
            now_s = bench.clock.now_s()
            bench.sink.put(plan_record(order, one.share, count, starts_s, now_s))
        bench.sink.flush()
        for one in crew:
            one.begin(starts_s)
        pulse = asyncio.create_task(_report(crew, on_progress))
        await asyncio.wait(followers)
        pulse.cancel()
    finally:
        await asyncio.gather(*(one.end() for one in crew))
        await asyncio.gather(*followers)
    _raise_first(crew)
    ends = [one.ended for one in crew if one.ended is not None]
    total = None if None in planned else sum(one or 0 for one in planned)
    lost = tuple(one.obituary() for one in crew if one.ended is None)
    return SharedEnd(end=merge_ends(ends, total), lost=lost)


async def _follow(member: Member) -> None:
    await member.follow()
    member.note_loss()


async def _wait_until_ready(
    crew: Sequence[Member], followers: Sequence["asyncio.Task[None]"]
) -> None:
    """Return once all are warm.

    Raises:
        DependencyError: one is not, or ended before.
        L9gateError: as one of them says.
    """
    waits = asyncio.create_task(_all_ready(crew))
    try:
        await asyncio.wait({waits, *followers}, timeout=READY_S, return_when="FIRST_COMPLETED")
        _raise_first(crew)
        late = [one.name for one in crew if not one.ready.is_set()]
        if late:
            raise DependencyError(
                f"not ready to send: {', '.join(late)}; nothing was measured",
                hint="the lines above say why; `--workers 1` needs nobody else",
            )
    finally:
        waits.cancel()


async def _all_ready(crew: Sequence[Member]) -> None:
    for one in crew:
        await one.ready.wait()


async def _report(crew: Sequence[Member], on_progress: OnProgress | None) -> None:
    while True:
        await asyncio.sleep(PROGRESS_S)
        parts = [one.standing for one in crew if one.standing is not None]
        if parts and on_progress is not None and on_progress(merge_standings(parts)):
            for one in crew:
                one.stop()


def _raise_first(crew: Sequence[Member]) -> None:
    for one in crew:
        if one.failed is not None:
            raise one.failed.as_error()


def shares_of(shards: int) -> list[Share]:
    """Return the parts of a load."""
    return [Share(shard=shard, shards=shards) for shard in range(shards)]

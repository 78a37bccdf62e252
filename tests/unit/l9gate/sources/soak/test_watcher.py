"""Gauges beside a soak: read at their time, judged by the way, one closing word if it is over."""

import asyncio
from collections.abc import Callable
from typing import cast

import pytest

from l9gate.criteria.criterion import Role, Scope
from l9gate.criteria.expression import parse_condition
from l9gate.criteria.threshold import Threshold
from l9gate.drive.plan import Drive, Progress
from l9gate.evidence.gauges import CACHE_EXPIRIES, DESCRIPTORS
from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import Gauge, Origin
from l9gate.measure.clock import ManualClock
from l9gate.sources.bench import Bench
from l9gate.sources.soak.plan import SoakOrders
from l9gate.sources.soak.watched import Watched
from l9gate.sources.soak.watcher import Watcher

SCOPE = Scope(layers=(), sources=("soak",), kind=Origin.SIMULATED, environment="development")
CRITERION = Threshold(
    name="descriptors",
    role=Role.EXIT,
    layers=frozenset(),
    sources=frozenset({"soak"}),
    condition=parse_condition("soak.descriptor_leaks == 0"),
    min_window_s=60,
)


class Leaking:
    """Stands for a process that opens a descriptor a second, and may end."""

    name = "7@1"
    simulator = "http://127.0.0.1:1"

    def __init__(self, ends_after: int) -> None:
        self.reads = 0
        self.ends_after = ends_after

    def read(self) -> dict[str, float]:
        self.reads += 1
        if self.reads > self.ends_after:
            raise OSError(3, "gone")
        return {DESCRIPTORS: 30.0 + self.reads}

    def read_limits(self) -> dict[str, float]:
        return {"descriptor_limit": 1_024.0}

    async def read_expiries(self) -> dict[str, float]:
        return {CACHE_EXPIRIES: 2.0}


class Fleeting(ManualClock):
    """A clock on which a second passes at each look, and nobody waits."""

    def now_s(self) -> float:
        self.advance(0.25)
        return super().now_s()


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def watch(told: list[str]) -> Callable[..., tuple[Watcher, MemoryLog]]:
    def run(
        reads: int, *, stops: bool = False, before: tuple[Gauge, ...] = ()
    ) -> tuple[Watcher, MemoryLog]:
        log, clock = MemoryLog(), Fleeting()
        plan = SoakOrders(
            drive=cast("Drive", type("D", (), {"span": "soak"})()),
            watched=cast("Watched", Leaking(reads)),
            every_s=0.0,
            criteria=(CRITERION,),
            scope=SCOPE,
            look_every_s=30.0,
            stops_when_broken=stops,
            before=before,
        )
        bench = Bench(clock=clock, seed=1, sink=log, say=told.append)
        watcher = Watcher(plan, bench)
        watcher.look(cast("Progress", type("P", (), {"done": 40})()))
        asyncio.run(watcher.watch())
        return watcher, log

    return run


def test_every_gauge_says_whose_it_is_and_how_much_was_done(
    watch: Callable[..., tuple[Watcher, MemoryLog]], told: list[str]
) -> None:
    watcher, log = watch(3)
    found = [(one.name, one.value, one.process, one.operations) for one in log.of(Gauge)]
    assert found[:3] == [
        ("descriptor_limit", 1_024.0, "7@1", 40),
        (DESCRIPTORS, 31.0, "7@1", 40),
        (CACHE_EXPIRIES, 2.0, "http://127.0.0.1:1", 40),
    ]
    assert watcher.is_gone
    assert told == ["stopped: the watched process 7@1 ended"]
    assert watcher.look(cast("Progress", type("P", (), {"done": 41})()))


def test_a_last_reading_makes_the_readings_span_the_whole_load(
    watch: Callable[..., tuple[Watcher, MemoryLog]],
) -> None:
    """Ten minutes of a load are ten minutes of readings, not ten minutes less one step."""
    watcher, log = watch(3)
    watcher.is_gone = False
    cast("Leaking", watcher._plan.watched).ends_after = 99
    asyncio.run(watcher.read_last())
    readings = [one for one in log.of(Gauge) if one.name == DESCRIPTORS]
    assert len(readings) == 4
    watcher.is_gone = True
    asyncio.run(watcher.read_last())
    assert len([one for one in log.of(Gauge) if one.name == DESCRIPTORS]) == 4


def test_two_looks_that_agree_end_a_soak_that_may_be_ended(
    watch: Callable[..., tuple[Watcher, MemoryLog]], told: list[str]
) -> None:
    watch(130, stops=True)
    assert told[0].startswith("stopped early: descriptors is broken: grows by")
    told.clear()
    watch(130)
    assert [line for line in told if "early" in line] == []


def test_operations_go_on_where_they_broke_off(
    watch: Callable[..., tuple[Watcher, MemoryLog]], gauge: Callable[..., Gauge]
) -> None:
    _, log = watch(1, before=(gauge(operations=100, name=DESCRIPTORS, process="5@1"),))
    assert {one.operations for one in log.of(Gauge)} == {140}

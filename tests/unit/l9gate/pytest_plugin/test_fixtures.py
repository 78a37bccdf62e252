import gc
from types import SimpleNamespace
from typing import cast

import pytest

from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import Gauge, Layer, Mention
from l9gate.measure.clock import ManualClock
from l9gate.observe.attribution import Owner, owned_by
from l9gate.observe.mentions import MentionHandler
from l9gate.observe.origins import Target
from l9gate.observe.recorder import Outbox
from l9gate.pytest_plugin import fixtures
from l9gate.pytest_plugin.fixtures import Evidence, MemoryGrowth, make_memory_growth
from l9gate.pytest_plugin.observation import Observation


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog()


@pytest.fixture
def measure(log: MemoryLog, monkeypatch: pytest.MonkeyPatch) -> MemoryGrowth:
    """What the fixture gives, in a process that grows by 10 bytes from reading to reading."""
    size_bytes = iter(range(1000, 2000, 10))
    monkeypatch.setattr(fixtures, "read_rss_bytes", lambda: next(size_bytes))
    monkeypatch.setattr("gc.collect", lambda: 0)  # of the whole test process it takes too long
    observation = SimpleNamespace(sink=log, clock=ManualClock(5.0))
    return make_memory_growth(cast("Observation", observation))


def test_readings_are_at_equal_steps_after_the_warm_up(
    measure: MemoryGrowth, log: MemoryLog
) -> None:
    """L3-08, C-07."""
    called: list[int] = []
    with owned_by(Owner("test_a", Layer.PERFORMANCE)):
        growth_bytes = measure("sustained", called.append, 20, warmup=2, readings=4)
    assert called == list(range(22))
    assert growth_bytes == 40
    gauges = [gauge for gauge in log.of(Gauge) if gauge.name == "rss_bytes"]
    assert [gauge.operations for gauge in gauges] == [0, 5, 10, 15, 20]
    assert [gauge.value for gauge in gauges] == [1000, 1010, 1020, 1030, 1040]
    assert {(gauge.name, gauge.span, gauge.owner, gauge.layer) for gauge in gauges} == {
        ("rss_bytes", "sustained", "test_a", Layer.PERFORMANCE)
    }


def test_more_readings_than_operations_are_one_each(measure: MemoryGrowth, log: MemoryLog) -> None:
    assert measure("ten", lambda _: None, 3) == 30
    names = ("rss_bytes", "open_descriptors", "threads", "gc_objects")
    done: dict[str, list[int]] = {name: [] for name in names}
    for gauge in log.of(Gauge):
        done.setdefault(gauge.name, []).append(gauge.operations)
    assert set(map(tuple, done.values())) == {(0, 1, 2, 3)}


@pytest.mark.parametrize(("operations", "readings"), [(0, 1), (1, 0)])
def test_growth_over_nothing_is_an_error(
    measure: MemoryGrowth, operations: int, readings: int
) -> None:
    with pytest.raises(ValueError, match="at least one"):
        measure("none", lambda _: None, operations, readings=readings)


def test_without_an_observation_growth_is_still_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    # The collector would look through all that thousands of tests have left.
    monkeypatch.setattr(gc, "collect", lambda: 0)
    assert isinstance(make_memory_growth(None)("ten", lambda _: None, 1), int)


def test_a_test_may_say_by_which_ids_its_calls_are_found() -> None:
    log, clock = MemoryLog(), ManualClock(7.0)
    handler = MentionHandler(Outbox(log, clock), clock, Target("api.example.com"))
    evidence = Evidence(cast("Observation", SimpleNamespace(mentions=handler)))
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    evidence.note(request_id="req_of_nobody")
    with owned_by(Owner("test_a", Layer.INTEGRATION)):
        evidence.note(request_id="req_1")
        evidence.note(trace_id=trace.upper())
        evidence.note(trace_id=f"00-{trace}-00f067aa0ba902b7-01")
    found = [one for one in log.of(Mention) if one.owner == "test_a"]
    assert [(one.request_id, one.trace_id) for one in found] == [
        ("req_1", None),
        (None, trace),
        (None, trace),
    ]
    assert {one.since_s for one in found} == {None}


@pytest.mark.parametrize("ids", [{}, {"request_id": ""}, {"trace_id": "x"}])
def test_what_is_no_id_is_refused(ids: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="32 hex digits"):
        Evidence(None).note(**ids)

import struct

import pytest

from l9gate.criteria.criterion import Role, Scope
from l9gate.criteria.expression import parse_condition
from l9gate.criteria.threshold import Threshold
from l9gate.evidence.load import Arm, CallEnd, LoadBlock
from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import Origin
from l9gate.measure.sequential import Stopping
from l9gate.sources.load.tally import TallySink


def asked(condition: str) -> tuple[Threshold, Role]:
    sources = frozenset({"load"})
    threshold = Threshold(
        name="asked", role=Role.EXIT, layers=frozenset(), sources=sources,
        condition=parse_condition(condition),
    )  # fmt: skip
    return threshold, Role.EXIT


def sink_of(condition: str, stopping: Stopping = Stopping.ANYTIME) -> tuple[TallySink, MemoryLog]:
    log = MemoryLog()
    scope = Scope(
        layers=(), sources=("load",), kind=Origin.LIVE, environment="e", stopping=stopping
    )
    return TallySink(log, (asked(condition),), scope), log


def block(calls: int, took_s: float, arm: Arm = Arm.MAIN, end: CallEnd = CallEnd.OK) -> LoadBlock:
    due, ended = (
        struct.pack(f"<{calls}d", *[0.0] * calls),
        struct.pack(f"<{calls}d", *[took_s] * calls),
    )
    return LoadBlock(
        at_s=1.0, span="load", arm=arm, shard=0, origin=Origin.LIVE, host="h", model=None,
        stream=False, calls=calls, positions=bytes(4 * calls), due_s=due, sent_s=due,
        ended_s=ended, ends=bytes([end]) * calls, marks=bytes([3]) * calls,
    )  # fmt: skip


def test_records_pass_and_calls_of_the_main_arm_are_counted() -> None:
    sink, log = sink_of("p95(load.latency_s) < 1s")
    for part in (block(3, 0.5), block(2, 5.0), block(9, 5.0, Arm.CONTROL)):
        sink.put(part)
    sink.flush()
    assert len(log.records) == 3
    assert sink.counts == {"asked": (5, 2)}


def test_a_broken_load_stops_after_a_handful_of_calls() -> None:
    sink, _ = sink_of("p50(load.latency_s) < 1s")
    sink.put(block(9, 5.0))
    assert sink.why_stop(0, None, may_keep=False) is None, "a cold start is no rate"
    sink.put(block(9, 5.0))
    assert sink.why_stop(0, None, may_keep=False) == "`asked` is broken: 18 of 18 beyond its limit"


def test_calls_in_flight_may_turn_out_either_way() -> None:
    sink, _ = sink_of("p50(load.latency_s) < 1s")
    sink.put(block(18, 5.0))
    assert sink.why_stop(500, None, may_keep=False) is None


@pytest.mark.parametrize(
    ("stopping", "may_keep", "stops"),
    [
        (Stopping.ANYTIME, True, True),
        (Stopping.ANYTIME, False, False),
        (Stopping.FIXED, True, False),
    ],
)
def test_a_kept_load_stops_only_where_it_may_be_judged_at_any_time(
    stopping: Stopping, stops: bool, may_keep: bool
) -> None:
    sink, _ = sink_of("rate(load.error) <= 20%", stopping)
    sink.put(block(500, 0.5))
    assert (sink.why_stop(0, 1000, may_keep=may_keep) is not None) is stops


def test_what_other_processes_counted_counts() -> None:
    sink, _ = sink_of("rate(load.error) <= 20%")
    sink.take({"asked": (500, 400)})
    assert sink.why_stop(0, None, may_keep=False) is not None

import struct

import msgspec
import pytest

from l9gate.criteria.completeness import Completeness
from l9gate.criteria.criterion import Finding, Scope, State
from l9gate.criteria.shortfall import calls_of_shards
from l9gate.evidence.load import (
    Arm,
    CallEnd,
    Entry,
    LoadBlock,
    LoadHistogram,
    LoadPlan,
)
from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import EndReason, Layer, Origin, Record, SourceEnd

LOAD = Scope(layers=(), sources=("load",), kind=Origin.LIVE, environment="development")
END = SourceEnd(at_s=9.0, source="load", reason=EndReason.COMPLETED)


def plan(planned: int | None = 10, shard: int = 0, shards: int = 1) -> LoadPlan:
    return LoadPlan(
        at_s=1.0, span="load", entry=Entry.WIRE, arrivals="constant 5/s", shard=shard,
        shards=shards, planned=planned, starts_s=1.0, duration_s=2.0, seed=1, timeout_s=10.0,
        model="claude-haiku-5-5", stream=False,
    )  # fmt: skip


def block(
    calls: int = 10, shard: int = 0, arm: Arm = Arm.MAIN, end: CallEnd = CallEnd.OK
) -> LoadBlock:
    times = struct.pack(f"<{calls}d", *range(calls))
    return LoadBlock(
        at_s=2.0, span="load", arm=arm, shard=shard, origin=Origin.LIVE, host="api", model=None,
        stream=False, calls=calls, positions=struct.pack(f"<{calls}I", *range(calls)),
        due_s=times, sent_s=times, ended_s=times, ends=bytes([end]) * calls, marks=bytes(calls),
    )  # fmt: skip


def counted(calls: int, quantity: str = "latency") -> LoadHistogram:
    return LoadHistogram(
        at_s=3.0, span="load", arm=Arm.MAIN, shard=0, quantity=quantity, model=None, stream=False,
        since_s=1.0, until_s=3.0, counts=b"", infinite=0,
        ends={CallEnd.OK: calls} if quantity == "latency" else {},
    )  # fmt: skip


def judged(*records: Record) -> Finding:
    log = MemoryLog()
    log.records.extend(records)  # type: ignore[arg-type]  # all of them are records of a log
    return Completeness().judge(log, LOAD)


def test_a_load_that_sent_what_it_planned_is_complete() -> None:
    finding = judged(plan(), block(), END)
    assert (finding.state, finding.reason) == (State.KEPT, None)
    assert (finding.n, finding.basis) == (1, "sources")
    assert finding.condition == "every source ran to its end"


def test_a_load_without_an_end_was_killed() -> None:
    finding = judged(plan(), block(7))
    assert finding.state is State.UNPROVEN
    assert finding.reason == (
        "load has no end: it was killed or never started; 3 of 10 planned calls were never sent"
    )


@pytest.mark.parametrize("arm", [Arm.CONTROL, Arm.WARM_UP])
def test_calls_of_another_arm_do_not_stand_in_for_missing_ones(arm: Arm) -> None:
    assert judged(plan(), block(7), block(3, arm=arm), END).state is State.UNPROVEN


def test_a_call_that_nobody_paid_for_was_not_sent() -> None:
    finding = judged(plan(), block(9), block(1, end=CallEnd.NOT_PAID), END)
    assert finding.reason == "1 of 10 planned calls were never sent"


def test_a_lost_worker_leaves_its_share_unproven_and_is_named() -> None:
    shards = [plan(shard=shard, shards=2) for shard in range(2)]
    finding = judged(*shards, block(shard=0), block(4, shard=1), END)
    assert finding.state is State.UNPROVEN
    assert finding.reason == "6 of 20 planned calls were never sent (load shard 1: 6)"


def test_a_shard_that_never_began_is_named() -> None:
    finding = judged(plan(shard=0, shards=3), block(), END)
    assert finding.reason == "load: 2 of 3 shards never began (1, 2)"


def test_calls_in_a_histogram_were_sent_once_whatever_is_counted_of_them() -> None:
    assert judged(plan(), block(4), counted(6), counted(6, "ttft"), END).state is State.KEPT
    assert judged(plan(), block(4), counted(5), counted(6, "ttft"), END).state is State.UNPROVEN
    assert calls_of_shards(MemoryLog([block(4), counted(6)])) == {("load", 0): 10}


def test_a_closed_loop_plans_no_number_and_is_complete_at_its_end() -> None:
    assert judged(plan(None), block(3), END).state is State.KEPT


@pytest.mark.parametrize("reason", [EndReason.STOPPED, EndReason.LIMIT_REACHED, EndReason.FAILED])
def test_a_load_that_ended_otherwise_is_unproven(reason: EndReason) -> None:
    end = SourceEnd(at_s=9.0, source="load", reason=reason, detail="why")
    assert judged(plan(), block(), end).reason == f"load {reason}: why"


def test_a_source_without_a_plan_is_unproven() -> None:
    assert judged(END).reason == "load planned nothing"


def test_layers_and_sources_are_asked_for_side_by_side() -> None:
    scope = Scope(
        layers=(Layer.UNIT,), sources=("load",), kind=Origin.LIVE, environment="development"
    )
    finding = Completeness().judge(MemoryLog([plan(), block(), END]), scope)
    assert finding.state is State.UNPROVEN
    assert (finding.observed, finding.limit) == (1.0, 2.0)
    assert finding.condition == "every layer and source ran to its end"


def test_shards_of_different_schedules_are_no_load() -> None:
    """Runs of pods that did not start at one time, or were given another seed."""
    parts = [plan(shard=0, shards=2), plan(shard=1, shards=2)]
    other = msgspec.structs.replace(parts[1], starts_s=61.0)
    calls = (block(shard=0), block(shard=1), END)
    assert judged(*parts, *parts, *calls).state is State.KEPT
    finding = judged(parts[0], other, *calls)
    assert finding.state is State.UNPROVEN
    assert "its shards are of 2 schedules" in (finding.reason or "")

"""A load in words, from which every process makes the same schedule."""

from pathlib import Path

import msgspec
import pytest

from l9gate.drive.arrivals import Closed, Poisson, Recorded
from l9gate.drive.order import LoadOrder, Share, drive_of, plan_record, planned_of
from l9gate.errors import PlanError

ORDER = LoadOrder(
    base_url="http://127.0.0.1:9", rate="poisson 20/s", duration_s=5.0, seed=3, model="m"
)


def changed(**fields: object) -> LoadOrder:
    return msgspec.structs.replace(ORDER, **fields)


def test_an_order_is_json_and_holds_no_key() -> None:
    drive = drive_of(ORDER, "sk-secret-1")
    told = msgspec.json.encode(ORDER)
    assert msgspec.json.decode(told, type=LoadOrder) == ORDER
    assert b"sk-secret" not in told
    assert (drive.wire.key, drive.arrivals, drive.shards) == ("sk-secret-1", Poisson(20.0, 5.0), 1)


def test_shares_plan_all_calls_between_them() -> None:
    shares = [Share(shard=shard, shards=3) for shard in range(3)]
    parts = [planned_of(ORDER, share) or 0 for share in shares]
    assert sum(parts) == planned_of(ORDER, Share())
    assert max(parts) - min(parts) <= 1


def test_one_shard_alone_sends_the_bare_calls_in_between() -> None:
    order = changed(control_every_s=2.0)
    drives = [drive_of(order, "k", Share(shard=shard, shards=2)) for shard in range(2)]
    assert [drive.control_every_s for drive in drives] == [2.0, None]


def test_memory_for_exact_values_is_that_of_all_shards_together() -> None:
    drive = drive_of(changed(exact_values=1000), "k", Share(shard=1, shards=4))
    assert drive.exact_values == 250


def test_a_recorded_rate_takes_its_times_from_the_workload(tmp_path: Path) -> None:
    tape = tmp_path / "tape.jsonl"
    tape.write_text('{"at_s": 1.0, "body": {"model": "m"}}\n{"at_s": 4.0, "body": {"model": "m"}}')
    drive = drive_of(changed(rate="recorded x2", workload=str(tape)), "k")
    assert drive.arrivals == Recorded((1.0, 4.0), 2.0)
    with pytest.raises(PlanError, match="has no times"):
        drive_of(changed(rate="recorded"), "k")


def test_a_load_of_nothing_in_particular_needs_a_model() -> None:
    with pytest.raises(PlanError, match="needs a model"):
        drive_of(changed(model=None), "k")


def test_a_plan_says_what_a_shard_was_going_to_send() -> None:
    order = changed(rate="closed 4")
    plan = plan_record(order, Share(shard=1, shards=2), None, 12.0, 11.0)
    assert (plan.shard, plan.shards, plan.planned, plan.starts_s) == (1, 2, None, 12.0)
    assert (plan.arrivals, plan.model, plan.stream) == ("closed 4", "m", False)
    assert isinstance(drive_of(order, "k").arrivals, Closed)

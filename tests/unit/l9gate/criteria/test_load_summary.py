from collections.abc import Callable

import pytest

from l9gate.criteria.excerpt import Excerpt
from l9gate.criteria.load_summary import LoadSummary, summarize_load
from l9gate.evidence.load import Arm, CallEnd, CallMark, ClientCheck, Entry, LoadBlock, LoadPlan
from l9gate.evidence.records import AnyRecord, EndReason, SourceEnd
from l9gate.wire.messages import Usage

Block = Callable[..., LoadBlock]
Loaded = Callable[..., Excerpt]
Check = Callable[..., ClientCheck]


def plan(planned: int | None, shard: int = 0, shards: int = 1) -> LoadPlan:
    return LoadPlan(
        at_s=1.0, span="load", entry=Entry.WIRE, arrivals="constant 1/s", shard=shard,
        shards=shards, planned=planned, starts_s=1.0, duration_s=100.0, seed=1, timeout_s=10.0,
        model=None, stream=False,
    )  # fmt: skip


def summary_of(loaded: Loaded, *records: AnyRecord) -> LoadSummary:
    excerpt = loaded(*records)
    found = summarize_load(excerpt.log, excerpt.scope)
    assert found is not None
    return found


def test_without_a_load_there_is_nothing_to_sum_up(loaded: Loaded) -> None:
    excerpt = loaded()
    assert summarize_load(excerpt.log, excerpt.scope) is None


def test_every_arm_is_told_apart_and_the_warm_up_is_in_none(
    load_block: Block, client_check: Check, loaded: Loaded
) -> None:
    usage = Usage(input_tokens=10, output_tokens=5)
    found = summary_of(
        loaded, plan(4), client_check(),
        load_block([9.0], arm=Arm.WARM_UP),
        load_block([0.5] * 2, arm=Arm.CONTROL),
        load_block([1.0, 2.0], ends=[CallEnd.OK, CallEnd.OVERLOADED], usage=usage),
        load_block([1.0, 3.0], usage=usage),
    )  # fmt: skip
    main, control = found.arms
    assert (main.arm, main.calls, main.whole, main.failed) == (Arm.MAIN, 4, 3, 1)
    assert main.ends == {"ok": 3, "overloaded": 1}
    assert main.usage == Usage(input_tokens=20, output_tokens=10)
    assert main.cost_usd is not None
    assert [one.value_s for one in main.latency.quantiles] == [1.0, 3.0, 3.0]
    assert main.ttft.quantiles == ()
    assert (control.arm, control.calls, control.usage) == (Arm.CONTROL, 2, None)


def test_models_and_streams_are_told_apart(load_block: Block, loaded: Loaded) -> None:
    blocks = load_block([1.0]), load_block([1.0], ttft_s=[0.5]), load_block([1.0], model="m")
    found = summary_of(loaded, plan(3), *blocks)
    kinds = [(one.model, one.stream, one.calls) for one in found.arms]
    model = "claude-haiku-5-5"
    assert kinds == [(model, False, 1), (model, True, 1), ("m", False, 1)]
    assert found.arms[1].ttft.n == 1


@pytest.mark.parametrize(
    ("plans", "planned", "share"),
    [
        ([plan(8)], 8, 0.5),
        ([plan(4, 0, 2), plan(4, 1, 2)], 8, 0.5),
        ([plan(None)], None, 1.0),
    ],
)
def test_a_span_says_what_was_planned_and_how_much_of_it_was_sent(
    plans: list[LoadPlan], planned: int | None, share: float, load_block: Block, loaded: Loaded
) -> None:
    end = SourceEnd(at_s=9.0, source="load", reason=EndReason.COMPLETED)
    (span,) = summary_of(loaded, *plans, load_block([1.0] * 4), end).spans
    assert (span.planned, span.sent_share, span.shards) == (planned, share, plans[0].shards)
    assert span.limit is not None, "nobody watched the client"


def test_answers_without_proof_are_counted_apart(load_block: Block, loaded: Loaded) -> None:
    (arm,) = summary_of(loaded, plan(2), load_block([1.0] * 2, marks=CallMark.NONE)).arms
    assert (arm.unproven, arm.calls, arm.whole, arm.rate_per_s) == (2, 0, 0, None)

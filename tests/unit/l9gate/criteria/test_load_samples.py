from collections.abc import Callable
from math import inf

import numpy as np
import pytest

from l9gate.criteria.criterion import Finding, Role, State
from l9gate.criteria.excerpt import Excerpt
from l9gate.criteria.expression import parse_condition
from l9gate.criteria.load_samples import (
    rank_first_text,
    rank_gaps,
    rank_latency,
    rank_service,
    rank_stalls,
    rank_ttft,
    read_calls,
    read_load_pace,
    read_sent_share,
    tally_cached,
    tally_degraded,
    tally_error,
    tally_rejected,
    tally_timeout,
)
from l9gate.criteria.threshold import Threshold
from l9gate.evidence.load import (
    Arm,
    CallEnd,
    CallMark,
    ClientCheck,
    Entry,
    LoadBlock,
    LoadHistogram,
    LoadPlan,
)
from l9gate.evidence.records import EndReason, Origin, SourceEnd
from l9gate.measure.histogram import Histogram

Block = Callable[..., LoadBlock]
Loaded = Callable[..., Excerpt]
Check = Callable[..., ClientCheck]


def plan(planned: int | None, shard: int = 0, shards: int = 1) -> LoadPlan:
    return LoadPlan(
        at_s=1.0, span="load", entry=Entry.WIRE, arrivals="constant 5/s", shard=shard,
        shards=shards, planned=planned, starts_s=1.0, duration_s=2.0, seed=1, timeout_s=10.0,
        model=None, stream=False,
    )  # fmt: skip


END = SourceEnd(at_s=9.0, source="load", reason=EndReason.COMPLETED)


def judged(condition: str, excerpt: Excerpt) -> Finding:
    asked = Threshold(
        name="c", role=Role.EXIT, layers=frozenset(), sources=frozenset({"load"}),
        condition=parse_condition(condition), where=excerpt.where,
    )  # fmt: skip
    return asked.judge(excerpt.log, excerpt.scope)


@pytest.mark.parametrize(
    ("condition", "took_s", "state"),
    [
        ("p95(load.latency_s) <= 2000ms", 2.0, State.KEPT),
        ("p95(load.latency_s) < 2000ms", 2.0, State.BROKEN),
        ("p95(load.latency_s) <= 2000ms", 2.0001, State.BROKEN),
        ("p95(load.latency_s) < 2000ms", 1.9999, State.KEPT),
    ],
)
def test_a_limit_means_exactly_what_it_says(
    condition: str, took_s: float, state: State, load_block: Block, client_check: Check,
    loaded: Loaded,
) -> None:  # fmt: skip
    """C-05: 2000.0 ms is not below 2000 ms; epoch times in doubles do not blur this."""
    assert judged(condition, loaded(load_block([took_s] * 100), client_check())).state is state


def test_one_sample_too_few_is_unproven_and_says_what_decides_it(
    load_block: Block, client_check: Check, loaded: Loaded
) -> None:
    excerpt = loaded(load_block([0.5] * 58), client_check())
    finding = judged("p95(load.latency_s) < 2s", excerpt)
    assert (finding.state, finding.n) == (State.UNPROVEN, 58)
    assert finding.reason == "n=58, a p95 needs at least 59"
    assert finding.decides is not None
    assert finding.decides.startswith("1 more calls (under 1 min; 9")


def test_timeouts_are_longer_than_anything_so_that_a_deadline_hides_nothing(
    load_block: Block, client_check: Check, loaded: Loaded
) -> None:
    excerpt = loaded(load_block([1.0] * 60, ends=CallEnd.TIMED_OUT), client_check())
    finding = judged("p95(load.latency_s) < 2s", excerpt)
    assert (finding.state, finding.observed) == (State.BROKEN, inf)
    assert finding.reason is not None
    assert "60 timeouts count as +infinity" in finding.reason


@pytest.mark.parametrize("arm", [Arm.WARM_UP, Arm.CONTROL])
def test_warm_up_and_control_calls_are_in_no_sample_of_the_main_arm(
    arm: Arm, load_block: Block, loaded: Loaded
) -> None:
    excerpt = loaded(load_block([1.0]), load_block([9.0], arm=arm))
    assert list(rank_latency(excerpt)) == [1.0]
    assert list(rank_latency(loaded(load_block([9.0], arm=arm), arm=str(arm)))) == [9.0]
    assert tally_error(excerpt) == (0, 1)


def test_calls_of_another_origin_are_in_no_sample(load_block: Block, loaded: Loaded) -> None:
    assert not len(rank_latency(loaded(load_block([1.0], origin=Origin.SIMULATED))))
    assert not len(rank_latency(loaded(load_block([1.0]), kind=Origin.SIMULATED)))


def test_answers_that_prove_nothing_are_no_samples(load_block: Block, loaded: Loaded) -> None:
    """C-02: whatever answers without request id or usage is not the Messages API."""
    unproven = load_block([1.0] * 3, marks=CallMark.HAS_USAGE)
    excerpt = loaded(unproven)
    assert (len(rank_latency(excerpt)), tally_error(excerpt)) == (0, (0, 0))
    mixed = loaded(unproven, load_block([1.0] * 7))
    assert (len(rank_latency(mixed)), tally_error(mixed)) == (7, (3, 10))
    assert read_load_pace(mixed).count == 7


def test_ends_are_told_apart(load_block: Block, loaded: Loaded) -> None:
    ends = list(CallEnd)
    excerpt = loaded(load_block([1.0] * len(ends), ends=ends))
    sent = len(ends) - 1  # one was not paid for
    assert tally_error(excerpt) == (10, sent)
    assert tally_rejected(excerpt) == (2, sent)
    assert tally_timeout(excerpt) == (1, sent)
    assert tally_degraded(excerpt) == (1, sent)
    assert tally_cached(excerpt) == (1, sent)
    assert sorted(rank_latency(excerpt)) == [1.0, inf], "quick failures are no latencies"


def test_where_picks_calls_by_their_end(load_block: Block, loaded: Loaded) -> None:
    block = load_block([1.0, 2.0, 3.0], ends=[CallEnd.OK, CallEnd.OVERLOADED, CallEnd.TIMED_OUT])
    assert read_calls(loaded(block, end="overloaded")).value == 1.0
    assert read_calls(loaded(block, end="raised")).value == 0.0
    assert read_calls(loaded(block)).value == 3.0
    assert read_calls(loaded()).value is None, "no load is no zero"
    assert list(rank_latency(loaded(block, end="timed_out"))) == [inf]


def test_service_time_leaves_out_what_waited_in_the_client(
    load_block: Block, loaded: Loaded
) -> None:
    excerpt = loaded(load_block([1.5], lag_s=0.5))
    assert list(rank_latency(excerpt)) == [1.5]
    assert list(rank_service(excerpt)) == [1.0]


def test_a_stream_that_a_deadline_ended_before_its_first_token_never_had_one(
    load_block: Block, loaded: Loaded, never: float
) -> None:
    ends = [CallEnd.OK, CallEnd.TIMED_OUT, CallEnd.TIMED_OUT, CallEnd.CUT]
    excerpt = loaded(load_block([1.0] * 4, ends=ends, ttft_s=[0.2, 0.3, never, 0.1]))
    assert list(rank_ttft(excerpt)) == [0.2, 0.3, inf]


def test_gaps_and_stalls_of_a_stream_that_a_deadline_ended_stay_open(
    load_block: Block, loaded: Loaded
) -> None:
    ends = [CallEnd.OK, CallEnd.OK, CallEnd.TIMED_OUT]
    gaps_s = [[0.25, 0.5], [], [0.125]]
    excerpt = loaded(load_block([1.0] * 3, ends=ends, ttft_s=[0.1] * 3, gaps_s=gaps_s))
    assert list(rank_gaps(excerpt)) == [0.125, 0.25, 0.5, inf]
    assert list(rank_stalls(excerpt)) == [0.5, inf]
    assert list(rank_gaps(loaded(load_block([1.0])))) == []


def test_gaps_follow_their_calls_when_where_picks_some(load_block: Block, loaded: Loaded) -> None:
    ends = [CallEnd.TIMED_OUT, CallEnd.OK]
    block = load_block([1.0] * 2, ends=ends, ttft_s=[0.1] * 2, gaps_s=[[0.5], [0.25, 0.75]])
    assert list(rank_gaps(loaded(block, end="ok"))) == [0.25, 0.75]


def counted(
    values_s: list[float], quantity: str = "latency", ends: dict[int, int] | None = None
) -> LoadHistogram:
    histogram = Histogram()
    histogram.add_many(values_s)
    return LoadHistogram(
        at_s=9.0, span="load", arm=Arm.MAIN, shard=0, quantity=quantity, model="claude-haiku-5-5",
        stream=False, since_s=1_700_000_100.0, until_s=1_700_000_200.0, counts=histogram.to_hdr(),
        infinite=histogram.infinite, ends=ends or {},
    )  # fmt: skip


def test_calls_that_only_histograms_count_are_in_every_number(
    load_block: Block, loaded: Loaded
) -> None:
    ends: dict[int, int] = {
        CallEnd.OK: 3,
        CallEnd.TIMED_OUT: 1,
        CallEnd.OVERLOADED: 2,
        CallEnd.NOT_PAID: 1,
    }
    slices = counted([1.0, 2.0, 3.0, inf], ends=ends), counted([0.5], "service")
    excerpt = loaded(load_block([0.5, 2.5]), *slices)
    ranked = rank_latency(excerpt)
    assert list(ranked) == pytest.approx([0.5, 1.0, 2.0, 2.5, 3.0, inf], rel=0.001)
    assert all(edge >= exact for edge, exact in zip(ranked, [0.5, 1, 2, 2.5, 3, inf], strict=True))
    assert list(rank_service(excerpt)) == pytest.approx([0.5, 0.5, 2.5], rel=0.001)
    assert tally_error(excerpt) == (3, 8)
    assert tally_rejected(excerpt) == (2, 8)
    pace = read_load_pace(excerpt)
    assert (pace.count, pace.window_s) == (5, 200.0)
    assert read_calls(loaded(load_block([0.5]), *slices, end="overloaded")).value == 2.0
    assert list(rank_latency(loaded(load_block([0.5]), *slices, end="timed_out"))) == [inf]


def test_counts_without_a_call_that_tells_their_origin_prove_nothing(loaded: Loaded) -> None:
    assert len(rank_latency(loaded(counted([1.0], ends={CallEnd.OK: 1})))) == 0


def test_first_text_is_told_apart_from_first_content(load_block: Block, loaded: Loaded) -> None:
    excerpt = loaded(load_block([1.0], ttft_s=[0.25]))
    assert list(rank_first_text(excerpt)) == [0.25]


def test_throughput_runs_from_the_first_call_sent_to_the_last_one_ended(
    load_block: Block, loaded: Loaded
) -> None:
    pace = read_load_pace(loaded(load_block([2.0] * 31)))
    assert (pace.count, pace.window_s) == (31, 32.0)


@pytest.mark.parametrize(
    ("plans", "share", "n"),
    [
        ([plan(4)], 1.0, 4),
        ([plan(8)], 0.5, 8),
        ([plan(4), plan(4, 1, 2)], 0.5, 8),
        ([plan(None)], 1.0, 4),
        ([plan(0)], None, 0),
        ([], None, 0),
    ],
)
def test_what_was_sent_is_a_share_of_what_was_planned(
    plans: list[LoadPlan], share: float | None, n: int, load_block: Block, loaded: Loaded
) -> None:
    reading = read_sent_share(loaded(load_block([1.0] * 4), *plans, END))
    assert (reading.value, reading.n) == (share, n)


def test_calls_of_one_shard_do_not_make_up_for_those_of_another(
    load_block: Block, loaded: Loaded
) -> None:
    blocks = load_block([1.0] * 8), load_block([1.0], shard=1)
    reading = read_sent_share(loaded(*blocks, plan(4), plan(4, 1, 2), END))
    assert reading.value == 5 / 8
    assert reading.note == "3 of 8 calls were never sent"


def test_a_load_that_was_cut_short_says_nothing_of_what_it_would_have_sent(
    load_block: Block, client_check: Check, loaded: Loaded
) -> None:
    records = load_block([1.0] * 4), client_check(), plan(8)
    stopped = SourceEnd(at_s=9.0, source="load", reason=EndReason.STOPPED, detail="interrupted")
    for killed in (loaded(*records), loaded(*records, stopped)):
        assert judged("load.sent_share == 100%", killed).state is State.UNPROVEN
    whole = judged("load.sent_share == 100%", loaded(*records, END))
    assert (whole.state, whole.observed) == (State.BROKEN, 0.5)


def test_what_was_planned_beyond_a_decision_is_not_missing(
    load_block: Block, loaded: Loaded
) -> None:
    decided = SourceEnd(at_s=9.0, source="load", reason=EndReason.DECIDED)
    assert read_sent_share(loaded(load_block([1.0] * 4), plan(8), decided)).value == 1.0


def test_a_hundred_thousand_rows_are_judged_in_columns(
    load_block: Block, client_check: Check, loaded: Loaded
) -> None:
    took_s = np.linspace(0.1, 1.9, 100_000)
    finding = judged("p99(load.latency_s) < 2s", loaded(load_block(took_s), client_check()))
    assert (finding.state, finding.n) == (State.KEPT, 100_000)

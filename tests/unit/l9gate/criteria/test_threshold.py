from collections.abc import Callable

import pytest

from l9gate.criteria.criterion import Finding, Interval, Role, Scope, State
from l9gate.criteria.decision import (
    Decision,
    decide_by_bounds,
    decide_number,
    decide_pace,
    decide_quantile,
    decide_rate,
)
from l9gate.criteria.effort import describe_effort, mean_cost_usd
from l9gate.criteria.excerpt import Excerpt
from l9gate.criteria.expression import Operator, parse_condition
from l9gate.criteria.readings import Pace
from l9gate.criteria.snapshot import Snapshot
from l9gate.criteria.threshold import MAX_NAMED, Threshold
from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import (
    AnyRecord,
    End,
    Exchange,
    Gauge,
    Layer,
    Origin,
    Signal,
    TestOutcome,
    TestState,
)

T0_S = 1_700_000_000.0
LIVE = Scope(layers=tuple(Layer), kind=Origin.LIVE, environment="staging")
KEPT, BROKEN, UNPROVEN = State.KEPT, State.BROKEN, State.UNPROVEN
Build = Callable[..., Exchange]


def judged(require: str, *records: AnyRecord, **where: str) -> Finding:
    criterion = Threshold(
        name="c",
        role=Role.EXIT,
        layers=frozenset(),
        condition=parse_condition(require),
        requirements=("E-03",),
        where=where,
    )
    return criterion.judge(MemoryLog(records), LIVE)


@pytest.mark.parametrize(
    ("sign", "inside", "touching", "across", "outside"),
    [
        ("<", KEPT, UNPROVEN, UNPROVEN, BROKEN),
        ("<=", KEPT, KEPT, UNPROVEN, BROKEN),
        (">", BROKEN, BROKEN, UNPROVEN, KEPT),
        (">=", BROKEN, UNPROVEN, UNPROVEN, KEPT),
    ],
)
def test_bounds_decide_only_if_the_whole_interval_is_on_one_side(
    sign: str, inside: State, touching: State, across: State, outside: State
) -> None:
    """C-05."""
    states = [
        decide_by_bounds(Operator(sign), 2.0, low, high)
        for low, high in ((1.0, 1.9), (1.0, 2.0), (1.0, 3.0), (2.1, 3.0))
    ]
    assert states == [inside, touching, across, outside]
    assert decide_by_bounds(Operator(sign), 2.0, None, None) is UNPROVEN


def test_a_finding_tells_number_limit_interval_and_basis(exchange: Build) -> None:
    finding = judged(
        "p95(latency_s) < 2000ms", *[exchange(latency_s=0.4)] * 1, route="POST /v1/messages"
    )
    assert finding.condition == "p95(latency_s) < 2"
    assert (finding.observed, finding.limit, finding.unit) == (0.4, 2.0, "s")
    assert (finding.n, finding.basis) == (1, "calls")
    assert finding.interval == Interval(low=None, high=None, confidence=0.95)
    assert finding.where == {"route": "POST /v1/messages"}
    assert finding.requirements == ("E-03",)


def test_a_small_sample_says_what_it_lacks_and_what_that_takes(exchange: Build) -> None:
    """C-09: 58 clean calls at one a second lack 241 for a p99."""
    calls = [exchange(due_s=T0_S + number) for number in range(58)]
    finding = judged("p99(latency_s) < 3", *calls)
    assert finding.state is UNPROVEN
    assert finding.reason == "n=58, a p99 needs at least 299"
    assert finding.decides == ("241 more calls (about 4 min, $0.03; 44% likely to show it kept)")


def test_no_sample_says_how_many_it_takes() -> None:
    finding = judged("p95(latency_s) < 2")
    assert (finding.n, finding.reason, finding.decides) == (0, "no samples", "59 calls")
    assert judged("rate(error) <= 5%").decides == "59 calls"
    assert judged("rate(cache_hit) > 30%").decides == "3 look-ups"
    assert judged("rate(error) <= 100%").decides is None


def test_a_number_across_its_limit_is_unproven_either_way(exchange: Build) -> None:
    fast = [exchange(latency_s=1.0) for _ in range(96)]
    slow = [exchange(latency_s=3.0) for _ in range(4)]
    good = judged("p95(latency_s) < 2", *fast, *slow)
    assert (good.state, good.observed, good.reason) == (UNPROVEN, 1.0, "too close to tell")
    assert good.decides is not None
    assert "likely to show it kept" in good.decides
    slower = [exchange(latency_s=3.0) for _ in range(4)]
    worse = judged("p95(latency_s) < 2", *fast, *slow, *slower)
    assert (worse.state, worse.observed) == (UNPROVEN, 3.0)
    assert worse.decides is not None
    assert "likely" not in worse.decides


def test_a_quantile_that_should_be_high_is_judged_from_below(exchange: Build) -> None:
    slow = [exchange(latency_s=3.0) for _ in range(10)]
    assert judged("p50(latency_s) > 2", *slow).state is KEPT
    unsure = judged("p50(latency_s) > 2", *slow[:3])
    assert (unsure.state, unsure.decides) == (UNPROVEN, None)


def test_timeouts_are_told_apart_in_the_reason(exchange: Build) -> None:
    late = [exchange(status=None, end=End.TIMED_OUT) for _ in range(100)]
    finding = judged("p95(latency_s) < 2", *late)
    assert (finding.state, finding.observed) == (BROKEN, float("inf"))
    assert finding.reason == "100 ended by a deadline count as +infinity"
    assert finding.interval == Interval(low=None, high=None, confidence=0.95)


def test_mixed_traffic_is_noted_even_if_kept(exchange: Build) -> None:
    calls = [exchange() for _ in range(60)] + [exchange(model="claude-opus-5")]
    finding = judged("p95(latency_s) < 2", *calls)
    assert (finding.state, finding.reason) == (KEPT, "2 models mixed; add where.model")
    assert judged("p95(latency_s) < 2", *calls, model="claude-haiku-5-5").reason is None


def test_operations_are_never_called_mixed(signal: Callable[..., Signal]) -> None:
    finding = judged("p50(operation_latency_s) < 2", *[signal() for _ in range(5)])
    assert (finding.state, finding.reason, finding.basis) == (KEPT, None, "operations")


def test_at_most_twenty_tests_are_named(outcome: Callable[..., TestOutcome]) -> None:
    failed = [outcome(state=TestState.FAILED) for _ in range(30)]
    finding = judged("failures == 0", *failed)
    assert (finding.observed, len(finding.evidence)) == (30.0, MAX_NAMED)
    assert finding.reason == "30 failed"


def test_a_plain_number_has_no_interval(outcome: Callable[..., TestOutcome]) -> None:
    assert judged("failures == 0", outcome()).interval is None


def test_a_quantile_is_needed_to_decide_a_sample() -> None:
    with pytest.raises(ValueError, match="no quantile"):
        decide_quantile([1.0], parse_condition("failures == 0"), 0.05)


def test_a_rate_at_its_limit_is_not_decided_by_more() -> None:
    decision = decide_rate(5, 100, parse_condition("rate(error) <= 5%"), 0.05)
    assert (decision.state, decision.more) == (UNPROVEN, None)


def test_a_rate_beyond_its_limit_says_when_it_will_be_broken() -> None:
    decision = decide_rate(6, 100, parse_condition("rate(error) <= 5%"), 0.05)
    assert (decision.state, decision.chance) == (UNPROVEN, None)
    assert decision.more is not None


def test_a_rate_that_should_be_high_is_judged_by_its_lower_bound() -> None:
    condition = parse_condition("rate(cache_hit) > 30%")
    decision = decide_rate(40, 100, condition, 0.05)
    assert decision.state is KEPT
    near = decide_rate(33, 100, condition, 0.05)
    assert near.state is UNPROVEN
    assert near.chance is not None
    assert near.chance > 0.3


def test_a_pace_needs_its_window() -> None:
    """L3-07."""
    condition = parse_condition("throughput_per_s > 0.5")
    short = decide_pace(Pace(count=100, window_s=29.0), condition, 0.05, 30.0)
    assert (short.state, short.more_s) == (UNPROVEN, 1.0)
    assert short.reason == "29 s observed, sustained means 30 s"
    assert decide_pace(Pace(count=0, window_s=0.0), condition, 0.05, 30.0).observed is None
    assert decide_pace(Pace(count=0, window_s=0.0), condition, 0.05, 0.0).state is UNPROVEN


def test_a_plain_number_needs_its_count() -> None:
    condition = parse_condition("memory_growth_bytes < 50MB")
    few = decide_number(1.0, 9, condition, 10)
    assert (few.state, few.reason, few.more) == (UNPROVEN, "n=9, needs at least 10", 1)
    assert decide_number(1.0, 10, condition, 10).state is KEPT
    assert decide_number(None, 0, condition, 0).reason == "nothing was measured"


def test_effort_is_told_as_far_as_it_is_known(exchange: Build) -> None:
    def decision(more: int | None = None, more_s: float | None = None) -> Decision:
        return Decision(state=UNPROVEN, observed=None, n=2, more=more, more_s=more_s)

    def calls(**fields: object) -> Excerpt:
        pair = [exchange(**fields), exchange(due_s=T0_S + 1, **fields)]
        return Excerpt(MemoryLog(pair), LIVE)

    assert describe_effort(decision(), "calls") is None
    assert describe_effort(decision(more=7), "calls") == "7 more calls"
    assert describe_effort(decision(more_s=61.4), "calls") == "61 more seconds at this pace"
    unpriced = calls(model="nobody-1").calls
    assert describe_effort(decision(more=1200), "calls", unpriced) == (
        "1,200 more calls (about 15 min)"
    )
    assert mean_cost_usd(calls(usage=None).calls) is None
    assert mean_cost_usd(calls().calls) == pytest.approx(0.00011)
    priced = describe_effort(decision(more=10), "calls", calls().calls)
    assert priced == "10 more calls (under 1 min, $0.00)"


def test_a_snapshot_reads_its_log_once(exchange: Build) -> None:
    log = MemoryLog([exchange()])
    snapshot = Snapshot(log)
    assert len(list(snapshot.of(Exchange))) == 1
    log.put(exchange())
    assert len(list(snapshot.of(Exchange))) == 1
    assert list(snapshot.of(Signal)) == []


@pytest.mark.parametrize(("grown", "state", "is_told"), [(60e6, BROKEN, True), (1e6, KEPT, False)])
def test_who_allocates_is_asked_once_memory_has_grown(
    gauge: Callable[..., Gauge], grown: float, state: State, is_told: bool
) -> None:
    later = gauge(operations=10, value=100e6 + grown)
    found = judged("memory_growth_bytes < 50MB", gauge(), later)
    assert found.state is state
    assert ("memray run" in (found.reason or "")) is is_told

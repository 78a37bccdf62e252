"""Samples that come in bursts say less than their number."""

from collections.abc import Callable

import pytest

from l9gate.criteria.bursts import decide_bursts, number_bursts
from l9gate.criteria.criterion import Finding, Scope, State
from l9gate.criteria.expression import parse_condition
from l9gate.criteria.policy import parse_policy
from l9gate.criteria.samples import Observation
from l9gate.criteria.stopping import sampled
from l9gate.errors import PolicyError
from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import Exchange, Layer
from l9gate.measure.sequential import Stopping

Build = Callable[..., Exchange]
MakeScope = Callable[..., Scope]
POLICY = """
format = 1
[[criterion]]
name = "c"
role = "exit"
layers = ["performance"]
require = "{}"
{}
why = "w"
"""


def judged(require: str, calls: list[Exchange], scope: Scope, more: str = "") -> Finding:
    (criterion,) = parse_policy(POLICY.format(require, more)).criteria
    return criterion.judge(MemoryLog(calls), scope)


@pytest.fixture
def here(scope: MakeScope) -> Scope:
    return scope(layers=(Layer.PERFORMANCE,))


def in_bursts(build: Build, slow: set[int], bursts: int) -> list[Exchange]:
    """Return ten calls a burst, one burst every minute; those of some are slow."""
    return [
        build(due_s=1000.0 + 60 * burst + call / 10, latency_s=3.0 if burst in slow else 0.5)
        for burst in range(bursts)
        for call in range(10)
    ]


def test_longer_wait_begins_the_next_burst() -> None:
    assert number_bursts([0.0, 0.9, 1.8, 3.0, 3.1], 1.0) == [0, 0, 0, 1, 1]
    assert number_bursts([], 1.0) == []


def test_three_hundred_good_calls_in_thirty_bursts_show_no_p95(
    exchange: Build, here: Scope
) -> None:
    calls = in_bursts(exchange, set(), 30)
    alone = judged("p95(latency_s) < 2s", calls, here)
    together = judged("p95(latency_s) < 2s", calls, here, "burst_s = 5")
    assert (alone.state, together.state) == (State.KEPT, State.UNPROVEN)
    assert together.reason == "too close to tell; in 30 bursts, each of which counts as one"
    assert (together.n, together.observed) == (300, 0.5)
    many = judged("p95(latency_s) < 2s", in_bursts(exchange, {1}, 100), here, "burst_s = 5")
    assert many.state is State.KEPT


def test_bursts_of_one_fate_count_as_one_each(exchange: Build, here: Scope) -> None:
    calls = in_bursts(exchange, set(range(0, 100, 2)), 100)
    found = judged("p50(latency_s) < 2s", calls, here, "burst_s = 5")
    assert found.state is State.UNPROVEN
    assert "they tell as much as 100 single ones" in (found.reason or "")


def test_rate_in_bursts_is_broken_only_if_the_bursts_show_it(exchange: Build, here: Scope) -> None:
    failed = [
        exchange(due_s=1000.0 + 60 * burst + call / 10, status=529 if burst < 6 else 200)
        for burst in range(60)
        for call in range(10)
    ]
    found = judged("rate(error) <= 5%", failed, here, "burst_s = 5")
    assert judged("rate(error) <= 5%", failed, here).state is State.BROKEN
    assert (found.state, found.observed) == (State.UNPROVEN, 0.1)
    mixed = [
        exchange(due_s=1000.0 + 60 * burst + call / 10, status=529 if call % 2 else 200)
        for burst in range(60)
        for call in range(10)
    ]
    equal = judged("rate(error) <= 5%", mixed, here, "burst_s = 5")
    assert (equal.state, equal.reason) == (State.BROKEN, "in 60 bursts, which make no difference")


def test_no_sample_is_unproven(here: Scope) -> None:
    found = judged("rate(error) <= 5%", [], here, "burst_s = 5")
    assert (found.state, found.reason) == (State.UNPROVEN, "no samples")


def test_at_any_time_each_burst_counts_as_one(scope: MakeScope) -> None:
    anytime = scope(layers=(Layer.PERFORMANCE,), stopping=Stopping.ANYTIME)
    observations = [
        Observation(60.0 * burst + call / 10, float(call % 2))
        for burst in range(200)
        for call in range(10)
    ]
    condition = parse_condition("rate(error) <= 5%")
    decision, note = decide_bursts(observations, 5.0, condition, anytime)
    assert (decision.state, note) == (
        State.UNPROVEN,
        "in 200 bursts, each of which counts as one",
    )
    criteria = parse_policy(POLICY.format("rate(error) <= 5%", "burst_s = 5")).criteria
    assert sampled(criteria, anytime) == []


@pytest.mark.parametrize("require", ["failures == 0", "throughput_per_s > 0.5"])
def test_bursts_belong_to_samples_and_rates(require: str) -> None:
    with pytest.raises(PolicyError, match="`burst_s` has no meaning"):
        parse_policy(POLICY.format(require, "burst_s = 5"))

"""What a load could decide, before it is sent."""

import pytest

from l9gate.criteria.criterion import Scope
from l9gate.criteria.load_outlook import LoadProspect, LoadSize, plan_load, soak_needs_s
from l9gate.criteria.policy import default_policy_text, parse_policy
from l9gate.evidence.records import Layer, Origin
from l9gate.measure.sequential import Stopping
from l9gate.wire.prices import PriceList

PRICES = PriceList()


def size(calls: int, model: str = "claude-haiku-5-5") -> LoadSize:
    return LoadSize(
        calls=calls, duration_s=calls / 5, model=model, input_tokens=1000, output_tokens=100
    )


def planned(calls: int, stopping: Stopping = Stopping.FIXED) -> dict[str, LoadProspect]:
    scope = Scope(
        layers=tuple(Layer),
        kind=Origin.LIVE,
        environment="staging",
        sources=("load",),
        stopping=stopping,
    )
    criteria = parse_policy(default_policy_text()).asked(scope)
    return {one.criterion: one for one in plan_load(criteria, scope, size(calls), PRICES)}


def test_load_needs_what_its_quantiles_need() -> None:
    """C-09: 59 for a p95, 299 for a p99; methods.md 4.1: 8 of 300 may be wrong, 22 break it."""
    found = planned(300)
    p95, p99 = found["load-latency-p95"], found["load-latency-p99"]
    assert (p95.needs, p95.allowed, p95.breaks, p95.is_decidable) == (59, 8, 22, True)
    assert (p99.needs, p99.allowed, p99.is_decidable) == (299, 0, True)
    assert p99.minutes == pytest.approx(299 / 5 / 60)
    assert "load-throughput" not in found
    assert "latency-p95" not in found  # of a layer


def test_load_that_is_too_small_cannot_show_a_quantile() -> None:
    p99 = planned(298)["load-latency-p99"]
    assert (p99.allowed, p99.is_decidable) == (None, False)


def test_load_that_may_stop_at_any_time_needs_more() -> None:
    found = planned(300, Stopping.ANYTIME)
    assert found["load-latency-p95"].needs == 88
    assert not found["load-latency-p99"].is_decidable


def test_dollars_are_those_of_the_model() -> None:
    each_usd = size(1).usd(PRICES)
    assert each_usd is not None
    assert size(300).usd(PRICES) == pytest.approx(300 * each_usd)
    assert planned(300)["load-latency-p95"].usd == pytest.approx(59 * each_usd)
    assert size(300, "no-such-model").usd(PRICES) is None


@pytest.mark.parametrize(("sources", "least_s"), [(("soak",), 600), (("load",), None)])
def test_trends_of_a_soak_need_their_longest_window(
    sources: tuple[str, ...], least_s: float | None
) -> None:
    scope = Scope(layers=(), kind=Origin.LIVE, environment="staging", sources=sources)
    assert soak_needs_s(parse_policy(default_policy_text()).asked(scope)) == least_s

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from l9gate.measure.intervals import FIXED, Rule, most_under, quantile_bounds
from l9gate.measure.sequential import (
    ANYTIME,
    evidence_above,
    evidence_below,
    is_under_anytime,
    pace_evidence_above,
    pace_evidence_below,
    pace_lower_anytime,
    pace_upper_anytime,
    rate_lower_anytime,
    rate_upper_anytime,
)

ALPHA = 0.05
ENOUGH = -math.log(ALPHA)


@pytest.mark.parametrize("limit", [0.05, 0.5, 0.9])
def test_evidence_is_the_average_likelihood_beyond_the_limit(limit: float) -> None:
    """Methods.md 4.4, by hand for two of two, and none of two."""
    above = (1 - limit**3) / 3 / (1 - limit) / limit**2
    assert evidence_above(2, 2, limit) == pytest.approx(math.log(above))
    assert evidence_below(2, 2, limit) == pytest.approx(math.log(1 / 3))
    assert evidence_above(0, 2, limit) == pytest.approx(math.log(1 / 3))


@pytest.mark.parametrize("limit", [0.05, 0.5, 0.99])
@pytest.mark.parametrize("n", [1, 2, 10])
def test_mean_evidence_at_the_limit_is_one(n: int, limit: float) -> None:
    """A martingale: nothing is won by looking."""
    chances = [math.comb(n, k) * limit**k * (1 - limit) ** (n - k) for k in range(n + 1)]
    for evidence in (evidence_above, evidence_below):
        mean = math.fsum(p * math.exp(evidence(k, n, limit)) for k, p in enumerate(chances))
        assert mean == pytest.approx(1, abs=1e-9)


def test_broken_build_is_decided_after_a_handful_and_a_perfect_one_after_88() -> None:
    """Methods.md 4.4: at a limit of 95 %, 5 of the first 5 wrong, or 88 of 88 right."""
    assert not ANYTIME.is_under(87, 87, 0.05, ALPHA)
    assert is_under_anytime(0, 88, 0.05, ALPHA)
    assert not is_under_anytime(0, 87, 0.05, ALPHA)
    assert evidence_above(1, 1, 0.05) < ENOUGH < evidence_above(2, 2, 0.05)


def test_evidence_of_a_million_samples_is_finite_and_quick_to_say() -> None:
    assert evidence_above(51_000, 1_000_000, 0.05) > ENOUGH
    assert evidence_below(49_000, 1_000_000, 0.05) > ENOUGH
    assert evidence_above(50_000, 1_000_000, 0.05) < 0
    assert evidence_above(0, 1_000_000, 0.05) == pytest.approx(-math.log(1_000_001))  # by hand
    assert rate_lower_anytime(51_000, 1_000_000, ALPHA) > 0.05


@pytest.mark.parametrize(("k", "above"), [(0, -math.log(11)), (1, math.inf)])
def test_one_event_refutes_a_limit_of_zero(k: int, above: float) -> None:
    assert evidence_above(k, 10, 0.0) == pytest.approx(above)
    assert evidence_below(k, 10, 0.0) == -math.inf
    assert evidence_above(10 - k, 10, 1.0) == -math.inf


@settings(max_examples=25, deadline=None)
@given(n=st.integers(1, 400), share=st.floats(0, 1))
def test_bounds_are_where_the_evidence_is_just_enough(n: int, share: float) -> None:
    k = round(share * n)
    low, high = rate_lower_anytime(k, n, ALPHA), rate_upper_anytime(k, n, ALPHA)
    assert low <= k / n <= high
    if k > 0:
        assert evidence_above(k, n, low) == pytest.approx(ENOUGH, abs=1e-6)
    if k < n:
        assert evidence_below(k, n, high) == pytest.approx(ENOUGH, abs=1e-6)
    assert low <= FIXED.rate_lower(k, n, ALPHA)
    assert high >= FIXED.rate_upper(k, n, ALPHA)


def test_quantile_is_decided_as_the_rate_of_what_is_beyond_it() -> None:
    ordered = [number / 100 for number in range(1, 101)]
    low, high = quantile_bounds(ordered, 0.5, ALPHA, ANYTIME)
    assert low is not None
    assert high is not None
    below = sum(value < high for value in ordered)
    assert is_under_anytime(100 - below - 1, 100, 0.5, ALPHA)
    assert not is_under_anytime(100 - below, 100, 0.5, ALPHA)
    assert quantile_bounds(ordered[:5], 0.95, ALPHA, ANYTIME) == (0.03, None)
    assert quantile_bounds(ordered[:1], 0.95, ALPHA, ANYTIME) == (None, None)


def test_pace_evidence_is_the_average_likelihood_beyond_the_limit() -> None:
    """By hand for none seen: the average of exp(-(r - 1) (m + 1)) above 1, and of it below."""
    assert pace_evidence_above(0, 2.0) == pytest.approx(math.log(1 / 3))
    assert pace_evidence_below(0, 2.0) == pytest.approx(math.log((math.exp(2) - 1) / 2))


def test_pace_bounds_are_where_the_evidence_is_just_enough() -> None:
    low, high = pace_lower_anytime(90, 60.0, ALPHA), pace_upper_anytime(90, 60.0, ALPHA)
    assert pace_evidence_above(90, low * 60) == pytest.approx(ENOUGH, abs=1e-6)
    assert pace_evidence_below(90, high * 60) == pytest.approx(ENOUGH, abs=1e-6)
    assert low < FIXED.pace_lower(90, 60.0, ALPHA) < 1.5 < FIXED.pace_upper(90, 60.0, ALPHA) < high
    assert pace_lower_anytime(0, 60.0, ALPHA) == 0.0
    none = pace_upper_anytime(0, 60.0, ALPHA)
    assert pace_evidence_below(0, none * 60) == pytest.approx(ENOUGH, abs=1e-6)
    assert pace_evidence_above(1, 10_000.0) == -math.inf
    assert pace_evidence_below(10_000, 1.0) == -math.inf


@pytest.mark.parametrize("limit", [0.05, 0.5])
def test_looking_after_every_one_of_400_values_errs_in_at_most_5_of_100_runs(limit: float) -> None:
    """At the limit itself, where a rule errs most; exact, by the chances of every tally."""
    assert 0.01 < chance_to_ever_show_under(limit, 400, ANYTIME) <= ALPHA
    assert 0.01 < chance_to_ever_show_under(1 - limit, 400, ANYTIME) <= ALPHA


def test_looking_again_and_again_breaks_a_rule_for_one_look() -> None:
    assert chance_to_ever_show_under(0.5, 400, FIXED) > 3 * ALPHA


def chance_to_ever_show_under(limit: float, looks: int, rule: Rule) -> float:
    """How likely a rate at its limit is ever shown under it, if one looks after every value."""
    chances, shown = np.ones(1), 0.0
    for n in range(1, looks + 1):
        chances = np.append(chances * (1 - limit), 0) + np.append(0, chances * limit)
        most = most_under(n, limit, ALPHA, rule)
        if most is not None:
            shown += float(chances[: most + 1].sum())
            chances[: most + 1] = 0
    return shown

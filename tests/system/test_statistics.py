"""Bounds against their promise, exactly or in 10,000 runs, and against what others compute.

`scipy.stats` and `pytest-probability` (MIT, needs nothing but pytest) are the oracles; the gate
itself uses neither.
"""

import math

import numpy as np
import pytest
from pytest_probability import stats as oracle
from scipy import integrate
from scipy.stats import binom, binomtest, poisson

from l9gate.criteria.criterion import State
from l9gate.criteria.decision import decide_rate
from l9gate.criteria.expression import parse_condition
from l9gate.measure.clusters import Clusters
from l9gate.measure.intervals import (
    FIXED,
    Rule,
    most_under,
    pace_lower,
    pace_upper,
    quantile_lower_rank,
    quantile_upper_rank,
    rate_lower,
    rate_upper,
)
from l9gate.measure.sequential import (
    ANYTIME,
    evidence_above,
    evidence_below,
    pace_evidence_above,
    pace_evidence_below,
    rate_lower_anytime,
)

ALPHA = 0.05
SIZES = range(3, 1001)
SLACK = 1e-9  # of adding a thousand doubles
RUNS = 10_000


def not_worse_than_alpha(wrong: int) -> bool:
    """Whether a binomial test at 1e-4 lets so many wrong decisions in 10,000 pass as 5 %."""
    return float(binomtest(wrong, RUNS, ALPHA, alternative="greater").pvalue) >= 1e-4


@pytest.mark.parametrize("alpha", [ALPHA, ALPHA / 2])
def test_rate_bounds_cover_at_least_as_promised_for_every_size_and_rate(alpha: float) -> None:
    """Coverage falls towards the next bound, so the rates beside the bounds are the worst ones."""
    for n in (*range(3, 61), 100, 300, 1000):
        k = np.arange(n + 1)
        lower = np.array([rate_lower(int(one), n, alpha) for one in k])
        upper = np.array([rate_upper(int(one), n, alpha) for one in k])
        beside = np.concatenate([lower[1:], upper[:-1]])
        for rates in (
            beside * (1 - 1e-12),
            np.minimum(beside * (1 + 1e-12), 1),
            np.linspace(0, 1, 21),
        ):
            chances = binom.pmf(k[:, None], n, rates[None, :])
            low = (chances * (lower[:, None] <= rates[None, :])).sum(axis=0)
            high = (chances * (rates[None, :] <= upper[:, None])).sum(axis=0)
            assert min(low.min(), high.min()) >= 1 - alpha - SLACK
            both = low + high - 1
            assert both.min() >= 1 - 2 * alpha - SLACK


@pytest.mark.parametrize("q", [0.5, 0.95, 0.99])
def test_quantile_bounds_cover_at_least_95_of_100_times_for_every_size(q: float) -> None:
    """An open end covers."""
    for n in SIZES:
        low, high = quantile_lower_rank(n, q, ALPHA), quantile_upper_rank(n, q, ALPHA)
        below = binom.pmf(np.arange(n + 1), n, q)  # values under the quantile
        assert low is None or below[low:].sum() >= 1 - ALPHA - SLACK
        assert high is None or below[:high].sum() >= 1 - ALPHA - SLACK
        ranks = oracle.quantile_ranks(n, q, 1 - 2 * ALPHA)
        assert (low, high) == ranks


def test_pace_bounds_cover_at_least_95_of_100_times() -> None:
    counts = np.arange(1500)
    lower = np.array([pace_lower(int(one), 1.0, ALPHA) for one in counts])
    upper = np.array([pace_upper(int(one), 1.0, ALPHA) for one in counts])
    for mean in (
        *np.linspace(0.05, 20, 120),
        *np.linspace(20, 1000, 60),
        *upper[:30] * (1 + 1e-12),
    ):
        chances = poisson.pmf(counts, mean)
        assert chances[lower <= mean].sum() >= 1 - ALPHA - SLACK
        assert chances[mean <= upper].sum() >= 1 - ALPHA - SLACK


def test_rate_bounds_are_those_of_two_oracles() -> None:
    for n in (1, 3, 20, 59, 1000):
        for k in {0, 1, n // 3, n - 1, n}:
            ours = rate_lower(k, n, ALPHA), rate_upper(k, n, ALPHA)
            exact = binomtest(k, n).proportion_ci(1 - 2 * ALPHA, "exact")
            assert ours == pytest.approx((exact.low, exact.high), abs=1e-9)
            assert ours == pytest.approx(oracle.clopper_pearson(k, n, 1 - 2 * ALPHA), abs=1e-9)


@pytest.mark.parametrize(("k", "n"), [(0, 5), (2, 7), (9, 10), (40, 90), (60, 200)])
@pytest.mark.parametrize("limit", [0.05, 0.3, 0.6])
def test_evidence_is_the_average_likelihood_beyond_the_limit(k: int, n: int, limit: float) -> None:
    """Both sides together are the mixture over all rates that the oracle has."""

    def ratio(rate: float) -> float:
        return math.exp(k * math.log(rate / limit) + (n - k) * math.log((1 - rate) / (1 - limit)))

    above = math.exp(evidence_above(k, n, limit)) * (1 - limit)
    below = math.exp(evidence_below(k, n, limit)) * limit
    share = min(max(k / n, 1e-9), 1 - 1e-9)
    assert above == pytest.approx(
        integrate.quad(ratio, limit, 1, points=[max(share, limit)], epsabs=0)[0], rel=1e-6
    )
    wealth = oracle.mixture_log_wealth(k, n, limit, (1.0, 1.0))
    assert math.log(above + below) == pytest.approx(wealth, rel=1e-9)


@pytest.mark.parametrize(("count", "expected"), [(3, 1.5), (20, 40.0), (0, 2.0)])
def test_pace_evidence_is_the_average_likelihood_beyond_the_limit(
    count: int, expected: float
) -> None:
    def likelihood(ratio: float) -> float:
        return float(ratio**count * math.exp(-(ratio - 1) * expected))

    above = integrate.quad(lambda ratio: likelihood(ratio) * math.exp(1 - ratio), 1, math.inf)[0]
    below = integrate.quad(likelihood, 0, 1)[0]
    assert pace_evidence_above(count, expected) == pytest.approx(math.log(above))
    assert pace_evidence_below(count, expected) == pytest.approx(math.log(below))


def test_one_sided_sequence_is_closer_than_the_oracles_which_covers_both_sides() -> None:
    for k, n in ((50, 100), (95, 100), (990, 1000)):
        assert oracle.confidence_sequence(k, n, 1 - ALPHA)[0] < rate_lower_anytime(k, n, ALPHA)


def test_correlation_in_clusters_is_that_of_the_oracle() -> None:
    chance = np.random.default_rng(1)
    sizes = chance.integers(2, 9, 40)
    clusters = np.repeat(np.arange(40), sizes)
    events = chance.random(len(clusters)) < chance.beta(1, 2, 40)[clusters]
    counts = [(int(events[clusters == one].sum()), int(size)) for one, size in enumerate(sizes)]
    found = Clusters(clusters.tolist()).describe(events)
    assert found.correlation == pytest.approx(oracle.icc(counts))


@pytest.mark.parametrize("limit", [0.01, 0.05, 0.3, 0.5])
def test_looking_300_times_errs_in_no_more_than_5_of_100_runs(limit: float) -> None:
    """At the limit itself, where every rule errs most, in 10,000 runs."""
    assert not_worse_than_alpha(ever_shown_under(limit, ANYTIME))
    assert not_worse_than_alpha(ever_shown_under(1 - limit, ANYTIME))


def test_the_same_looks_break_a_rule_for_one() -> None:
    assert not not_worse_than_alpha(ever_shown_under(0.5, FIXED))


def ever_shown_under(limit: float, rule: Rule) -> int:
    """Return in how many runs a rate at its limit is shown under it, looking after every value."""
    chance = np.random.default_rng(20261122)
    hits = np.cumsum(chance.random((RUNS, 300), np.float32) < limit, axis=1, dtype=np.int16)
    most = [most_under(n, limit, ALPHA, rule) for n in range(1, 301)]
    return int((hits <= np.array([-1 if k is None else k for k in most])).any(axis=1).sum())


@pytest.mark.parametrize(
    ("n", "text", "rate"),
    [
        (59, "rate(error) <= 5%", 0.05),
        (300, "rate(error) <= 5%", 0.05),
        (300, "rate(cache_hit) > 30%", 0.30),
    ],
)
@pytest.mark.parametrize("rule", [FIXED, ANYTIME])
def test_application_at_the_limit_is_kept_in_no_more_than_5_of_100_runs(
    n: int, text: str, rate: float, rule: Rule
) -> None:
    condition = parse_condition(text)
    seen = np.bincount(np.random.default_rng(7).binomial(n, rate, RUNS), minlength=n + 1)
    states = [decide_rate(k, n, condition, ALPHA, rule).state for k in range(n + 1)]
    for wrong in (State.KEPT, State.BROKEN):
        assert not_worse_than_alpha(
            sum(int(c) for c, s in zip(seen, states, strict=True) if s is wrong)
        )


def test_pace_looked_at_after_every_event_errs_in_no_more_than_5_of_100_runs() -> None:
    times = np.cumsum(np.random.default_rng(9).exponential(1.0, (RUNS, 100)), axis=1)
    counts = np.arange(1, 101)
    enough = -math.log(ALPHA)
    # the longest wait for so many events that shows a pace above 1 per second
    longest = np.array([last_shown(int(one), enough) for one in counts])
    assert not_worse_than_alpha(int((times <= longest).any(axis=1).sum()))


def last_shown(count: int, enough: float) -> float:
    low, high = 0.0, float(count)
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (
            (middle, high) if pace_evidence_above(count, middle) >= enough else (low, middle)
        )
    return low

"""Samples that share the fate of their cluster."""

import math

import numpy as np
import pytest

from l9gate.measure.clusters import LEAST_CLUSTERS, Clusters, Method
from l9gate.measure.intervals import quantile_bounds, rate_lower, rate_upper

ALPHA = 0.05


def numbered(clusters: int, size: int) -> list[int]:
    return [number for number in range(clusters) for _ in range(size)]


def test_samples_of_one_fate_count_as_one_a_cluster() -> None:
    events = [number % 2 == 0 for number in numbered(50, 10)]
    found = Clusters(numbered(50, 10)).describe(events)
    assert (found.n, found.clusters) == (500, 50)
    assert found.correlation == pytest.approx(1.0)
    assert found.design_effect == pytest.approx(10.0)
    assert found.effective_n == pytest.approx(50.0)


def test_correlation_is_that_of_the_analysis_of_variance() -> None:
    """By hand: 3 clusters of 4 with 4, 2 and 0 events; MSB = 1, MSW = 1/9, n0 = 4."""
    events = [True] * 4 + [True, True, False, False] + [False] * 4
    found = Clusters(numbered(3, 4)).describe(events)
    assert found.correlation == pytest.approx((1 - 1 / 9) / (1 + 3 / 9))


def test_clusters_that_differ_less_than_by_chance_have_no_correlation() -> None:
    events = [True, False] * 40
    found = Clusters(numbered(40, 2)).describe(events)
    assert (found.correlation, found.design_effect) == (0.0, 1.0)
    assert Clusters([7, 7, 7]).describe([True, False, True]).correlation == 0.0


def test_where_clusters_make_no_difference_bounds_are_exact() -> None:
    bounds = Clusters(numbered(40, 4)).rate_bounds([True, False, False, False] * 40, ALPHA)
    assert bounds.method is Method.EXACT
    assert (bounds.low, bounds.high) == (rate_lower(40, 160, ALPHA), rate_upper(40, 160, ALPHA))


def test_below_twenty_clusters_the_bootstrap_is_refused_and_each_counts_as_one() -> None:
    assert LEAST_CLUSTERS == 20
    events = [number < 3 for number in numbered(30, 10)]
    bounds = Clusters(numbered(30, 10)).rate_bounds(events, ALPHA)
    assert bounds.method is Method.WHOLE
    assert (bounds.low, bounds.high) == (rate_lower(3, 30, ALPHA), rate_upper(3, 30, ALPHA))
    clean = Clusters(numbered(30, 10)).rate_bounds([False] * 300, ALPHA)
    assert (clean.method, clean.low, clean.high) == (Method.WHOLE, 0.0, rate_upper(0, 30, ALPHA))


def test_clustered_bounds_are_as_wide_as_those_of_as_many_clusters() -> None:
    events = [number % 2 == 0 for number in numbered(60, 10)]
    bounds = Clusters(numbered(60, 10)).rate_bounds(events, ALPHA)
    assert bounds.method is Method.BOOTSTRAP
    assert bounds.low == pytest.approx(rate_lower(30, 60, ALPHA), abs=0.02)
    assert bounds.high == pytest.approx(rate_upper(30, 60, ALPHA), abs=0.02)


def test_same_seed_draws_the_same_clusters() -> None:
    chance = np.random.default_rng(3)
    events = (chance.random((60, 8)) < chance.beta(1, 2, (60, 1))).ravel()
    first, again = (Clusters(numbered(60, 8), seed=5).rate_bounds(events, ALPHA) for _ in "ab")
    assert first == again
    assert first.method is Method.BOOTSTRAP


def test_quantile_of_independent_values_is_bounded_by_order_statistics() -> None:
    values = [float(place * 60 + number) for number in range(60) for place in range(10)]
    bounds = Clusters(numbered(60, 10)).quantile_bounds(values, 0.5, ALPHA)
    assert bounds.method is Method.EXACT
    assert (bounds.low, bounds.high) == quantile_bounds(sorted(values), 0.5, ALPHA)


def test_quantile_of_a_slow_burst_is_wider_and_may_be_infinite() -> None:
    slow = [1.0 if number % 10 else math.inf for number in numbered(400, 5)]
    bounds = Clusters(numbered(400, 5)).quantile_bounds(slow, 0.9, ALPHA)
    assert bounds.method is Method.BOOTSTRAP
    assert (bounds.low, bounds.high) == (1.0, math.inf)
    few = Clusters(numbered(15, 5)).quantile_bounds([1.0] * 75, 0.95, ALPHA)
    assert (few.method, few.low, few.high) == (Method.WHOLE, 1.0, None)
    assert quantile_bounds([1.0] * 75, 0.95, ALPHA) == (1.0, 1.0)  # which bursts do not justify


def test_samples_and_clusters_must_be_as_many() -> None:
    with pytest.raises(ValueError, match="2 samples in clusters of 3"):
        Clusters([1, 1, 2]).describe([True, False])
    with pytest.raises(ValueError, match="no samples"):
        Clusters([])

import math
from math import comb

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from l9gate.measure.intervals import (
    most_under,
    nearest_rank,
    pace_lower,
    pace_upper,
    quantile_bounds,
    quantile_lower_rank,
    quantile_upper_rank,
    rate_lower,
    rate_upper,
)

ALPHA = 0.05


def at_most(k: int, n: int, p: float) -> float:
    """The binomial chance of at most k of n, summed term by term."""
    return math.fsum(comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k + 1))


def test_nearest_rank_of_1_to_100_ms() -> None:
    """H-01."""
    sample = [number / 1000 for number in range(1, 101)]
    assert [nearest_rank(sample, q) for q in (0.5, 0.95, 0.99, 1.0)] == [0.05, 0.095, 0.099, 0.1]
    assert nearest_rank([3.0], 0.01) == 3.0


def test_nearest_rank_does_not_round_up_by_a_float_error() -> None:
    assert nearest_rank(list(range(1, 101)), 0.07) == 7


@pytest.mark.parametrize(("sample", "q"), [([], 0.5), ([1.0], 0.0), ([1.0], 1.1)])
def test_nearest_rank_of_nothing_is_refused(sample: list[float], q: float) -> None:
    with pytest.raises(ValueError, match="no rank"):
        nearest_rank(sample, q)


# scipy.stats.binomtest(k, n).proportion_ci(0.90, "exact"), that is 0.05 on each side
@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [
        (0, 10, 0.0, 0.25886555089305224),
        (3, 10, 0.08726443391415029, 0.6066242161054123),
        (10, 10, 0.7411344491069478, 1.0),
        (94, 100, 0.8850147443920977, 0.9735502870240526),
        (1, 2, 0.025320565519103604, 0.9746794344808964),
    ],
)
def test_rate_bounds_are_those_of_binomtest(k: int, n: int, low: float, high: float) -> None:
    assert rate_lower(k, n, ALPHA) == pytest.approx(low, abs=1e-11)
    assert rate_upper(k, n, ALPHA) == pytest.approx(high, abs=1e-11)


@settings(max_examples=25, deadline=None)
@given(n=st.integers(1, 60), share=st.floats(0, 1), alpha=st.sampled_from([0.05, 0.025, 0.01]))
def test_rate_bounds_solve_their_definition(n: int, share: float, alpha: float) -> None:
    k = round(share * n)
    if k > 0:
        assert 1 - at_most(k - 1, n, rate_lower(k, n, alpha)) == pytest.approx(alpha)
    if k < n:
        assert at_most(k, n, rate_upper(k, n, alpha)) == pytest.approx(alpha)


@pytest.mark.parametrize("n", [5, 20, 59])
@pytest.mark.parametrize("truth", [0.02, 0.3, 0.5, 0.95])
def test_rate_bounds_cover_the_truth_at_least_95_of_100_times(n: int, truth: float) -> None:
    def chance(k: int) -> float:
        return comb(n, k) * truth**k * (1 - truth) ** (n - k)

    over = math.fsum(chance(k) for k in range(n + 1) if rate_lower(k, n, ALPHA) <= truth)
    under = math.fsum(chance(k) for k in range(n + 1) if rate_upper(k, n, ALPHA) >= truth)
    assert over >= 1 - ALPHA
    assert under >= 1 - ALPHA


def test_rate_bounds_of_nothing_exclude_nothing() -> None:
    assert (rate_lower(0, 0, ALPHA), rate_upper(0, 0, ALPHA)) == (0.0, 1.0)


@settings(max_examples=25, deadline=None)
@given(n=st.integers(1, 120), q=st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_ranks_are_the_tightest_that_hold_their_promise(n: int, q: float) -> None:
    """Wilks: the upper rank r is the least with C(r-1; n, q) >= 1 - alpha, and so on."""
    upper = [r for r in range(1, n + 1) if at_most(r - 1, n, q) >= 1 - ALPHA]
    lower = [r for r in range(1, n + 1) if at_most(r - 1, n, q) <= ALPHA]
    assert quantile_upper_rank(n, q, ALPHA) == (upper[0] if upper else None)
    assert quantile_lower_rank(n, q, ALPHA) == (lower[-1] if lower else None)


def test_quantile_bounds_may_be_infinite() -> None:
    sample = [0.1] * 58 + [math.inf]
    assert quantile_bounds(sample, 0.95, ALPHA) == (0.1, math.inf)
    assert quantile_bounds([0.1] * 59, 0.95, ALPHA) == (0.1, 0.1)


def test_quantile_bounds_of_a_small_sample_are_open() -> None:
    assert quantile_bounds([], 0.95, ALPHA) == (None, None)
    assert quantile_bounds([1.0], 0.5, ALPHA) == (None, None)
    assert quantile_bounds([1.0, 2.0, 3.0], 0.95, ALPHA) == (2.0, None)


def test_pace_bounds_are_garwoods() -> None:
    """L3-07: 40 in 60 s, 74 in 120 s and 171 in 300 s show more than 0.5 per second."""
    for count, window_s in ((40, 60.0), (74, 120.0), (171, 300.0)):
        assert pace_lower(count, window_s, ALPHA) > 0.5
        assert pace_lower(count - 1, window_s, ALPHA) <= 0.5
    # the 5 % quantile of chi-squared with 80 degrees of freedom, by 120 s
    assert pace_lower(40, 60.0, ALPHA) == pytest.approx(0.5032623199057455)
    assert pace_upper(0, 60.0, ALPHA) == pytest.approx(-math.log(ALPHA) / 60)
    assert pace_lower(0, 60.0, ALPHA) == 0.0


def test_the_most_failures_that_still_show_95_percent() -> None:
    """Part B of the methods: 0 of 59, 1 of 93, 8 of 300, 38 of 1000; none of 20."""
    assert [most_under(n, 0.05, ALPHA) for n in (20, 59, 93, 300, 1000)] == [None, 0, 1, 8, 38]

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from l9gate.measure.histogram import BATCH, Histogram
from l9gate.measure.intervals import nearest_rank

durations_s = st.lists(st.floats(1e-6, 2e5), min_size=1, max_size=50)


def of(values_s: list[float]) -> Histogram:
    histogram = Histogram()
    histogram.add_many(values_s)
    return histogram


@settings(max_examples=25, deadline=None)
@given(values_s=durations_s, q=st.sampled_from([0.01, 0.5, 0.95, 0.99, 1.0]))
def test_a_quantile_is_off_by_at_most_a_thousandth(values_s: list[float], q: float) -> None:
    exact = nearest_rank(sorted(values_s), q)
    assert of(values_s).quantile(q) == pytest.approx(exact, rel=1e-3)


@settings(max_examples=15, deadline=None)
@given(one=durations_s, two=durations_s, three=durations_s)
def test_merging_is_adding_in_any_order(
    one: list[float], two: list[float], three: list[float]
) -> None:
    left = of(one)
    left.merge(of(two))
    left.merge(of(three))
    right = of(three)
    right.merge(of(one + two))
    assert left == right == of(one + two + three)
    assert left.count == len(one + two + three)


def test_one_by_one_equals_all_at_once() -> None:
    values_s = [0.001 * number for number in range(BATCH + 10)]
    histogram = Histogram()
    for value_s in values_s:
        histogram.add(value_s)
    assert histogram.count == BATCH + 10
    assert histogram == of(values_s)


def test_infinite_durations_rank_last() -> None:
    histogram = of([0.1] * 9 + [math.inf])
    assert histogram.count == 10
    assert histogram.quantile(0.9) == pytest.approx(0.1, rel=1e-3)
    assert histogram.quantile(1.0) == math.inf
    assert histogram != of([0.1] * 10)


def test_the_ends_of_the_range_saturate() -> None:
    assert of([-1.0]).quantile(0.5) == 0.0
    assert of([1e12]).quantile(0.5) == pytest.approx(2**48 / 1e9, rel=1e-3)


def test_nan_is_refused_and_counts_nothing() -> None:
    histogram = Histogram()
    with pytest.raises(ValueError, match="NaN"):
        histogram.add(math.nan)
    with pytest.raises(ValueError, match="NaN"):
        histogram.add_many([0.1, math.nan])
    assert histogram.count == 0


@pytest.mark.parametrize("q", [0.0, 1.5])
def test_no_quantile_outside_of_its_range(q: float) -> None:
    with pytest.raises(ValueError, match="no quantile"):
        of([1.0]).quantile(q)
    with pytest.raises(ValueError, match="no quantile"):
        Histogram().quantile(0.5)


def test_a_histogram_equals_only_histograms() -> None:
    assert Histogram() != "histogram"

"""Binomial tails in plain Python, held against scipy's."""

import math

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.special import bdtr

from l9gate.measure.tails import chance_of_at_most, log_chance_of_at_most


@settings(max_examples=200, deadline=None)
@given(n=st.integers(1, 1_000_000), p=st.floats(1e-6, 1 - 1e-6), deviations=st.floats(-6, 6))
@example(n=888_130, p=0.4137649774533574, deviations=-0.35)
@example(n=59, p=0.05, deviations=-1.76)
def test_a_tail_is_scipys(n: int, p: float, deviations: float) -> None:
    k = min(max(round(n * p + deviations * math.sqrt(n * p * (1 - p))), 0), n)
    assert chance_of_at_most(k, n, p) == pytest.approx(float(bdtr(k, n, p)), rel=1e-7)


@pytest.mark.parametrize(
    ("k", "n", "p", "chance"),
    [(-1, 5, 0.5, 0), (5, 5, 0.5, 1), (0, 5, 0.0, 1), (4, 5, 1.0, 0), (0, 0, 0.3, 1)],
)
def test_ends_are_exact(k: int, n: int, p: float, chance: float) -> None:
    assert chance_of_at_most(k, n, p) == chance


def test_a_tail_below_any_double_still_has_a_logarithm() -> None:
    assert log_chance_of_at_most(0, 1_000_000, 0.5) == pytest.approx(1_000_000 * math.log(0.5))


def test_no_chance_is_above_one() -> None:
    with pytest.raises(ValueError, match="no chance"):
        chance_of_at_most(1, 2, 1.5)

"""Y-04, C-07: growth without end is told from what comes to rest."""

import math
import random

import numpy as np
import pytest

from l9gate.measure.trend import Growth, Trend, TrendPlan, _doubt, find_trend, without_gaps

READINGS, STEP_S = 240, 2.0
AT_S = [1_000.0 + STEP_S * place for place in range(READINGS)]
LAST_S = AT_S[-1] - AT_S[0]


def noisy(values: list[float]) -> list[float]:
    chance = random.Random(7)  # noqa: S311 - noise, no secret
    return [value + chance.gauss(0, 0.5) for value in values]


def trend_of(values: list[float], operations: list[float] | None = None) -> Trend:
    return find_trend(AT_S, noisy(values), TrendPlan(tolerance=6.0, limit=1_000.0), operations)


def shares() -> list[float]:
    return [place / (READINGS - 1) for place in range(READINGS)]


def test_level_memory_does_not_grow() -> None:
    found = trend_of([200.0] * READINGS)
    assert found.growth is Growth.STEADY
    assert found.high is not None
    assert found.high < 6
    assert found.exhausted_in_s is None


def test_a_leak_grows_at_its_own_pace() -> None:
    operations = [10.0 * (at_s - AT_S[0]) for at_s in AT_S]
    found = trend_of([200 + 50 * share for share in shares()], operations)
    assert found.growth is Growth.GROWING
    assert found.rise == pytest.approx(50, rel=0.05)
    assert found.low is not None
    assert found.high is not None
    assert found.low < 50 < found.high
    assert found.per_s == pytest.approx(50 / LAST_S, rel=0.05)
    assert found.per_1000_operations == pytest.approx(50 / (10 * LAST_S) * 1000, rel=0.05)
    assert found.exhausted_in_s == pytest.approx(750 / (50 / LAST_S), rel=0.1)


def test_a_plateau_of_50_mb_after_the_warm_up_is_no_leak() -> None:
    found = trend_of([200 + 50 * (1 - math.exp(-share / 0.15)) for share in shares()])
    assert found.growth is Growth.STEADY


def test_a_jump_is_no_leak() -> None:
    found = trend_of([200.0 + (40 if share > 0.6 else 0) for share in shares()])
    assert found.growth is not Growth.GROWING


def test_two_jumps_and_a_rise_that_fades_are_doubtful() -> None:
    x = np.linspace(0, 1, 36)
    plan = TrendPlan(tolerance=6.0)
    assert _doubt(x, 40.0 * x, plan) is None
    jumps = 40.0 * ((x > 0.5).astype(float) + (x > 0.75))
    assert _doubt(x, jumps, plan) == "the rise is one of single jumps"
    assert _doubt(x, 60 * (1 - np.exp(-x / 0.15)), plan) == "the rise has become slower"


def test_what_goes_up_and_down_with_the_load_is_no_leak() -> None:
    load = [20 + 15 * math.sin(15 * share) for share in shares()]
    operations = [STEP_S * sum(load[:place]) for place in range(READINGS)]
    values = [200 + 2 * one for one in load]
    assert trend_of(values, operations).growth is Growth.STEADY
    leaking = [value + 40 * share for value, share in zip(values, shares(), strict=True)]
    assert trend_of(leaking, operations).growth is Growth.GROWING


def test_memory_that_grows_with_a_growing_load_is_undecided() -> None:
    operations = [STEP_S * place * (1 + place / 100) for place in range(READINGS)]
    found = trend_of([200 + 50 * share for share in shares()], operations)
    assert found.growth is Growth.UNDECIDED
    assert "load changed" in found.reason


def test_too_few_readings_decide_nothing() -> None:
    plan = TrendPlan(tolerance=6.0)
    found = find_trend(AT_S[:71], [float(place) for place in range(71)], plan)
    assert found.growth is Growth.UNDECIDED
    assert "71 readings, at least 72" in found.reason
    assert find_trend([], [], plan).growth is Growth.UNDECIDED
    assert find_trend([1.0] * 100, [1.0] * 100, plan).growth is Growth.UNDECIDED


def test_a_gap_is_taken_out_and_not_filled() -> None:
    assert without_gaps([10.0, 11.0, 12.0, 500.0, 501.0]).tolist() == [0.0, 1.0, 2.0, 3.0, 4.0]
    later = [at_s + (3_600 if place > 120 else 0) for place, at_s in enumerate(AT_S)]
    values = noisy([200 + 50 * share for share in shares()])
    plan = TrendPlan(tolerance=6.0)
    whole, gapped = find_trend(AT_S, values, plan), find_trend(later, values, plan)
    assert gapped.growth is Growth.GROWING
    assert gapped.observed_s == pytest.approx(whole.observed_s)


def test_equal_seeds_give_equal_answers() -> None:
    values = noisy([200 + 50 * share for share in shares()])
    plan = TrendPlan(tolerance=6.0, seed=3)
    assert find_trend(AT_S, values, plan) == find_trend(AT_S, values, plan)


def test_counts_that_climb_by_ones_grow() -> None:
    """Descriptors have no noise at all."""
    found = find_trend(
        AT_S, [30.0 + place // 10 for place in range(READINGS)], TrendPlan(tolerance=5)
    )
    assert found.growth is Growth.GROWING

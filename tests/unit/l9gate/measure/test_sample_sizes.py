import math
from math import comb

import pytest

from l9gate.measure.intervals import most_under, pace_lower, pace_upper, rate_lower
from l9gate.measure.sample_sizes import (
    chance_of_at_least,
    chance_to_stay_within,
    least_pace_count,
    samples_needed,
    samples_to_be_likely,
    samples_to_decide,
    window_to_decide,
)
from l9gate.measure.sequential import ANYTIME
from l9gate.measure.tails import chance_of_at_most

ALPHA = 0.05


def test_sample_sizes_are_those_of_the_table() -> None:
    """C-09."""
    assert samples_needed(0.5, ALPHA) == 5
    assert [samples_needed(0.95, ALPHA, k) for k in range(6)] == [59, 93, 124, 153, 181, 208]
    assert [samples_needed(0.99, ALPHA, k) for k in range(6)] == [299, 473, 628, 773, 913, 1049]


def test_no_sample_shows_an_absurd_quantile() -> None:
    with pytest.raises(ValueError, match="no sample"):
        samples_needed(1 - 1e-9, ALPHA)


def test_what_would_decide_a_rate_decides_it_and_one_less_does_not() -> None:
    assert samples_to_decide(0, 58, 0.05, ALPHA) == 59
    assert samples_to_decide(0, 0, 0.01, ALPHA) == 299
    total = samples_to_decide(30, 100, 0.2, ALPHA)
    assert total is not None
    assert rate_lower(math.floor(0.3 * total), total, ALPHA) > 0.2


def test_a_rate_at_its_limit_is_never_decided() -> None:
    assert samples_to_decide(5, 100, 0.05, ALPHA) is None
    assert samples_to_decide(50_001, 1_000_000, 0.05, ALPHA) is None


def test_what_would_decide_a_pace_decides_it() -> None:
    window_s = window_to_decide(39, 60.0, 0.5, ALPHA)
    assert window_s is not None
    assert pace_lower(round(window_s * 39 / 60), window_s, ALPHA) > 0.5
    slower_s = window_to_decide(29, 60.0, 0.5, ALPHA)
    assert slower_s is not None
    assert pace_upper(round(slower_s * 29 / 60), slower_s, ALPHA) < 0.5
    assert window_to_decide(30, 60.0, 0.5, ALPHA) is None
    assert window_to_decide(0, 0.0, 0.5, ALPHA) is None


def test_pace_too_near_its_limit_is_never_decided() -> None:
    assert window_to_decide(500_001, 1_000_000.0, 0.5, ALPHA) is None


def test_the_chance_of_a_good_end_averages_over_what_the_rate_may_be() -> None:
    # the numbers are those of the beta-binomial distribution of scipy.stats
    assert chance_to_stay_within(3, 100, 300, most_under(300, 0.05, ALPHA)) == pytest.approx(
        0.4357786176341178
    )
    assert chance_to_stay_within(0, 58, 299, most_under(299, 0.01, ALPHA)) == pytest.approx(
        0.4411972627582545
    )
    assert chance_to_stay_within(9, 100, 300, most_under(300, 0.05, ALPHA)) == 0.0
    assert chance_to_stay_within(0, 10, 20, most_under(20, 0.05, ALPHA)) == 0.0


# methods.md 4.1, P(PASS) at a true pass rate of 0.98, 0.99 and 0.995
@pytest.mark.parametrize(
    ("n", "allowed", "chances"),
    [
        (59, 0, (0.30, 0.55, 0.74)),
        (93, 1, (0.44, 0.76, 0.92)),
        (181, 4, (0.70, 0.96, 1.00)),
        (1000, 38, (1.00, 1.00, 1.00)),
    ],
)
def test_the_chance_at_a_known_rate_is_that_of_the_sheet(
    n: int, allowed: int, chances: tuple[float, ...]
) -> None:
    assert most_under(n, 0.05, ALPHA) == allowed
    found = [chance_of_at_most(allowed, n, rate) for rate in (0.02, 0.01, 0.005)]
    assert found == pytest.approx(chances, abs=0.006)
    assert chance_of_at_most(n, n, 0.5) == 1.0


def test_another_run_is_less_certain_than_the_same_one_continued() -> None:
    """None of its samples is there yet."""
    fresh = chance_to_stay_within(1, 93, 93, most_under(93, 0.05, ALPHA), fresh=True)
    a, b = 1.5, 92.5

    def beta(x: float, y: float) -> float:
        return math.exp(math.lgamma(x) + math.lgamma(y) - math.lgamma(x + y))

    expected = sum(comb(93, j) * beta(j + a, 93 - j + b) / beta(a, b) for j in (0, 1))
    assert fresh == pytest.approx(expected)
    assert chance_to_stay_within(1, 93, 93, most_under(93, 0.05, ALPHA)) == pytest.approx(1.0)


def test_paces_need_the_counts_of_the_sheet() -> None:
    """Methods.md 4.3: 40 events in 60 s, 74 in 120 s and 171 in 300 s show more than 0.5/s."""
    assert [least_pace_count(window_s, 0.5, ALPHA) for window_s in (60, 120, 300)] == [40, 74, 171]
    assert chance_of_at_least(1, 2.0) == pytest.approx(1 - math.exp(-2))
    assert chance_of_at_least(0, 2.0) == 1.0


def test_samples_to_be_likely_are_those_that_make_it_so() -> None:
    assert samples_to_be_likely(0.01, 0.05, ALPHA, 0.8) == 124
    assert samples_to_be_likely(0.0, 0.05, ALPHA, 0.8) == 59
    assert samples_to_be_likely(0.05, 0.05, ALPHA, 0.8) is None


def test_looking_at_any_time_needs_more() -> None:
    """Methods.md 4.4: a perfect build is shown after 88 samples instead of 59."""
    fixed, anytime = (samples_needed(0.95, ALPHA), samples_needed(0.95, ALPHA, rule=ANYTIME))
    assert (fixed, anytime) == (59, 88)
    assert samples_needed(0.99, ALPHA, rule=ANYTIME) > samples_needed(0.99, ALPHA) == 299
    total = samples_to_decide(3, 100, 0.05, ALPHA, ANYTIME)
    assert total is not None
    assert ANYTIME.rate_upper(math.ceil(0.03 * total), total, ALPHA) < 0.05
    assert total > (samples_to_decide(3, 100, 0.05, ALPHA) or 0)
    assert least_pace_count(60.0, 0.5, ALPHA, ANYTIME) > 40
    likely = samples_to_be_likely(0.01, 0.05, ALPHA, 0.8, ANYTIME)
    assert likely is not None
    assert likely > 124

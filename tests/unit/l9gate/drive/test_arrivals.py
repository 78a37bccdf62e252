import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from l9gate.drive.arrivals import (
    Arrivals,
    Closed,
    Constant,
    Poisson,
    Ramp,
    Recorded,
    count_planned,
    parse_arrivals,
)
from l9gate.errors import UsageError

OPEN: tuple[Arrivals, ...] = (
    Constant(7, 3),
    Poisson(50, 4),
    Ramp(1, 20, 5),
    Ramp(20, 0, 5),
    Recorded((5.0, 5.0, 6.5, 9.0), speed=2),
)


@pytest.mark.parametrize("arrivals", OPEN)
def test_offsets_never_fall_and_lie_within_the_duration(arrivals: Arrivals) -> None:
    offsets_s = list(arrivals.offsets_s(seed=3))
    assert offsets_s == sorted(offsets_s)
    assert offsets_s[0] >= 0
    assert arrivals.duration_s is not None
    assert offsets_s[-1] <= arrivals.duration_s


@pytest.mark.parametrize("arrivals", OPEN)
def test_what_is_planned_is_what_comes(arrivals: Arrivals) -> None:
    offsets_s = list(arrivals.offsets_s(seed=3))
    assert count_planned(arrivals, 3, 0, 1) == len(offsets_s)
    assert arrivals.planned in {None, len(offsets_s)}


@pytest.mark.parametrize("arrivals", OPEN)
def test_shards_share_a_plan_out(arrivals: Arrivals) -> None:
    shares = [count_planned(arrivals, 3, shard, 3) for shard in range(3)]
    assert None not in shares
    assert sum(share or 0 for share in shares) == count_planned(arrivals, 3, 0, 1)


def test_constant_calls_come_at_equal_distances() -> None:
    assert list(Constant(4, 1).offsets_s(0)) == [0, 0.25, 0.5, 0.75]


def test_a_poisson_process_has_its_rate_and_exponential_distances() -> None:
    offsets_s = list(Poisson(100, 50).offsets_s(seed=1))
    distances_s = [later - sooner for sooner, later in pairwise(offsets_s)]
    assert len(offsets_s) == pytest.approx(5000, abs=4 * math.sqrt(5000))
    beyond_mean = sum(distance > 0.01 for distance in distances_s) / len(distances_s)
    assert beyond_mean == pytest.approx(1 / math.e, abs=0.03)


def test_a_seed_repeats_a_poisson_process_and_another_does_not() -> None:
    one = list(Poisson(10, 3).offsets_s(1))
    assert one == list(Poisson(10, 3).offsets_s(1))
    assert one != list(Poisson(10, 3).offsets_s(2))


@given(first=st.floats(0, 50), last=st.floats(0.5, 50), duration_s=st.floats(0.5, 20))
def test_a_ramp_has_sent_at_every_time_what_its_rate_adds_up_to(
    first: float, last: float, duration_s: float
) -> None:
    for number, offset_s in enumerate(Ramp(first, last, duration_s).offsets_s(0)):
        slope = (last - first) / duration_s
        assert first * offset_s + slope * offset_s**2 / 2 == pytest.approx(number, abs=1e-4)


def test_a_ramp_has_the_calls_of_its_mean_rate() -> None:
    assert Ramp(2, 8, 10).planned == 50


def test_a_recording_can_be_played_faster() -> None:
    assert list(Recorded((10.0, 11.0, 14.0), speed=2).offsets_s(0)) == [0, 0.5, 2]


def test_a_closed_loop_deals_users_and_calls_to_its_shards() -> None:
    shares = [Closed(5, calls=7).share(shard, 2) for shard in range(2)]
    assert [(share.users, share.calls) for share in shares] == [(3, 4), (2, 3)]
    assert count_planned(Closed(5, duration_s=1), 0, 0, 1) is None


@pytest.mark.parametrize(
    ("text", "arrivals"),
    [
        ("constant 5/s", Constant(5, 60)),
        ("Poisson 30/min", Poisson(0.5, 60)),
        ("ramp 1/s..20/s", Ramp(1, 20, 60)),
        ("closed 8", Closed(8, 60)),
        ("closed 8 think 2s", Closed(8, 60, think_s=2)),
    ],
)
def test_arrivals_are_read_from_words_and_say_them_again(
    text: str, arrivals: Arrivals | Closed
) -> None:
    parsed = parse_arrivals(text, 60)
    assert parsed == arrivals
    assert parse_arrivals(parsed.in_words(), 60) == parsed


@pytest.mark.parametrize("text", ["", "5/s", "poisson", "poisson 5", "burst 5/s", "closed 0"])
def test_words_that_say_no_rate_are_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_arrivals(text, 60)


@pytest.mark.parametrize("duration_s", [0, -1, math.inf, math.nan])
def test_a_load_without_a_duration_is_refused(duration_s: float) -> None:
    with pytest.raises(UsageError):
        parse_arrivals("constant 5/s", duration_s)


def test_recorded_times_out_of_order_are_refused() -> None:
    with pytest.raises(UsageError):
        Recorded((2.0, 1.0))

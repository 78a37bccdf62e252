import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from l9gate.report.axes import Axis, log_axis

VALUES = st.floats(min_value=0.0001, max_value=10_000)


@settings(max_examples=30)
@given(VALUES, VALUES)
def test_a_logarithmic_axis_holds_what_it_is_made_for_between_round_ends(
    one: float, other: float
) -> None:
    least, most = sorted((one, other))
    axis = log_axis(least, most, 0, 100)
    assert axis.low <= least * 1.001
    assert axis.high >= most * 0.999
    assert axis.ticks()[0] == pytest.approx(axis.low) or len(axis.ticks()) >= 1
    assert all(0 <= axis.at(tick) <= 100 for tick in axis.ticks())


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.0, 30.0, [0, 10, 20, 30]),
        (0.0, 1.0, [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (0.0, 0.0, [0.0]),
    ],
)
def test_ticks_stand_at_round_values(low: float, high: float, ticks: list[float]) -> None:
    assert Axis(low, high, 0, 100).ticks() == pytest.approx(ticks)


def test_a_value_beyond_an_end_lies_on_it() -> None:
    axis = Axis(0.0, 10.0, 100.0, 0.0)
    assert (axis.at(-5), axis.at(5), axis.at(50)) == (100.0, 50.0, 0.0)
    assert Axis(1.0, 1.0, 3.0, 9.0).at(1.0) == 3.0


def test_ticks_of_a_wide_axis_are_decades() -> None:
    assert log_axis(0.001, 100.0, 0, 1).ticks() == pytest.approx([0.001, 0.01, 0.1, 1, 10, 100])
    assert log_axis(0.3, 1.2, 0, 1).ticks() == pytest.approx([0.2, 0.5, 1, 2])

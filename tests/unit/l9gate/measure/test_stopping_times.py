"""How long it takes until something is decided."""

import pytest

from l9gate.measure.intervals import most_under
from l9gate.measure.sequential import ANYTIME
from l9gate.measure.stopping_times import StoppingBounds

ALPHA = 0.05


@pytest.fixture(scope="module")
def bounds() -> StoppingBounds:
    return StoppingBounds.of(0.05, ALPHA, 300)


# methods.md 4.4, 1,000 simulated runs each with a limit of 95 % and at most 300 samples
@pytest.mark.parametrize(
    ("pass_rate", "mean_n", "kept", "broken"),
    [
        (1.0, 88, 1.0, 0.0),
        (0.995, 111, 0.998, 0.0),
        (0.99, 141, 0.96, 0.001),
        (0.98, 216, 0.62, 0.002),
        (0.95, 291, 0.022, 0.022),
        (0.90, 198, 0.0, 0.63),
        (0.80, 33, 0.0, 1.0),
        (0.50, 5, 0.0, 1.0),
    ],
)
def test_expected_numbers_are_those_of_the_sheet(
    bounds: StoppingBounds, pass_rate: float, mean_n: float, kept: float, broken: float
) -> None:
    found = bounds.expect(1 - pass_rate)
    assert found.mean_n == pytest.approx(mean_n, rel=0.04, abs=1)
    assert found.kept == pytest.approx(kept, abs=0.05)
    assert found.broken == pytest.approx(broken, abs=0.05)
    assert found.undecided == pytest.approx(1 - found.kept - found.broken, abs=1e-9)


def test_bounds_are_those_of_the_evidence(bounds: StoppingBounds) -> None:
    for n in (1, 2, 40, 88, 150, 300):
        kept, good = most_under(n, 0.05, ALPHA, ANYTIME), most_under(n, 0.95, ALPHA, ANYTIME)
        assert bounds.kept[n] == (-1 if kept is None else kept)
        assert bounds.broken[n] == (n + 1 if good is None else n - good)


def test_nothing_is_decided_before_the_first_look() -> None:
    late = StoppingBounds.of(0.05, ALPHA, 40, first=10)
    assert late.expect(1.0).mean_n == pytest.approx(10)
    assert StoppingBounds.of(0.05, ALPHA, 40).expect(1.0).mean_n == pytest.approx(2)
    assert late.expect(1.0).broken == pytest.approx(1.0)

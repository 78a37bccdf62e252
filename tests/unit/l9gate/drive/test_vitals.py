import pytest

from l9gate.drive.vitals import Lags


def lags_of(*lags_s: float) -> Lags:
    lags = Lags()
    for lag_s in lags_s:
        lags.add(lag_s)
    return lags


def test_a_hundredth_of_lags_may_be_larger_than_their_p99() -> None:
    assert lags_of(*range(1, 101)).p99_s() == 99


def test_without_a_call_there_is_no_lag() -> None:
    assert lags_of().p99_s() == 0


def test_a_clock_that_is_early_is_not_late() -> None:
    assert lags_of(-0.001).p99_s() == 0


def test_many_lags_are_thinned_out_and_keep_their_share() -> None:
    lags = Lags()
    for number in range(40_000):
        lags.add(float(number % 1000))
    assert lags.p99_s() == pytest.approx(990, abs=5)
    assert len(lags._lags_s) < 5000

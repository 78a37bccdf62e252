import time

import pytest

from l9gate.measure.clock import ManualClock, SystemClock


def test_the_system_clock_is_the_wall_clock_and_never_runs_backwards() -> None:
    clock = SystemClock()
    assert clock.now_s() == pytest.approx(time.time(), abs=1.0)
    readings = [clock.now_s() for _ in range(100)]
    assert readings == sorted(readings)


def test_a_manual_clock_moves_only_when_told() -> None:
    clock = ManualClock(10.0)
    assert (clock.now_s(), clock.now_s()) == (10.0, 10.0)
    clock.advance(2.5)
    assert clock.now_s() == 12.5


def test_a_manual_clock_does_not_run_backwards() -> None:
    with pytest.raises(ValueError, match="backwards"):
        ManualClock().advance(-1.0)

"""Many appointments on one timer."""

import asyncio
from collections.abc import Callable
from functools import partial

import pytest

from l9gate.net.wheel import Wheel


class Loop(asyncio.SelectorEventLoop):
    """A loop whose time moves only when a test says so."""

    now_s = 10.0

    def time(self) -> float:
        return self.now_s

    def turn(self, now_s: float) -> None:
        """Set the time, and run what is due."""
        self.now_s = now_s
        for _ in range(3):
            self.call_soon(self.stop)
            self.run_forever()


def _note(calls: list[str], name: str, _: float) -> None:
    calls.append(name)


@pytest.fixture
def play() -> Callable[[], tuple[Loop, Wheel, list[str]]]:
    return lambda: (loop := Loop(), Wheel(loop), [])


Play = Callable[[], tuple[Loop, Wheel, list[str]]]


def test_appointments_are_kept_in_the_order_of_their_times(play: Play) -> None:
    loop, wheel, calls = play()
    for name, when_s in (("late", 10.5), ("early", 10.1), ("early too", 10.1)):
        wheel.call_at(when_s, partial(_note, calls, name))
    loop.turn(10.05)
    assert calls == []
    loop.turn(10.2)
    assert calls == ["early", "early too"]
    loop.turn(10.6)
    assert calls == ["early", "early too", "late"]
    loop.close()


def test_who_is_called_may_make_the_next_appointment(play: Play) -> None:
    loop, wheel, calls = play()

    def again(now_s: float) -> None:
        calls.append(f"{now_s:.2f}")
        if len(calls) < 3:
            wheel.call_at(now_s + 0.1, again)

    wheel.call_at(10.1, again)
    for now_s in (10.15, 10.2, 10.3, 10.45):
        loop.turn(now_s)
    assert calls == ["10.15", "10.30", "10.45"]
    loop.close()


def test_a_stopped_wheel_calls_nobody(play: Play) -> None:
    loop, wheel, calls = play()
    wheel.call_at(10.1, lambda _: calls.append("called"))
    wheel.stop()
    loop.turn(11.0)
    wheel.stop()
    assert calls == []
    loop.close()

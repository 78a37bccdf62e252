"""How a timetable is played."""

from collections.abc import AsyncGenerator

import pytest

from l9gate.net.http import Cut, Timetable
from l9gate.net.player import Player
from l9gate.net.wheel import Appointment


async def _nothing() -> AsyncGenerator[bytes | Cut, None]:
    yield b""


class Bench:
    """A player with a wheel that is turned by hand."""

    def __init__(self, due_s: list[float], pieces: list[bytes] | None = None) -> None:
        self.written: list[bytes] = []
        self.booked: list[tuple[float, Appointment]] = []
        self.ends = 0
        pieces = pieces or [b"abcd"[n : n + 1] for n in range(len(due_s))]
        self.body = Timetable(pieces, due_s, lambda: 0.0, _nothing)
        self.player = Player(self.body, 100.0, self, self.written.append, self.note_end)

    def call_at(self, when_s: float, run: Appointment) -> None:
        self.booked.append((when_s, run))

    def wake(self, now_s: float) -> None:
        """Keep the next appointment."""
        self.booked.pop(0)[1](now_s)

    def note_end(self) -> None:
        self.ends += 1


def test_what_is_due_together_goes_out_together() -> None:
    bench = Bench([0.0, 0.0, 0.5, 0.5])
    assert not bench.player.turn(100.0)
    assert bench.written == [b"2\r\nab\r\n"]
    assert [when_s for when_s, _ in bench.booked] == [100.5]
    bench.wake(100.5)
    assert bench.written[1:] == [b"2\r\ncd\r\n0\r\n\r\n"]
    assert bench.ends == 1


def test_what_is_due_at_once_ends_at_once() -> None:
    bench = Bench([0.0, 0.0])
    assert bench.player.turn(100.0)
    assert (bench.written, bench.ends, bench.booked) == ([b"2\r\nab\r\n0\r\n\r\n"], 0, [])


def test_a_delay_of_ours_does_not_shift_what_comes_after_it() -> None:
    bench = Bench([0.0, 0.1, 0.2, 0.3])
    bench.player.turn(100.0)
    bench.wake(100.25)
    assert bench.written[1:] == [b"2\r\nbc\r\n"]
    assert [when_s for when_s, _ in bench.booked] == [pytest.approx(100.3)]


def test_a_client_that_does_not_read_gets_the_rest_when_it_does() -> None:
    bench = Bench([0.0, 0.1, 0.2])
    bench.player.turn(100.0)
    bench.player.waits = True
    bench.wake(100.15)
    assert bench.written == [b"1\r\na\r\n"]
    bench.player.waits = False
    assert bench.player.turn(100.3)
    assert bench.written[1:] == [b"2\r\nbc\r\n0\r\n\r\n"]


def test_a_long_body_goes_out_in_blocks_until_the_client_is_full() -> None:
    bench = Bench([0.0] * 2000, [b"x"] * 2000)
    write = bench.written.append

    def fill(data: bytes) -> None:
        write(data)
        bench.player.waits = len(bench.written) == 2

    bench.player = Player(bench.body, 100.0, bench, fill, bench.note_end)
    assert not bench.player.turn(100.0)
    assert len(bench.written) == 2
    bench.player.waits = False
    assert bench.player.turn(101.0)
    assert sum(data.count(b"x") for data in bench.written) == 2000

"""How a timetable is played."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable

import pytest

from l9gate.net.connection import Connection
from l9gate.net.heads import KnownHeads
from l9gate.net.http import App, Cut, HttpRequest, HttpResponse, Timetable
from l9gate.net.player import Player
from l9gate.net.reader import Limits
from l9gate.net.wheel import Appointment, Wheel


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


class Host:
    """A server whose answers are timetables, at once or after a turn of the loop."""

    def __init__(self) -> None:
        self.limits = Limits()
        self.heads: KnownHeads | None = None
        self.wheel = Wheel(asyncio.get_running_loop())
        self.joined = 0

    @property
    def app(self) -> App:
        return self

    def __call__(self, request: HttpRequest, /) -> HttpResponse | Awaitable[HttpResponse]:
        due_s = [0.0, 3600.0] if "slow" in request.path else [0.0, 0.0]
        body = Timetable([b"one", b"two"], due_s, lambda: 0.0, _nothing)
        response = HttpResponse(status=200, headers={"path": request.path}, body=body)
        return self._later(response) if "later" in request.path else response

    async def _later(self, response: HttpResponse) -> HttpResponse:
        return response

    def refuse(self, status: int, reason: str, /) -> HttpResponse:
        raise AssertionError((status, reason))

    def join(self, _: Connection, /) -> None:
        self.joined += 1

    def leave(self, _: Connection, /) -> None:
        self.joined -= 1

    def note(self, what: str, /) -> None:
        raise AssertionError(what)


class Transport(asyncio.Transport):
    """Remembers what was written."""

    written = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += bytes(data)


def _get(path: str) -> bytes:
    return b"GET %b HTTP/1.1\r\n\r\n" % path.encode()


@pytest.mark.parametrize("path", ["/now", "/later"])
def test_without_delays_the_next_request_follows(path: str) -> None:
    async def play() -> None:
        connection, transport = Connection(Host()), Transport()
        connection.connection_made(transport)
        connection.data_received(_get(path) + _get("/next"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert transport.written.count(b"\r\n\r\n6\r\nonetwo\r\n0\r\n\r\n") == 2
        assert not connection.is_answering

    asyncio.run(play())


@pytest.mark.parametrize("path", ["/slow", "/slow-later"])
def test_the_line_waits_for_the_last_piece(path: str) -> None:
    async def play() -> None:
        host, transport = Host(), Transport()
        connection = Connection(host)
        connection.connection_made(transport)
        connection.data_received(_get(path) + _get("/next"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert transport.written.endswith(b"\r\n\r\n3\r\none\r\n")
        connection.pause_writing()
        connection.resume_writing()
        assert connection.is_answering
        connection.close_when_answered()
        connection.connection_lost(None)
        assert host.joined == 0
        host.wheel.stop()

    asyncio.run(play())

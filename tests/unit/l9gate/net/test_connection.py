"""A connection on a transport that only remembers."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable

import pytest

from l9gate.net.connection import Connection
from l9gate.net.heads import KnownHeads
from l9gate.net.http import App, Cut, HttpRequest, HttpResponse
from l9gate.net.reader import Limits
from l9gate.net.wheel import Wheel


def _get(path: str) -> bytes:
    return b"GET %b HTTP/1.1\r\n\r\n" % path.encode()


def _answer(text: str) -> HttpResponse:
    return HttpResponse(status=200, headers={}, body=text.encode())


class Answers:
    """An application: now, later, never, in pieces, or not at all, as the path says."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.cancelled = 0

    def __call__(self, request: HttpRequest, /) -> HttpResponse | Awaitable[HttpResponse]:
        if request.path == "/fail":
            raise ValueError("secret")
        if request.path in {"/later", "/fail-later"}:
            return self._later(request.path)
        if request.path.startswith("/pieces"):
            return HttpResponse(status=200, headers={}, body=self._pieces(request.path))
        return _answer(request.path)

    def refuse(self, status: int, reason: str, /) -> HttpResponse:
        return HttpResponse(status=status, headers={}, body=reason.encode())

    async def _later(self, path: str) -> HttpResponse:
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if path == "/fail-later":
            raise ValueError("secret")
        return _answer(path)

    async def _pieces(self, path: str) -> AsyncGenerator[bytes | Cut, None]:
        yield b"one"
        if path == "/pieces-cut":
            yield Cut.CLOSE
        if path == "/pieces-reset":
            yield Cut.RESET
        yield b"two"


class Transport(asyncio.Transport):
    """Remembers what was written and asked."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.events: list[str] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += bytes(data)

    def close(self) -> None:
        self.events.append("close")

    def abort(self) -> None:
        self.events.append("abort")

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.events.append("eof")

    def pause_reading(self) -> None:
        self.events.append("pause")

    def resume_reading(self) -> None:
        self.events.append("resume")


class Bench:
    """One connection with all around it."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.answers = Answers()
        self.limits = limits or Limits()
        self.heads: KnownHeads | None = KnownHeads()
        self.wheel = Wheel(asyncio.get_running_loop())
        self.joined: set[Connection] = set()
        self.noted: list[str] = []
        self.transport = Transport()
        self.connection = Connection(self)
        self.connection.connection_made(self.transport)

    @property
    def app(self) -> App:
        return self.answers

    def join(self, connection: Connection, /) -> None:
        self.joined.add(connection)

    def leave(self, connection: Connection, /) -> None:
        self.joined.discard(connection)

    def note(self, what: str, /) -> None:
        self.noted.append(what)

    def send(self, data: bytes) -> bytes:
        """Send bytes and return what was written at once."""
        before = len(self.transport.written)
        self.connection.data_received(data)
        return self.transport.written[before:]

    async def settle(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)


def _run(play: Callable[[Bench], Awaitable[None]], limits: Limits | None = None) -> None:
    async def run() -> None:
        await play(Bench(limits))

    asyncio.run(run())


def test_requests_in_one_piece_are_answered_in_one_write_in_order() -> None:
    async def play(bench: Bench) -> None:
        written = bench.send(_get("/a") + _get("/b"))
        assert written.index(b"/a") < written.index(b"/b")
        assert bench.connection.task is None

    _run(play)


def test_a_slow_answer_keeps_its_place_in_line() -> None:
    async def play(bench: Bench) -> None:
        assert bench.send(_get("/later") + _get("/b")) == b""
        assert bench.send(_get("/c")) == b""
        bench.answers.gate.set()
        await bench.settle()
        written = bench.transport.written
        assert written.index(b"/later") < written.index(b"/b") < written.index(b"/c")

    _run(play)


def test_a_client_that_goes_away_cancels_its_answer_and_leaves() -> None:
    async def play(bench: Bench) -> None:
        bench.send(_get("/later"))
        await bench.settle()
        bench.connection.connection_lost(None)
        await bench.settle()
        assert bench.answers.cancelled == 1
        assert bench.noted == ["ended before an answer was whole"]
        assert bench.connection.task is None
        assert not bench.joined

    _run(play)


def test_an_idle_client_that_goes_away_leaves_at_once() -> None:
    async def play(bench: Bench) -> None:
        bench.connection.connection_lost(None)
        assert not bench.joined
        assert bench.send(_get("/a")) == b""

    _run(play)


@pytest.mark.parametrize("path", ["/fail", "/fail-later"])
def test_a_fault_of_the_application_is_logged_without_its_text(
    path: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def play(bench: Bench) -> None:
        bench.answers.gate.set()
        bench.send(_get(path))
        await bench.settle()
        assert "abort" in bench.transport.events
        assert bench.transport.written == b""

    with caplog.at_level(logging.ERROR):
        _run(play)
    assert "ValueError" in caplog.text
    assert "secret" not in caplog.text


def test_a_generated_body_goes_out_in_chunks() -> None:
    async def play(bench: Bench) -> None:
        bench.send(_get("/pieces") + _get("/a"))
        await bench.settle()
        body = bench.transport.written.partition(b"\r\n\r\n")[2]
        assert body.startswith(b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\nHTTP/1.1 200 OK")

    _run(play)


@pytest.mark.parametrize("path", ["/pieces-cut", "/pieces-reset"])
def test_a_cut_body_has_no_end(path: str) -> None:
    async def play(bench: Bench) -> None:
        bench.send(_get(path))
        await bench.settle()
        assert bench.transport.written.endswith(b"3\r\none\r\n")
        assert "close" in bench.transport.events

    _run(play)


def test_a_client_that_reads_slowly_holds_the_body() -> None:
    async def play(bench: Bench) -> None:
        bench.connection.pause_writing()
        bench.send(_get("/pieces"))
        await bench.settle()
        assert b"two" not in bench.transport.written
        bench.connection.resume_writing()
        await bench.settle()
        assert b"two" in bench.transport.written

    _run(play)


def test_too_many_waiting_requests_stop_the_reading_for_a_while() -> None:
    async def play(bench: Bench) -> None:
        bench.send(_get("/later") + _get("/a") * 40)
        assert bench.transport.events == ["pause"]
        bench.answers.gate.set()
        await bench.settle()
        assert bench.transport.events == ["pause", "resume"]
        assert bench.transport.written.count(b"HTTP/1.1 200") == 41

    _run(play)


def test_a_request_that_asks_to_close_is_the_last() -> None:
    async def play(bench: Bench) -> None:
        written = bench.send(b"GET /a HTTP/1.1\r\nconnection: close\r\n\r\n" + _get("/b"))
        assert b"connection: close" in written
        assert b"/b" not in written
        assert bench.transport.events == ["close"]

    _run(play)


def test_what_is_no_request_is_refused_after_the_answers_before_it() -> None:
    async def play(bench: Bench) -> None:
        written = bench.send(_get("/a") + b"nonsense\r\n\r\n")
        assert written.index(b"/a") < written.index(b"400 Bad Request")
        assert bench.transport.events == ["eof"]

    _run(play)


def test_a_refused_body_is_not_answered_with_a_reset() -> None:
    async def play(bench: Bench) -> None:
        written = bench.send(b"POST / HTTP/1.1\r\ncontent-length: 9\r\n\r\n")
        assert b"HTTP/1.1 413" in written
        assert bench.send(b"xxxxxxxxx") == b""
        assert bench.transport.events == ["eof"]

    _run(play, Limits(max_body_bytes=5))


def test_a_client_that_waits_is_invited_once() -> None:
    async def play(bench: Bench) -> None:
        head = b"POST /a HTTP/1.1\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n"
        assert bench.send(head) == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert bench.send(b"h") == b""
        assert bench.send(b"i").startswith(b"HTTP/1.1 200 OK")

    _run(play)


def test_half_a_request_times_out() -> None:
    async def play(bench: Bench) -> None:
        now_s = asyncio.get_running_loop().time()
        bench.send(b"GET / HTTP")
        bench.connection.close_if_overdue(now_s + 29)
        assert bench.transport.events == []
        bench.connection.close_if_overdue(now_s + 31)
        assert bench.transport.events == ["abort"]
        bench.connection.connection_lost(None)
        assert bench.noted == ["closed, its client sends too slowly"]

    _run(play)


def test_an_answer_in_the_making_does_not_time_out() -> None:
    async def play(bench: Bench) -> None:
        bench.send(_get("/later"))
        now_s = asyncio.get_running_loop().time()
        bench.connection.close_if_overdue(now_s + 1000)
        assert bench.transport.events == []
        bench.connection.pause_writing()
        bench.connection.close_if_overdue(now_s + 1000)
        assert bench.transport.events == ["abort"]
        bench.connection.connection_lost(None)
        await bench.settle()

    _run(play)


def test_a_server_that_stops_lets_the_answer_end() -> None:
    async def play(bench: Bench) -> None:
        bench.send(_get("/later") + _get("/b"))
        bench.connection.close_when_answered()
        bench.answers.gate.set()
        await bench.settle()
        assert bench.transport.written.count(b"HTTP/1.1 200") == 1
        assert bench.transport.events == ["close"]

    _run(play)


def test_a_server_that_stops_closes_idle_connections() -> None:
    async def play(bench: Bench) -> None:
        bench.connection.close_when_answered()
        bench.connection.abort()
        assert bench.transport.events == ["close", "abort"]

    _run(play)

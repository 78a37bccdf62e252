"""Clients that go away, read slowly, send half, too much or nonsense: nothing of them stays.

The server runs in the test's own loop, so that its tasks and descriptors can be counted.
"""

import asyncio
import gc
import logging
import os
import random
import socket
import struct
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from l9gate.net import client
from l9gate.net.loops import find_loop_factory
from l9gate.net.reader import Limits
from l9gate.net.server import HttpServer
from l9gate.simulator.app import SimulatorApp
from l9gate.simulator.config import SimulatorConfig
from l9gate.simulator.latency import DEFAULT, LatencyProfile

RESET = struct.pack("ii", 1, 0)
MIB = 1024 * 1024
HEADERS = {
    "content-type": "application/json",
    "anthropic-version": "2026-10-21",
    "x-api-key": "sk-test-1",
}
HEAD = "POST /v1/messages HTTP/1.1\r\nhost: x\r\n" + "".join(
    f"{name}: {value}\r\n" for name, value in HEADERS.items()
)
SLOW = LatencyProfile(first_token_s=0.05, token_gap_s=0.01)
FAST = LatencyProfile(first_token_s=1e-6, token_gap_s=1e-9)
FAST_MODEL = "claude-opus-5"
TIMEOUT_S = 0.5

Play = Callable[["Target"], Awaitable[None]]


class Target:
    """A server to be abused, and what it holds."""

    def __init__(self, server: HttpServer) -> None:
        self.server = server
        self.base_url = f"http://127.0.0.1:{server.port}"

    @property
    def held(self) -> tuple[int, int, int]:
        """Connections, tasks and descriptors."""
        descriptors = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
        return self.server.connections, len(asyncio.all_tasks()), descriptors

    async def open(self) -> socket.socket:
        """Return a connected socket that does not block."""
        one = socket.socket()
        one.setblocking(False)
        await asyncio.get_running_loop().sock_connect(one, ("127.0.0.1", self.server.port))
        return one

    async def answers(self) -> bool:
        """Whether an ordinary request gets an ordinary answer."""
        url = f"{self.base_url}/v1/messages"
        found = await client.request("POST", url, headers=HEADERS, body=body_of("Hello"))
        return found.status == 200

    async def comes_to_rest(self, held: tuple[int, int, int]) -> bool:
        """Whether the server soon holds no more than it did before."""
        for _ in range(400):
            if all(now <= before for now, before in zip(self.held, held, strict=True)):
                return True
            await asyncio.sleep(0.01)
        return False


def body_of(text: str, *, stream: bool = False, model: str = "claude-haiku-5-5") -> bytes:
    message = {"role": "user", "content": text}
    return msgspec.json.encode(
        {"model": model, "max_tokens": 60_000, "messages": [message], "stream": stream}
    )


def request_of(body: bytes) -> bytes:
    return f"{HEAD}content-length: {len(body)}\r\n\r\n".encode() + body


def rss_bytes() -> int:
    gc.collect()
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * 4096


def reset(one: socket.socket) -> None:
    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    one.close()


async def read_to_end(one: socket.socket) -> bytes:
    """Return what the server says before it closes."""
    loop, found = asyncio.get_running_loop(), b""
    try:
        async with asyncio.timeout(8):
            while data := await loop.sock_recv(one, 65536):
                found += data
    except ConnectionResetError:
        pass
    one.close()
    return found


@pytest.fixture
def abuse(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[Play], None]]:
    """Play against a server with short time-outs; see that it is as before afterwards."""

    async def run(play: Play) -> None:
        config = SimulatorConfig(latency={DEFAULT: SLOW, FAST_MODEL: FAST})
        limits = Limits(request_timeout_s=TIMEOUT_S, idle_timeout_s=5.0)
        async with HttpServer(SimulatorApp(config), limits=limits) as server:
            target = Target(server)
            assert await target.answers()
            await asyncio.sleep(0.05)
            held = target.held
            await play(target)
            assert await target.comes_to_rest(held), (held, target.held)
            assert await target.answers()

    def start(play: Play) -> None:
        with asyncio.Runner(loop_factory=find_loop_factory()) as runner:
            runner.run(run(play))

    with caplog.at_level(logging.WARNING):
        yield start
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_ten_thousand_clients_that_go_away_leave_nothing(
    abuse: Callable[[Play], None], caplog: pytest.LogCaptureFixture
) -> None:
    """At every point: connected, in the head, in the body, before the answer, in the stream."""
    whole, streamed = request_of(body_of("Hello")), request_of(body_of("Hello", stream=True))
    ends = [b"", whole[:40], whole[:-5], whole, streamed, whole + streamed]

    async def go_away(target: Target, count: int) -> None:
        loop = asyncio.get_running_loop()
        for first in range(0, count, 100):
            crowd = [await target.open() for _ in range(100)]
            for number, one in enumerate(crowd):
                await loop.sock_sendall(one, ends[number % len(ends)])
            if first % 500 == 0:
                await asyncio.sleep(0.06)  # streams have begun
            for number, one in enumerate(crowd):
                one.close() if number % 2 else reset(one)

    async def play(target: Target) -> None:
        await go_away(target, 4_000)
        await asyncio.sleep(0.2)
        before = rss_bytes()
        await go_away(target, 6_000)
        await asyncio.sleep(0.2)
        assert rss_bytes() - before < 8 * MIB

    abuse(play)
    assert "connections ended before an answer was whole" in caplog.text
    assert "ended before a request was whole" in caplog.text
    assert len(caplog.records) < 100


@pytest.mark.parametrize("is_stream", [False, True])
def test_slow_readers_are_held_and_then_closed(
    abuse: Callable[[Play], None], caplog: pytest.LogCaptureFixture, is_stream: bool
) -> None:
    words = f"Reply with exactly: {'x' * 60_000}"
    request = request_of(body_of(words, stream=is_stream, model=FAST_MODEL))
    many = request * 200  # their answers fit into no buffer of the kernel

    async def play(target: Target) -> None:
        loop, before = asyncio.get_running_loop(), target.server.connections
        crowd = [await target.open() for _ in range(10)]
        sent = [loop.create_task(loop.sock_sendall(one, many)) for one in crowd]
        await asyncio.sleep(TIMEOUT_S / 2)
        assert target.server.connections == before + len(crowd)
        assert await target.answers()
        for _ in range(160):  # no client closes anything
            if target.server.connections == before:
                break
            await asyncio.sleep(0.05)
        assert target.server.connections == before
        for task in sent:
            task.cancel()
        await asyncio.gather(*sent, return_exceptions=True)
        for one in crowd:
            one.close()

    abuse(play)
    assert "closed, its client reads too slowly" in caplog.text


def test_half_a_request_is_closed_in_time(
    abuse: Callable[[Play], None], caplog: pytest.LogCaptureFixture
) -> None:
    whole = request_of(body_of("Hello"))

    async def play(target: Target) -> None:
        loop = asyncio.get_running_loop()
        crowd = [await target.open() for _ in range(200)]
        for number, one in enumerate(crowd):
            await loop.sock_sendall(one, whole[: 1 + number % (len(whole) - 1)])
        found = await asyncio.gather(*map(read_to_end, crowd))
        assert set(found) == {b""}

    abuse(play)
    assert "connections closed, its client sends too slowly" in caplog.text


@pytest.mark.parametrize("is_chunked", [False, True])
def test_bodies_of_64_mb_are_refused_without_being_kept(
    abuse: Callable[[Play], None], caplog: pytest.LogCaptureFixture, is_chunked: bool
) -> None:
    length = "transfer-encoding: chunked" if is_chunked else f"content-length: {64 * MIB}"
    piece = b"x" * MIB
    framed = b"%x\r\n%b\r\n" % (len(piece), piece) if is_chunked else piece

    async def send(target: Target) -> bytes:
        loop, one = asyncio.get_running_loop(), await target.open()
        answer = loop.create_task(read_to_end(one))
        try:
            await loop.sock_sendall(one, f"{HEAD}{length}\r\n\r\n".encode())
            for _ in range(64):
                await loop.sock_sendall(one, framed)
        except OSError:
            pass
        return await answer

    async def play(target: Target) -> None:
        assert b" 413 " in await send(target)
        before = rss_bytes()
        for _ in range(2):
            assert b" 413 " in await send(target)
        assert rss_bytes() - before < 40 * MIB

    abuse(play)
    assert "refused with 413" in caplog.text


def test_garbage_and_bombs_of_headers_are_refused(
    abuse: Callable[[Play], None], caplog: pytest.LogCaptureFixture
) -> None:
    chance = random.Random(7)  # noqa: S311 - repeatable noise, no secret
    garbage = [b"\x16\x03\x01\x02\x00" + chance.randbytes(200), b"\0" * 1000, b"GET\r\n\r\n"]
    garbage += [chance.randbytes(300) for _ in range(200)]
    bombs = [
        HEAD.encode() + b"a: " + b"x" * MIB,
        HEAD.encode() + b"".join(b"a%d: b\r\n" % number for number in range(20_000)),
        b"GET /" + b"x" * MIB,
    ]

    async def play(target: Target) -> None:
        loop = asyncio.get_running_loop()
        for wanted, attacks in ((b" 400 ", garbage), (b" 431 ", bombs)):
            for data in attacks:
                one = await target.open()
                try:
                    await loop.sock_sendall(one, data + b"\r\n\r\n")
                    one.shutdown(socket.SHUT_WR)
                except OSError:
                    pass  # it said enough
                found = await read_to_end(one)
                assert wanted in found[:20] or not found, (data[:40], found[:80])

    abuse(play)
    assert "refused with 400, the request is no HTTP/1.1" in caplog.text
    assert "refused with 431, the headers are too long" in caplog.text

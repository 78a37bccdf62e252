"""However bytes are cut on their way, the same goes through and the same is recorded."""

from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from l9gate.evidence.records import End

if TYPE_CHECKING:
    from tests.unit.l9gate.proxy.conftest import Stage

Play = Callable[..., None]
ASK = (
    b"POST /v1/messages HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n"
    b'5\r\n{"mod\r\n8\r\nel":"m"}\r\n0\r\n\r\n'
)
EVENT = (
    b"event: message_start\n"
    b'data: {"type": "message_start", "message": {"model": "m", "usage": {"input_tokens": 3}}}\n\n'
    b'event: message_stop\ndata: {"type": "message_stop"}\n\n'
)
ANSWER = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nrequest-id: r\r\n"
    b"transfer-encoding: chunked\r\n\r\n"
    b"%x\r\n%b\r\n0\r\n\r\n" % (len(EVENT), EVENT)
)
cuts = st.lists(st.integers(1, 200), max_size=8)


def split(data: bytes, at: Iterable[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(one % len(data) for one in at)})
    return [data[start:end] for start, end in pairwise(edges)]


def unchunked(data: bytes) -> bytes:
    body, rest = b"", data.partition(b"\r\n\r\n")[2]
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        body, rest = body + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
    return body


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(asked=cuts, answered=cuts)
def test_every_cut_gives_the_same(play: Play, asked: list[int], answered: list[int]) -> None:
    async def scene(stage: "Stage") -> None:
        client = stage.connect()
        for piece in split(ASK, asked):
            client.protocol.data_received(piece)
            await stage.settle()
        (upstream,) = stage.upstream
        assert unchunked(upstream.text) == b'{"model":"m"}'
        for piece in split(ANSWER, answered):
            upstream.protocol.data_received(piece)
        assert unchunked(client.text) == EVENT
        assert client.is_open
        assert upstream.is_open
        (seen,) = stage.exchanges
        assert (seen.model, seen.served_model, seen.end) == ("m", "m", End.COMPLETE)
        assert (seen.request_bytes, seen.response_bytes) == (13, len(EVENT))

    play(scene)

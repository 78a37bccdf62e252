"""Bytes to requests."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from l9gate.net.heads import KnownHeads
from l9gate.net.http import HttpRequest
from l9gate.net.reader import Limits, RequestReader

TWO = (
    b"POST /v1/messages?beta=true HTTP/1.1\r\nHost: x\r\nX-Api-Key: k\r\nanthropic-beta: a\r\n"
    b"Anthropic-Beta: b\r\ncontent-length: 5\r\n\r\nhello"
    b"POST /c HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
)
READ = [
    HttpRequest(
        method="POST",
        path="/v1/messages",
        query="beta=true",
        headers={"host": "x", "x-api-key": "k", "anthropic-beta": "a, b", "content-length": "5"},
        body=b"hello",
    ),
    HttpRequest(
        method="POST",
        path="/c",
        query="",
        headers={"transfer-encoding": "chunked"},
        body=b"abcde",
    ),
]


def _reader(limits: Limits | None = None) -> RequestReader:
    return RequestReader(limits or Limits())


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, len(TWO)), max_size=6), st.booleans())
def test_any_split_gives_the_same_requests(cuts: list[int], knows_heads: bool) -> None:
    heads = KnownHeads()
    if knows_heads:
        RequestReader(Limits(), heads).feed(TWO)
    reader = RequestReader(Limits(), heads)
    for start, end in pairwise([0, *sorted(cuts), len(TWO)]):
        reader.feed(TWO[start:end])
    assert [replace(request, shares_headers=False) for request in reader.ready] == READ
    assert reader.refusal is None
    assert not reader.is_inside


def test_half_a_request_is_inside() -> None:
    reader = _reader()
    reader.feed(TWO[:30])
    assert reader.is_inside
    assert not reader.ready


def test_nothing_is_read_after_a_request_that_closes() -> None:
    reader = _reader()
    closing = b"GET / HTTP/1.1\r\nconnection: close\r\n\r\n"
    reader.feed(closing + b"GET /second HTTP/1.1\r\n\r\n")
    reader.feed(TWO)
    assert [(request.path, request.keep_alive) for request in reader.ready] == [("/", False)]
    assert reader.refusal is None


@pytest.mark.parametrize("data", [b"nonsense\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01"])
def test_what_is_no_http_is_refused(data: bytes) -> None:
    reader = _reader()
    reader.feed(data)
    reader.feed(TWO)
    assert reader.refusal == (400, "the request is no HTTP/1.1")
    assert not reader.ready


def test_a_declared_length_beyond_the_bound_is_refused_before_the_body() -> None:
    reader = _reader(Limits(max_body_bytes=10))
    reader.feed(b"POST / HTTP/1.1\r\ncontent-length: 11\r\nexpect: 100-continue\r\n\r\n")
    assert reader.refusal == (413, "the body has more than 10 bytes")
    assert not reader.awaits_continue


def test_a_body_beyond_the_bound_is_refused() -> None:
    reader = _reader(Limits(max_body_bytes=4))
    reader.feed(TWO[TWO.index(b"POST /c") :])
    assert reader.refusal == (413, "the body has more than 4 bytes")


@pytest.mark.parametrize(("path", "most"), [("/big/x?y=1", 8), ("/small", 4)])
def test_some_paths_may_have_longer_bodies(path: str, most: int) -> None:
    for size, is_refused in ((most, False), (most + 1, True)):
        reader = _reader(Limits(max_body_bytes=4, larger_bodies=((b"/big/", 8),)))
        head = f"POST {path} HTTP/1.1\r\ncontent-length: {size}\r\n\r\n"
        reader.feed(head.encode() + b"x" * size)
        assert (reader.refusal is not None) == is_refused
    assert not reader.ready


def test_a_body_at_the_bound_is_read() -> None:
    reader = _reader(Limits(max_body_bytes=5))
    reader.feed(TWO)
    assert len(reader.ready) == 2


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\na: " + b"x" * 200,  # a header that never ends
        b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 60 + b"\r\n",
        b"GET /" + b"x" * 200,
    ],
)
def test_a_head_beyond_the_bound_is_refused(data: bytes) -> None:
    reader = _reader(Limits(max_head_bytes=100))
    for start in range(0, len(data), 50):
        reader.feed(data[start : start + 50])
    assert reader.refusal == (431, "the headers are too long")


def test_a_client_that_waits_to_be_invited_is_noted() -> None:
    reader = _reader()
    reader.feed(b"POST / HTTP/1.1\r\ncontent-length: 2\r\nExpect: 100-Continue\r\n\r\n")
    invited = [reader.awaits_continue]
    reader.feed(b"hi")
    invited.append(reader.awaits_continue)
    assert invited == [True, False]
    assert reader.ready[0].body == b"hi"


@pytest.mark.parametrize(
    "data",
    [
        b"\r\n\r\n" + TWO,
        b"GET / HTTP/1.1\n\nGET /b HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nconnection: close\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: 0\r\nexpect: 100-continue\r\n\r\n",
        b"GET /a HTTP/1.1\r\na: 1\r\n\r\nGET /a HTTP/1.1\r\na: 1\r\n\r\nnonsense\r\n\r\n",
        TWO,
    ],
)
def test_what_was_read_before_is_read_the_same_way_again(data: bytes) -> None:
    heads, first = KnownHeads(), _reader()
    first.feed(data)
    for _ in range(3):
        again = RequestReader(Limits(), heads)
        again.feed(data)
        found = [replace(request, shares_headers=False) for request in again.ready]
        assert (found, again.refusal) == (list(first.ready), first.refusal)


def test_a_known_head_spares_the_parser() -> None:
    heads = KnownHeads()
    request = TWO[: TWO.index(b"POST /c")]
    RequestReader(Limits(), heads).feed(request)
    reader = RequestReader(Limits(), heads)
    reader.feed(request + request.replace(b"hello", b"world"))
    assert [found.body for found in reader.ready] == [b"hello", b"world"]
    assert reader.ready[0].headers is reader.ready[1].headers


def test_the_memory_of_heads_is_bounded() -> None:
    heads = KnownHeads()
    for number in range(1500):
        RequestReader(Limits(), heads).feed(b"GET /%d HTTP/1.1\r\n\r\n" % number)
    assert heads.find(b"GET /1499 HTTP/1.1\r\n\r\n") is not None
    assert heads.find(b"GET /0 HTTP/1.1\r\n\r\n") is None


OFFER = (
    b"POST /v1/messages HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\n"
    b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\ncontent-length: 5\r\n\r\nhello"
)


@pytest.mark.parametrize("size", [1, 7, 60, 4096])
def test_an_offer_of_another_protocol_is_declined_and_the_body_read(size: int) -> None:
    """RFC 9110, section 7.8; curl --http2 offers one."""
    reader = RequestReader(Limits(), KnownHeads())
    data = OFFER + TWO
    for start in range(0, len(data), size):
        reader.feed(data[start : start + size])
    assert reader.refusal is None
    assert [request.body for request in reader.ready] == [b"hello", b"hello", b"abcde"]
    assert "upgrade" not in reader.ready[0].headers


def test_a_tunnel_is_refused() -> None:
    reader = _reader()
    reader.feed(b"CONNECT example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n")
    assert reader.refusal == (400, "the request is no HTTP/1.1")

"""Bytes to events."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from l9gate.errors import SseFormatError
from l9gate.wire.sse import SseEvent, SseParser, render_event

STREAM = (
    '\ufeffevent: a\r\ndata: {"t": "é€😀"}\r\n\r\n: a comment\r\rdata\n\nevent:b\ndata:1\rdata: 2'
    "\r\nid: 7\nretry: 9\nother\n\nevent: without data\n\ndata: c\n\nevent: cut\ndata: never closed"
).encode()
EVENTS = [
    SseEvent("a", '{"t": "é€😀"}'.encode()),
    SseEvent("message", b""),
    SseEvent("b", b"1\n2"),
    SseEvent("message", b"c"),
]


def _feed_all(parser: SseParser, chunks: list[bytes]) -> list[SseEvent]:
    return [event for chunk in chunks for event in parser.feed(chunk)]


def test_a_whole_stream_gives_its_events() -> None:
    parser = SseParser()
    assert parser.feed(STREAM) == EVENTS
    assert parser.has_partial_event


def test_byte_by_byte_gives_the_same_events() -> None:
    assert _feed_all(SseParser(), [STREAM[i : i + 1] for i in range(len(STREAM))]) == EVENTS


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, len(STREAM)), max_size=8))
def test_any_split_gives_the_same_events(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(STREAM)]
    chunks = [STREAM[a:b] for a, b in pairwise(edges)]
    assert _feed_all(SseParser(), chunks) == EVENTS


def test_a_closed_event_leaves_nothing_behind() -> None:
    parser = SseParser()
    parser.feed(render_event("ping", b"{}"))
    assert not parser.has_partial_event


@pytest.mark.parametrize("data", [b"{}", b"", b"a\nb", b"\n"])
def test_parsing_undoes_rendering(data: bytes) -> None:
    assert SseParser().feed(render_event("name", data)) == [SseEvent("name", data)]


def test_other_line_ends_in_data_become_lf() -> None:
    assert SseParser().feed(render_event("n", b"a\r\nb\rc")) == [SseEvent("n", b"a\nb\nc")]


@pytest.mark.parametrize("chunk", [b"data: " + b"x" * 20, b"data: " + b"x" * 20 + b"\n"])
def test_a_line_beyond_the_bound_is_refused(chunk: bytes) -> None:
    with pytest.raises(SseFormatError, match="line has more than 10 bytes"):
        SseParser(max_line_bytes=10).feed(chunk)


def test_an_event_beyond_the_bound_is_refused() -> None:
    with pytest.raises(SseFormatError, match="event has more than 10 bytes"):
        SseParser(max_event_bytes=10).feed(b"data: 12345\ndata: 12345\n")


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=80))
def test_any_bytes_are_taken(chunk: bytes) -> None:
    assert isinstance(SseParser().feed(chunk), list)

"""How answers go out."""

import asyncio

import msgspec
import pytest

from l9gate.measure.clock import ManualClock
from l9gate.net.http import Body, Cut, HttpResponse
from l9gate.simulator.delivery import (
    Pacer,
    deliver,
    render_body,
    stream_body,
    text_before_cut,
    timetable,
)
from l9gate.simulator.faults import ERROR_SHAPES, NO_FAULT, parse_fault_text
from l9gate.simulator.latency import NO_WAIT, Pace
from l9gate.simulator.message import Piece
from l9gate.wire.faults import parse_fault
from l9gate.wire.sse import render_event

PIECES = [Piece(b"a", 0), Piece(b"b", 10), Piece(b"cc", 10), Piece(b"d", 0)]


class Timeline:
    """Sleep that moves the clock, and a note of every sleep."""

    def __init__(self) -> None:
        self.clock = ManualClock(0.0)
        self.slept_s: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept_s.append(round(seconds, 6))
        self.clock.advance(seconds)


def _stream(fault: str, pace: Pace = NO_WAIT) -> tuple[list[bytes | Cut], list[float]]:
    time = Timeline()
    pacer = Pacer(pace, time.clock, time.sleep)
    body = stream_body(PIECES, parse_fault_text(fault), pacer, "req_1", time.sleep)
    return asyncio.run(_collect(body)), time.slept_s


async def _collect(body: Body) -> list[bytes | Cut]:
    assert not isinstance(body, bytes)
    pieces = []
    async for piece in body:
        pieces.append(piece)
        if isinstance(piece, Cut):  # as the connection does
            await body.aclose()
    return pieces


def test_tokens_come_at_their_pace() -> None:
    pieces, slept_s = _stream("", Pace(1.0, 0.01))
    assert pieces == [b"a", b"b", b"cc", b"d"]
    assert slept_s == [1.0, pytest.approx(0.1)]


def test_a_timetable_holds_what_a_stream_yields() -> None:
    time = Timeline()
    body = timetable(PIECES, Pacer(Pace(1.0, 0.01), time.clock, time.sleep))
    assert asyncio.run(_collect(body)) == _stream("", Pace(1.0, 0.01))[0] == list(body.pieces)
    assert list(body.due_s) == [0.0, 1.0, pytest.approx(1.1), pytest.approx(1.1)]
    assert time.slept_s == [1.0, pytest.approx(0.1)]


def test_without_a_pace_nothing_waits() -> None:
    assert _stream("")[1] == []


@pytest.mark.parametrize(
    ("fault", "pieces"),
    [
        ("cut_after_events=0", []),
        ("cut_after_events=2", [b"a", b"b"]),
        ("cut_after_events=99", [b"a", b"b", b"cc", b"d"]),
        ("reset_after_events=1", [b"a", Cut.RESET]),
        ("cut_body", [b"a", b"b", b"c", Cut.CLOSE]),
        ("close_after_events=1", [b"a", Cut.CLOSE]),
        ("cut_inside_event=2", [b"a", b"b", b"c", Cut.CLOSE]),
        ("done_event", [b"a", b"b", b"cc", b"d", b"data: [DONE]\n\n"]),
    ],
)
def test_a_stream_is_cut_where_it_shall_be(fault: str, pieces: list[bytes | Cut]) -> None:
    assert _stream(fault)[0] == pieces


def test_an_error_event_is_the_last() -> None:
    pieces, _ = _stream("error_event=overloaded_error")
    assert pieces[:2] == [b"a", b"b"]
    assert len(pieces) == 3
    assert isinstance(pieces[2], bytes)
    assert pieces[2].startswith(b"event: error\ndata: {")
    assert b'"message":"Overloaded"' in pieces[2]


def test_a_stall_is_silence_in_the_middle() -> None:
    assert _stream("stall_s=5") == ([b"a", b"b", b"cc", b"d"], [5.0])


def test_silence_may_come_before_any_event() -> None:
    assert _stream("stall_s=5,stall_at_event=0")[1] == [5.0]
    assert _stream("event_delay_s=1")[1] == [1.0] * 4
    assert _stream("first_token_delay_s=7")[1] == [7.0]


def test_a_dropped_event_takes_its_tokens_with_it() -> None:
    pieces, slept_s = _stream("drop_event=1", Pace(0.5, 0.01))
    assert pieces == [b"a", b"cc", b"d"]
    assert slept_s == [pytest.approx(0.5)]


def test_a_malformed_stream_holds_no_json() -> None:
    assert all(b"<html>" in piece for piece in _stream("malformed")[0] if isinstance(piece, bytes))


def test_a_whole_body_stays_as_it_is() -> None:
    assert render_body(b"{}", NO_FAULT, asyncio.sleep) == b"{}"
    assert render_body(b"{}", parse_fault_text("malformed"), asyncio.sleep) != b"{}"


@pytest.mark.parametrize(
    ("fault", "pieces", "slept_s"),
    [
        ("cut_body", [b"ab", Cut.CLOSE], []),
        ("cut_after_events=1", [b"ab", Cut.CLOSE], []),
        ("reset_after_events=1", [b"ab", Cut.RESET], []),
        ("stall_s=3", [b"ab", b"cd"], [3.0]),
    ],
)
def test_a_body_breaks_in_the_middle(
    fault: str, pieces: list[bytes | Cut], slept_s: list[float]
) -> None:
    time = Timeline()
    body = render_body(b"abcd", parse_fault_text(fault), time.sleep)
    assert asyncio.run(_collect(body)) == pieces
    assert time.slept_s == slept_s


def _delivered(fault: str, status: int = 200, body: bytes = b'{"id":"m"}') -> HttpResponse:
    headers = {"content-type": "application/json", "request-id": "req_1"}
    response = HttpResponse(status=status, headers=headers, body=body)
    return deliver(response, parse_fault_text(fault), asyncio.sleep)


def test_headers_are_dropped_set_and_changed() -> None:
    told = "drop_header=request-id,set_header=retry-after:soon,content_type=text/plain"
    assert _delivered(told).headers == {"content-type": "text/plain", "retry-after": "soon"}
    assert _delivered("drop_header=absent").headers["request-id"] == "req_1"


def test_a_field_is_changed_in_any_body() -> None:
    assert _delivered("retype_field=id").body == b'{"id":7}'
    assert _delivered("remove_field=id", 529).body == b"{}"


@pytest.mark.parametrize("shape", ERROR_SHAPES)
def test_an_error_may_have_the_shape_of_somebody_else(shape: str) -> None:
    response = _delivered(f"error_shape={shape}", 503)
    assert isinstance(response.body, bytes)
    assert (response.headers["content-type"], response.body) == ERROR_SHAPES[shape]
    assert parse_fault(response.body) is None
    assert _delivered(f"error_shape={shape}").body == b'{"id":"m"}'


def test_a_change_that_changes_nothing_is_told() -> None:
    told = _delivered("remove_field=usage.output_tokens,remove_field=id,set_field=id:m").headers
    assert told["x-l9gate-fault-missed"] == "remove_field=usage.output_tokens, set_field=id"
    assert "x-l9gate-fault-missed" not in _delivered("remove_field=id").headers


def test_a_body_that_breaks_off_promises_its_whole_length() -> None:
    assert _delivered("close_after_events=1").headers["content-length"] == "10"


def _text_event(text: str) -> Piece:
    body = msgspec.json.encode({"type": "content_block_delta", "delta": {"text": text}})
    return Piece(render_event("content_block_delta", body), 1)


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        ("stall_s=3", None),
        ("cut_after_events=1", "a"),
        ("close_after_events=2", "ab"),
        ("reset_after_events=0", ""),
        ("cut_inside_event=2", "ab"),
        ("cut_body", "ab"),
        ("error_event=overloaded_error", "ab"),
        ("drop_event=message_stop", "abc"),
        ("cut_after_events=9", None),
    ],
)
def test_what_a_stream_says_before_it_is_cut_is_known(fault: str, text: str | None) -> None:
    pieces = [_text_event(word) for word in "abc"]
    pieces.append(Piece(render_event("message_stop", b"{}"), 0))
    assert text_before_cut(pieces, parse_fault_text(fault)) == text

"""How an answer goes out: at what pace, and cut, stalled or garbled where a fault says so."""

from bisect import bisect_right
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import TypeAlias

from l9gate.measure.clock import Clock
from l9gate.net.http import Body, Cut, Ending, HttpResponse, Timetable
from l9gate.simulator.drift import (
    DONE,
    GARBAGE,
    drift_events,
    drift_json,
    find_missed_events,
    find_missed_json,
)
from l9gate.simulator.faults import ERROR_SHAPES, NO_FAULT, Fault
from l9gate.simulator.latency import NO_WAIT, Pace
from l9gate.simulator.message import Piece
from l9gate.wire.faults import render_error_body
from l9gate.wire.headers import FAULT_MISSED
from l9gate.wire.json import JsonObject, parse_object
from l9gate.wire.sse import render_event

Sleep: TypeAlias = Callable[[float], Awaitable[None]]
HEADERS_SHARE = 0.8  # of the time to the first token that passes before the headers
_CONTENT = b"event: content_block_delta\n"
_STOP = b"event: message_stop\n"


def deliver(
    response: HttpResponse, fault: Fault, sleep: Sleep, missed: Sequence[str] = ()
) -> HttpResponse:
    """Return a response with its headers and a whole body broken as the fault says.

    The events of a stream were broken when they were made, by `stream_body`; `missed` are the
    changes that changed nothing there. A header tells of them, lest a test believes in a drift
    that never was.
    """
    if fault is NO_FAULT:
        return response
    headers = response.headers
    if fault.content_type is not None:
        headers["content-type"] = fault.content_type
    if isinstance(response.body, bytes):
        data = response.body
        if fault.error_shape is not None and response.status >= 400:
            headers["content-type"], data = ERROR_SHAPES[fault.error_shape]
        if fault.fields:
            missed = find_missed_json(data, fault.fields)
            data = drift_json(data, fault.fields)
        response.body = render_body(data, fault, sleep)
        if not isinstance(response.body, bytes):
            headers["content-length"] = str(len(data))
    if missed:
        headers[FAULT_MISSED] = ", ".join(missed)
    for name in fault.drop_headers:
        headers.pop(name, None)
    headers.update(fault.set_headers)
    return response


def render_body(data: bytes, fault: Fault, sleep: Sleep) -> Body:
    """Return a JSON body, broken as the fault says."""
    if fault.malformed:
        return GARBAGE
    if not (fault.cuts_body or fault.stall_s):
        return data
    end: Cut | None = Cut.CLOSE if fault.cuts_body else None
    if fault.reset_after_events is not None:
        end = Cut.RESET
    return _broken_body(data, fault.stall_s, end, sleep)


async def _broken_body(
    data: bytes, stall_s: float, end: Cut | None, sleep: Sleep
) -> AsyncGenerator[bytes | Cut, None]:
    half = len(data) // 2
    yield data[:half]
    if stall_s:
        await sleep(stall_s)
    yield data[half:] if end is None else end


class Pacer:
    """Says when tokens are due, counted from the request, so that delays do not add up."""

    def __init__(self, pace: Pace, clock: Clock, sleep: Sleep) -> None:
        self._pace = pace
        self._clock = clock
        self._sleep = sleep
        self._began_s = clock.now_s()
        self._due_s = pace.first_token_s
        self._number = 0  # of pieces with tokens so far
        self.waits = pace is not NO_WAIT
        self.passed_tokens = 0  # of pieces that were waited for

    def elapsed_s(self) -> float:
        """Return the seconds since the request."""
        return self._clock.now_s() - self._began_s

    def due_s(self, tokens: int) -> float:
        """Return when some more tokens are due, in seconds since the request."""
        if self._number:  # the first piece is the first token that a client sees
            self._due_s += self._pace.gap_s(self._number, tokens)
        self._number += 1
        return self._due_s

    async def wait_for(self, tokens: int) -> None:
        """Return when some more tokens are due."""
        if tokens:
            await self.wait_until(self.due_s(tokens))
            self.passed_tokens += tokens

    async def wait_until(self, due_s: float) -> None:
        """Return at a time, in seconds since the request."""
        left_s = due_s - self.elapsed_s()
        if left_s > 0:
            await self._sleep(left_s)


def timetable(pieces: list[Piece], pacer: Pacer) -> Timetable:
    """Return the events of a stream that nothing breaks, each with the time it is due."""
    due_s, at_s = [0.0] * len(pieces), 0.0
    for index, piece in enumerate(pieces if pacer.waits else ()):
        at_s = pacer.due_s(piece.tokens) if piece.tokens else at_s
        due_s[index] = at_s
    data = tuple([piece.data for piece in pieces])  # the collector need not look into tuples
    times_s = tuple(due_s)
    return Timetable(data, times_s, pacer.elapsed_s, lambda: _play(data, times_s, pacer))


def produced_share(tokens: Sequence[int], body: Body, pacer: Pacer, how: Ending) -> float:
    """Return how much of a stream's tokens was produced when it ended.

    Args:
        tokens: of each piece, had nothing happened.
        body: the stream.
        pacer: its pace.
        how: it ended; what a client abandons is produced until then.
    """
    total = sum(tokens)
    if not total:
        return 1.0
    if not isinstance(body, Timetable):
        return min(1.0, pacer.passed_tokens / total)
    if how is Ending.WHOLE:
        return 1.0
    return sum(tokens[: bisect_right(body.due_s, pacer.elapsed_s())]) / total


async def _play(
    pieces: tuple[bytes, ...], due_s: tuple[float, ...], pacer: Pacer
) -> AsyncGenerator[bytes | Cut, None]:
    for piece, at_s in zip(pieces, due_s, strict=True):
        await pacer.wait_until(at_s)
        yield piece


async def stream_body(
    pieces: list[Piece], fault: Fault, pacer: Pacer, request_id: str, sleep: Sleep
) -> AsyncGenerator[bytes | Cut, None]:
    """Yield the events of a stream at their pace, broken as the fault says."""
    pieces = _drifted(pieces, fault)
    middle = len(pieces) // 2
    quiet_at = middle if fault.stall_at_event is None else fault.stall_at_event
    first = next((n for n, piece in enumerate(pieces) if piece.data.startswith(_CONTENT)), middle)
    for index, piece in enumerate(pieces):
        if index == fault.cut_after_events:
            return
        for cut in _cuts_at(index, piece, fault, middle):
            yield cut
        wait_s = fault.event_delay_s
        wait_s += fault.stall_s if index == quiet_at else 0.0
        wait_s += fault.first_token_delay_s if index == first else 0.0
        if wait_s:
            await sleep(wait_s)
        if index == middle and fault.error_event is not None:
            body = render_error_body(fault.error_event, _words(fault.error_event), request_id)
            yield render_event("error", body)
            return
        await pacer.wait_for(piece.tokens)
        yield render_event("message_start", GARBAGE) if fault.malformed else piece.data
    if fault.done_event:
        yield DONE


def _drifted(pieces: list[Piece], fault: Fault) -> list[Piece]:
    if not (fault.fields or fault.events):
        return pieces
    drifted = drift_events([piece.data for piece in pieces], fault.fields, fault.events)
    return [Piece(data, 0 if n is None else pieces[n].tokens) for data, n in drifted]


def _cuts_at(index: int, piece: Piece, fault: Fault, middle: int) -> list[bytes | Cut]:
    """Return how the stream breaks off before or inside of an event, if it does."""
    if index == fault.reset_after_events:
        return [Cut.RESET]
    if index == fault.close_after_events:
        return [Cut.CLOSE]
    if index == fault.cut_inside_event or (index == middle and fault.cut_body):
        return [piece.data[: len(piece.data) // 2], Cut.CLOSE]
    return []


def _words(error_type: str) -> str:
    return error_type.removesuffix("_error").replace("_", " ").capitalize()


def find_missed(pieces: list[Piece], fault: Fault) -> list[str]:
    """Return the changes of fields and events that change nothing in a stream."""
    return find_missed_events([piece.data for piece in pieces], fault.fields, fault.events)


def text_before_cut(pieces: list[Piece], fault: Fault) -> str | None:
    """Return what a stream says until a fault breaks it off; None if none does.

    A stream without its `message_stop` counts as broken off.
    """
    drifted = _drifted(pieces, fault)
    middle = len(drifted) // 2
    places = [fault.cut_after_events, fault.close_after_events, fault.reset_after_events]
    places += [fault.cut_inside_event]
    if fault.cut_body or fault.error_event is not None:
        places.append(middle)
    found = [place for place in places if place is not None and place < len(drifted)]
    if not found and any(piece.data.startswith(_STOP) for piece in drifted):
        return None
    sent = drifted[: min(found, default=len(drifted))]
    deltas = (parse_object(piece.data.partition(b"data: ")[2]) or {} for piece in sent)
    return "".join(_text_of(event) for event in deltas)


def _text_of(event: JsonObject) -> str:
    delta = event.get("delta")
    text = delta.get("text") if isinstance(delta, dict) else None
    return text if isinstance(text, str) else ""

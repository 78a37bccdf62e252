"""How an answer goes out: at what pace, and cut, stalled or garbled where a fault says so."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TypeAlias

from l9gate.measure.clock import Clock
from l9gate.net.http import Body, Cut
from l9gate.simulator.faults import Fault
from l9gate.simulator.latency import Pace
from l9gate.simulator.message import Piece
from l9gate.wire.faults import render_error_body
from l9gate.wire.sse import render_event

Sleep: TypeAlias = Callable[[float], Awaitable[None]]
_GARBAGE = b'<html>{"id": "msg_'
HEADERS_SHARE = 0.8  # of the time to the first token that passes before the headers


def render_body(data: bytes, fault: Fault, sleep: Sleep) -> Body:
    """Return a JSON body, broken as the fault says."""
    if fault.malformed:
        return _GARBAGE
    is_reset = fault.reset_after_events is not None
    is_cut = fault.cut_body or fault.cut_after_events is not None
    if not (is_reset or is_cut or fault.stall_s):
        return data
    end = Cut.RESET if is_reset else Cut.CLOSE
    return _broken_body(data, fault.stall_s, end if is_reset or is_cut else None, sleep)


async def _broken_body(
    data: bytes, stall_s: float, end: Cut | None, sleep: Sleep
) -> AsyncGenerator[bytes | Cut, None]:
    half = len(data) // 2
    yield data[:half]
    if stall_s:
        await sleep(stall_s)
    yield data[half:] if end is None else end


class Pacer:
    """Lets time pass until a token is due, counted from the first, so that delays do not add up."""

    def __init__(self, pace: Pace, clock: Clock, sleep: Sleep) -> None:
        self._pace = pace
        self._clock = clock
        self._sleep = sleep
        self._due_s = clock.now_s() + pace.first_token_s * (1 - HEADERS_SHARE)

    async def wait_for(self, tokens: int) -> None:
        """Return when some more tokens are due."""
        self._due_s += tokens * self._pace.per_output_token_s
        left_s = self._due_s - self._clock.now_s()
        if left_s > 0 and tokens:
            await self._sleep(left_s)


async def stream_body(
    pieces: list[Piece], fault: Fault, pacer: Pacer, request_id: str, sleep: Sleep
) -> AsyncGenerator[bytes | Cut, None]:
    """Yield the events of a stream at their pace, broken as the fault says."""
    middle = len(pieces) // 2
    for index, piece in enumerate(pieces):
        if index == fault.reset_after_events:
            yield Cut.RESET
        if index == fault.cut_after_events:
            return
        if index == middle and fault.stall_s:
            await sleep(fault.stall_s)
        if index == middle and fault.error_event is not None:
            body = render_error_body(fault.error_event, _words(fault.error_event), request_id)
            yield render_event("error", body)
            return
        if index == middle and fault.cut_body:
            yield piece.data[: len(piece.data) // 2]
            yield Cut.CLOSE
        await pacer.wait_for(piece.tokens)
        yield render_event("message_start", _GARBAGE) if fault.malformed else piece.data


def _words(error_type: str) -> str:
    return error_type.removesuffix("_error").replace("_", " ").capitalize()

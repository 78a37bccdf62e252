"""One client's connection to our server: HTTP/1.1, keep-alive, pipelined."""

import asyncio
import itertools
import logging
import socket
import struct
import traceback
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Protocol, cast

from l9gate.net.heads import KnownHeads
from l9gate.net.http import (
    LAST_CHUNK,
    App,
    Cut,
    Ending,
    HttpRequest,
    HttpResponse,
    Timetable,
    is_chunked,
    render_chunk,
    render_head,
)
from l9gate.net.player import Player
from l9gate.net.reader import Limits, RequestReader
from l9gate.net.wheel import Wheel

_LOG = logging.getLogger(__name__)
_NUMBERS = itertools.count(1)
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER for no time: close sends RST
_LINGER_S = 5.0
_MAX_QUEUED = 32  # requests waiting for their turn; beyond it we stop reading


class Host(Protocol):
    """What a connection needs of its server."""

    @property
    def app(self) -> App:
        """Who answers."""

    @property
    def limits(self) -> Limits:
        """What clients may send."""

    @property
    def heads(self) -> KnownHeads | None:
        """Heads of requests that its clients sent before."""

    @property
    def wheel(self) -> Wheel:
        """Wakes connections whose next piece is due."""

    def join(self, connection: "Connection", /) -> None:
        """Note a connection that was made."""

    def leave(self, connection: "Connection", /) -> None:
        """Forget a connection that is closed and has no task left."""

    def note(self, what: str, /) -> None:
        """Count what a client did wrong, for the log."""


class Connection(asyncio.Protocol):
    """Has requests answered in order, and writes the answers."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._number = next(_NUMBERS)
        self._limits = host.limits
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._reader = RequestReader(host.limits, host.heads)
        self._out: list[bytes] = []  # written once for all requests that came in one piece
        self._awaited: HttpResponse | Awaitable[HttpResponse] | None = None
        self._can_write: asyncio.Future[None] | None = None
        self._is_closing = False  # takes no further request
        self._is_paused = False
        self._lingers = False  # reads on after a refusal, so that its client gets to see it
        self._deadline_s = self._loop.time() + host.limits.idle_timeout_s
        self._keeps_alive = True  # what the client of the current request wants
        self._player: Player | None = None  # plays the body of the current answer
        self._on_end: Callable[[Ending], None] | None = None  # who wants to know of its end
        self.task: asyncio.Task[HttpResponse | bool] | None = None  # answers at this moment

    @property
    def is_answering(self) -> bool:
        """Whether an answer is awaited or goes out piece by piece."""
        return self.task is not None or self._player is not None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Join the server."""
        self._transport = cast("asyncio.Transport", transport)
        self._host.join(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - why does not matter
        """Cancel the answer that nobody waits for any more, and leave the server."""
        if not self._is_closing and (self.is_answering or self._reader.is_inside):
            where = "an answer was whole" if self.is_answering else "a request was whole"
            self._host.note(f"ended before {where}")
        self._transport = None
        self._is_closing = True
        self._note_end(Ending.GONE)
        if self._player is not None:
            self._player.waits = True
            self._player = None
        if self.task is not None:
            self.task.cancel()
        else:
            self._host.leave(self)

    def data_received(self, data: bytes) -> None:
        """Take bytes of requests and answer those that became whole."""
        if self._is_closing:
            return
        reader = self._reader
        was_inside = reader.is_inside
        reader.feed(data)
        if reader.is_inside and not was_inside:
            self._deadline_s = self._loop.time() + self._limits.request_timeout_s
        if self.task is None and self._player is None:
            self._answer_queued()
        if len(reader.ready) > _MAX_QUEUED and self._transport is not None:
            self._is_paused = True
            self._transport.pause_reading()

    def pause_writing(self) -> None:
        """Hold generated bodies: the client reads more slowly than we write."""
        self._deadline_s = self._loop.time() + self._limits.request_timeout_s
        self._can_write = self._loop.create_future()
        if self._player is not None:
            self._player.waits = True

    def resume_writing(self) -> None:
        """Let generated bodies go on."""
        if self._can_write is not None and not self._can_write.done():
            self._can_write.set_result(None)
        self._can_write = None
        if self._player is not None:
            self._player.waits = False
            if self._player.turn(self._loop.time()):
                self._end_play()

    def close_if_overdue(self, now_s: float) -> None:
        """Close a connection whose client is too slow to send, to ask again, or to read."""
        waits_for_client = not self.is_answering or self._can_write is not None
        if not waits_for_client or now_s <= self._deadline_s:
            return
        if self._can_write is not None:
            self._host.note("closed, its client reads too slowly")
        elif self._reader.is_inside:
            self._host.note("closed, its client sends too slowly")
        self._is_closing = True
        self.abort()

    def close_when_answered(self) -> None:
        """Take no further request; close now if nothing is being answered."""
        self._is_closing = True
        self._reader.ready.clear()
        if not self.is_answering and self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    def _answer_queued(self) -> None:
        """Answer requests in order until one has to wait."""
        reader = self._reader
        try:
            while reader.ready and not (self.task or self._player or self._is_closing):
                self._answer(reader.ready.popleft())
            if not self.is_answering and not self._is_closing:
                self._answer_rest()
        except Exception as error:  # noqa: BLE001 - one connection's fault must not end the server
            self._give_up(error)
        self._flush()
        if self._is_closing and not self.is_answering:
            self._end()

    def _answer(self, request: HttpRequest) -> None:
        request.connection = self._number
        answer = self._host.app(request)
        self._keeps_alive = request.keep_alive
        if isinstance(answer, HttpResponse):
            if isinstance(answer.body, bytes):
                self._out += (render_head(answer, keep_alive=request.keep_alive), answer.body)
                self._is_closing = not request.keep_alive
                return
            if isinstance(answer.body, Timetable):
                self._play(answer, answer.body)
                return
        self.task = self._loop.create_task(self._answer_later(answer))
        self._awaited = answer
        self.task.add_done_callback(self._take_end)

    def _play(self, response: HttpResponse, body: Timetable) -> None:
        """Begin a body that needs no task; it may end at once."""
        self._out.append(render_head(response, keep_alive=self._keeps_alive))
        self._on_end = response.on_end
        now_s = self._loop.time()
        start_s = now_s - body.elapsed_s()
        self._player = Player(body, start_s, self._host.wheel, self._write_piece, self._end_play)
        self._player.waits = self._can_write is not None
        if self._player.turn(now_s):
            self._player = None
            self._note_end(Ending.WHOLE)
            self._is_closing = self._is_closing or not self._keeps_alive
        else:
            self._flush()

    def _write_piece(self, data: bytes) -> None:
        if self._out or self._transport is None:
            self._out.append(data)
            self._flush()
        else:
            self._transport.write(data)

    def _end_play(self) -> None:
        """Go on with the next request after a body that was played."""
        self._player = None
        self._note_end(Ending.WHOLE)
        self._is_closing = self._is_closing or not self._keeps_alive
        self._answer_queued()
        self._read_again()

    def _answer_rest(self) -> None:
        """Answer what is no request, or invite the body of one that waits for that."""
        if self._reader.refusal is not None:
            status, reason = self._reader.refusal
            self._host.note(f"refused with {status}, {reason}")
            answer = self._host.app.refuse(status, reason)
            self._is_closing = self._lingers = True
            if isinstance(answer.body, bytes):
                self._out += (render_head(answer, keep_alive=False), answer.body)
        elif self._reader.awaits_continue:
            self._reader.awaits_continue = False
            self._out.append(_CONTINUE)
        elif not self._reader.is_inside:
            self._deadline_s = self._loop.time() + self._limits.idle_timeout_s

    async def _answer_later(
        self, answer: HttpResponse | Awaitable[HttpResponse]
    ) -> HttpResponse | bool:
        """Write the answer when it is there, and say whether the connection goes on.

        One with a timetable is returned instead, to be played without this task.
        """
        response = answer if isinstance(answer, HttpResponse) else await answer
        if isinstance(response.body, Timetable):
            return response
        keep_alive = self._keeps_alive
        head = render_head(response, keep_alive=keep_alive)
        if isinstance(response.body, bytes):
            self._out += (head, response.body)
            return keep_alive
        self._out.append(head)
        self._on_end = response.on_end
        chunked = is_chunked(response)
        async with aclosing(response.body) as pieces:
            async for piece in pieces:
                if isinstance(piece, Cut):
                    self._cut(piece)
                    return False
                self._out.append(render_chunk(piece) if chunked else piece)
                self._flush()
                if self._can_write is not None:
                    await self._can_write
        if chunked:
            self._out.append(LAST_CHUNK)
        self._note_end(Ending.WHOLE)
        return keep_alive

    def _take_end(self, task: "asyncio.Task[HttpResponse | bool]") -> None:
        """Go on with the next request after an answer that had to wait."""
        self.task = None
        if asyncio.iscoroutine(self._awaited):
            self._awaited.close()  # it never began if its task was cancelled at once
        self._awaited = None
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._give_up(error)
        if self._transport is None:
            self._host.leave(self)
            return
        if error is not None or task.cancelled():
            self.abort()
            return
        result = task.result()
        if isinstance(result, HttpResponse) and isinstance(result.body, Timetable):
            self._play(result, result.body)
            if self._player is not None:
                return
        else:
            self._is_closing = self._is_closing or not result
        self._answer_queued()
        self._read_again()

    def _read_again(self) -> None:
        if self._is_paused and len(self._reader.ready) < _MAX_QUEUED and self._transport:
            self._is_paused = False
            self._transport.resume_reading()

    def _flush(self) -> None:
        if self._out and self._transport is not None:
            self._transport.write(b"".join(self._out))
        self._out.clear()

    def _end(self) -> None:
        """Close, but not while the client still sends: closing then would destroy the answer."""
        if self._transport is None:
            return
        if not self._lingers:
            self._transport.close()
        elif self._transport.can_write_eof():
            self._deadline_s = self._loop.time() + _LINGER_S
            self._transport.write_eof()

    def _cut(self, how: Cut) -> None:
        """End the connection in the middle of a body."""
        self._note_end(Ending.CUT)
        self._flush()
        if self._transport is None:
            return
        peer: socket.socket | None = self._transport.get_extra_info("socket")
        if how is Cut.RESET and peer is not None:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            self._transport.abort()
        else:
            self._transport.close()

    def _note_end(self, how: Ending) -> None:
        """Tell whoever wants to know how the body ended, once."""
        wants_to_know, self._on_end = self._on_end, None
        if wants_to_know is not None:
            wants_to_know(how)

    def _give_up(self, error: BaseException) -> None:
        """Close, and log where it happened; the error's text might quote a request."""
        place = traceback.extract_tb(error.__traceback__)[-1:]
        _LOG.error("connection closed after %s at %s", type(error).__name__, place)
        self._is_closing = True
        self._out.clear()
        self.abort()

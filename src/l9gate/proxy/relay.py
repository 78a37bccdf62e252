"""One exchange on its way through: sent on as it comes, told to the observer after that."""

from enum import Enum
from typing import Protocol

from l9gate.errors import L9gateError
from l9gate.net.http import LAST_CHUNK, HttpResponse, render_chunk, render_head
from l9gate.observe.watch import Stop
from l9gate.proxy.heads import (
    AnswerHead,
    Framing,
    RequestHead,
    answer_framing,
    render_answer,
    render_request,
)
from l9gate.proxy.sighting import Sighting
from l9gate.proxy.upstream import Pool, UpstreamConnection
from l9gate.wire import headers as names
from l9gate.wire.faults import render_error_body, type_of

_UNSERVED = frozenset({402, 502})  # in the place of the API's answer
_MAX_WAITING_BYTES = 256 * 1024  # of a body whose connection to the API is not made yet


class Hold(Enum):
    """Why a client is not read from."""

    QUEUE = "queue"  # requests before this one are not answered
    CONNECT = "connect"  # the connection to the API is not made
    SEND = "send"  # the API reads more slowly


class Client(Protocol):
    """What a relay needs of the connection that a request came over."""

    def write(self, data: bytes, /) -> None:
        """Give bytes of the answer."""

    def hold(self, why: Hold, /) -> None:
        """Stop reading."""

    def release(self, why: Hold, /) -> None:
        """Read on, unless there is another reason not to."""

    def finished(self, *, keep_alive: bool) -> None:
        """Go on with the next request, or close."""


class Relay:
    """Carries one request to the API and its answer back."""

    def __init__(self, head: RequestHead, client: Client, pool: Pool, sighting: Sighting) -> None:
        self._head = head
        self._client = client
        self._pool = pool
        self._sighting = sighting
        self._connection: UpstreamConnection | None = None
        endpoint = pool.endpoint
        first = render_request(head, endpoint.authority.encode(), endpoint.prefix.encode())
        self._out: list[bytes] = [first]
        self._out_bytes = 0
        self._is_chunked = head.framing is Framing.CHUNKED
        self._is_sent = False  # the request is whole
        self._framing: Framing | None = None  # of the answer, once its head is there
        self._is_started = False
        self._is_asking = False
        self._refusal: L9gateError | None = None
        self._is_over = False
        self._is_held = False

    def start(self) -> None:
        """Ask for a connection, unless it must be paid for first: its whole body says how much."""
        self._is_started = True
        if self._refusal is not None:
            self._refuse(self._refusal)
        elif self._is_sent or not self._sighting.must_pay:
            self._is_asking = True
            self._pool.lend(self)
            self._is_asking = False

    # Of the client.

    def take_body(self, data: bytes) -> None:
        """Take a piece of the request's body; nobody wants it after the answer."""
        if self._is_over:
            return
        self._sighting.sent(data)
        self._out.append(render_chunk(data) if self._is_chunked else data)
        self._out_bytes += len(data)
        is_waiting = self._connection is None and not self._sighting.must_pay
        if is_waiting and self._out_bytes > _MAX_WAITING_BYTES:
            self._client.hold(Hold.CONNECT)

    def take_end(self) -> None:
        """Take note that the request is whole."""
        if self._is_over:
            return
        self._is_sent = True
        self._refusal = self._sighting.sent_all()
        if self._is_chunked:
            self._out.append(LAST_CHUNK)
        if self._is_started and self._sighting.must_pay:
            self.start()

    def flush(self) -> None:
        """Send on what has come, in one piece."""
        if self._connection is not None and self._out:
            self._connection.write(b"".join(self._out))
            self._out.clear()

    def hold_answer(self) -> None:
        """Stop reading the answer."""
        if self._connection is not None:
            self._is_held = True
            self._connection.pause_reading()

    def release_answer(self) -> None:
        """Read the answer on."""
        if self._connection is not None and self._is_held:
            self._is_held = False
            self._connection.resume_reading()

    def abandoned(self) -> None:
        """Cancel the request: its client is gone."""
        if not self._is_over:
            self._is_over = True
            self._pool.withdraw(self)
            if self._connection is not None:
                self._connection.abort()
            self._sighting.ended(Stop.CLOSED)

    # Of the API.

    def connected(self, connection: UpstreamConnection) -> None:
        """Send what has come so far."""
        self._connection = connection
        connection.carry(self, is_head_only=self._head.method == b"HEAD")
        self._client.release(Hold.CONNECT)
        if not self._is_asking:  # else the rest of what came in one piece goes with it
            self.flush()

    def unreachable(self, reason: str) -> None:
        """Answer in the place of the API, which cannot be reached."""
        self._apologise(f"cannot reach {reason}", Stop.UNCONNECTED)

    def answered(self, head: AnswerHead | None, pieces: list[bytes], is_whole: bool) -> None:
        """Give what came of the answer to the client, then to the observer."""
        out: list[bytes] = []
        if head is not None:
            self._framing = answer_framing(head, self._head)
            out.append(render_answer(head, self._framing, keep_alive=self._keeps_alive()))
        body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        if self._framing is Framing.CHUNKED:
            out.append(render_chunk(body))
            if is_whole:
                out.append(LAST_CHUNK)
        elif self._framing is not Framing.NONE:
            out.append(body)
        self._client.write(b"".join(out))
        if head is not None and self._connection is not None:
            self._sighting.answered(head, self._connection.peer)
        if body:
            self._sighting.received(body)
        if is_whole:
            self._finish(Stop.READ, keep_alive=self._keeps_alive())

    def broken(self) -> None:
        """Cut the client off where the API cut us off; before any answer, say so."""
        self._connection = None
        if self._framing is None:
            self._apologise(f"{self._pool.endpoint.authority} closed the connection", Stop.BROKEN)
        else:
            self._finish(Stop.BROKEN, keep_alive=False)

    def hold(self) -> None:
        """Stop reading the request."""
        self._client.hold(Hold.SEND)

    def release(self) -> None:
        """Read the request on."""
        self._client.release(Hold.SEND)

    def _keeps_alive(self) -> bool:
        return self._head.keep_alive and self._framing is not Framing.CLOSE

    def _apologise(self, reason: str, stop: Stop) -> None:
        keeps_alive = self._head.keep_alive and self._is_sent
        self._client.write(render_error(502, reason, keep_alive=keeps_alive))
        self._finish(stop, keep_alive=keeps_alive)

    def _refuse(self, why: L9gateError) -> None:
        self._client.write(render_error(402, str(why), keep_alive=self._head.keep_alive))
        self._finish(Stop.REFUSED, keep_alive=self._head.keep_alive)

    def _finish(self, stop: Stop, *, keep_alive: bool) -> None:
        self._is_over = True
        self._out.clear()
        connection = self._connection
        if connection is not None:
            self.release_answer()
            self._connection = None
            self._pool.give_back(connection, is_clean=stop is Stop.READ and self._is_sent)
        self._sighting.ended(stop)
        self._client.finished(keep_alive=keep_alive)


def render_error(status: int, reason: str, *, keep_alive: bool) -> bytes:
    """Return an answer of the proxy itself, in the envelope of the API's errors."""
    body = render_error_body(type_of(status), f"l9gate proxy: {reason}", None)
    headers = {"content-type": "application/json"}
    if status in _UNSERVED:
        headers[names.UNSERVED] = "true"
    response = HttpResponse(status=status, headers=headers, body=body)
    return render_head(response, keep_alive=keep_alive) + body

"""Connections to the API: made when needed, kept for the next request."""

import asyncio
import ssl
from collections import deque
from dataclasses import dataclass
from typing import Protocol, cast
from urllib.parse import urlsplit

import httptools

from l9gate.observe.origins import host_of
from l9gate.observe.sockets import note_connect, parse_address
from l9gate.proxy.heads import AnswerHead, Field

CONNECT_TIMEOUT_S = 10.0
_MAX_IDLE = 128
_IDLE_S = 30.0  # servers keep idle connections for longer; one that they close is forgotten at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where everything is sent on to."""

    host: str
    port: int
    authority: str  # host[:port], without a default port
    prefix: str  # path of the base URL, without a slash at its end
    tls: ssl.SSLContext | None

    @classmethod
    def of(cls, base_url: str) -> "Endpoint":
        """Return the endpoint of a checked base URL; TLS is verified as the system says."""
        parts = urlsplit(base_url)
        is_tls = parts.scheme == "https"
        return cls(
            host=parts.hostname or "",
            port=parts.port or (443 if is_tls else 80),
            authority=host_of(base_url),
            prefix=parts.path.rstrip("/"),
            tls=ssl.create_default_context() if is_tls else None,
        )


class Carried(Protocol):
    """An exchange that a connection carries; whoever it calls back."""

    def connected(self, connection: "UpstreamConnection", /) -> None:
        """Take a connection."""

    def unreachable(self, reason: str, /) -> None:
        """Take note that there will be none."""

    def answered(self, head: AnswerHead | None, pieces: list[bytes], is_whole: bool, /) -> None:
        """Take what came in one read: a head, pieces of the body, its end."""

    def broken(self) -> None:
        """Take note that the connection ended before the answer did."""

    def hold(self) -> None:
        """Send nothing for a while: the API reads more slowly."""

    def release(self) -> None:
        """Send on."""


class UpstreamConnection(asyncio.Protocol):
    """One connection to the API; carries one exchange at a time."""

    def __init__(self, pool: "Pool") -> None:
        self._pool = pool
        self._transport: asyncio.Transport | None = None
        self._carried: Carried | None = None
        self._is_head_only = False
        self.peer: object = None
        self.idle_since_s = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take note of the address, which proves where answers come from."""
        self._transport = cast("asyncio.Transport", transport)
        self.peer = transport.get_extra_info("peername")
        address = parse_address(self.peer)
        if address is not None:
            note_connect(address)

    def carry(self, carried: Carried, *, is_head_only: bool) -> None:
        """Begin an exchange."""
        self._carried = carried
        self._is_head_only = is_head_only
        self._parser = httptools.HttpResponseParser(self)
        self.on_message_begin()

    def write(self, data: bytes) -> None:
        """Send bytes of the request."""
        if self._transport is not None:
            self._transport.write(data)

    def pause_reading(self) -> None:
        """Stop reading: the client reads more slowly."""
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Read on."""
        if self._transport is not None:
            self._transport.resume_reading()

    def abort(self) -> None:
        """Give the exchange up, and the connection with it."""
        self._carried = None
        if self._transport is not None:
            self._transport.abort()

    @property
    def is_open(self) -> bool:
        """Whether a request could be sent over it."""
        return self._transport is not None and not self._transport.is_closing()

    # Of the parser; a 1xx answer is passed over, the real one begins after it.

    def on_message_begin(self) -> None:
        """Begin an answer."""
        self._reason = b""
        self._fields: list[Field] = []
        self._pieces: list[bytes] = []
        self._head: AnswerHead | None = None
        self._has_head = False
        self._is_whole = False
        self._keeps_alive = False

    def on_status(self, reason: bytes) -> None:
        """Take the words after the status."""
        self._reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one header."""
        self._fields.append((name, value))

    def on_headers_complete(self) -> None:
        """Take the head."""
        status = int(self._parser.get_status_code())
        if status >= 200:
            self._head = AnswerHead(status=status, reason=self._reason, fields=self._fields)
            self._has_head = True
            self._is_whole = self._is_head_only
            self._keeps_alive = bool(self._parser.should_keep_alive())

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        self._pieces.append(body)

    def on_message_complete(self) -> None:
        """Take note of the end."""
        self._is_whole = self._has_head

    # Of the transport.

    def data_received(self, data: bytes) -> None:
        """Hand on what has come."""
        carried = self._carried
        if carried is None:  # bytes that nobody asked for
            self.abort()
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.abort()
            carried.broken()
            return
        self._hand_on(carried)

    def eof_received(self) -> None:
        """Let the transport close."""

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the exchange; the end of the connection ends a body that has no other end."""
        self._transport = None
        self._pool.forget(self)
        carried, self._carried = self._carried, None
        if carried is None:
            return
        if exc is None and self._has_head and not self._is_framed():
            carried.answered(None, [], True)
        else:
            carried.broken()

    def pause_writing(self) -> None:
        """Hold the client: the API reads more slowly."""
        if self._carried is not None:
            self._carried.hold()

    def resume_writing(self) -> None:
        """Let the client send on."""
        if self._carried is not None:
            self._carried.release()

    def _hand_on(self, carried: Carried) -> None:
        head, pieces = self._head, self._pieces
        self._head, self._pieces = None, []
        if self._is_whole:
            self._carried = None
        if head is not None or pieces or self._is_whole:
            carried.answered(head, pieces, self._is_whole)

    def _is_framed(self) -> bool:
        names = {name.lower() for name, _ in self._fields}
        return bool(names & {b"content-length", b"transfer-encoding"})

    @property
    def is_reusable(self) -> bool:
        """Whether the API keeps it open after an answer that is whole."""
        is_clean = self._is_whole and not self._is_head_only
        return is_clean and self._keeps_alive and self.is_open


class Pool:
    """Lends connections to one endpoint."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._loop = asyncio.get_running_loop()
        self._idle: deque[UpstreamConnection] = deque()
        self._connecting: dict[Carried, asyncio.Task[None]] = {}

    def lend(self, carried: Carried) -> None:
        """Give an exchange a connection: now if one is idle, else when it is made."""
        now_s = self._loop.time()
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open and now_s - connection.idle_since_s < _IDLE_S:
                carried.connected(connection)
                return
            connection.abort()
        task = self._loop.create_task(self._connect(carried))
        self._connecting[carried] = task

    def withdraw(self, carried: Carried) -> None:
        """Stop connecting for an exchange that nobody waits for any more."""
        task = self._connecting.pop(carried, None)
        if task is not None:
            task.cancel()

    def give_back(self, connection: UpstreamConnection, *, is_clean: bool) -> None:
        """Keep a connection for the next exchange, or close it."""
        if not (is_clean and connection.is_reusable and len(self._idle) < _MAX_IDLE):
            connection.abort()
            return
        connection.idle_since_s = self._loop.time()
        self._idle.append(connection)

    def forget(self, connection: UpstreamConnection) -> None:
        """Take note that a connection is gone."""
        if connection in self._idle:
            self._idle.remove(connection)

    def close(self) -> None:
        """Close what is idle and stop connecting."""
        for task in self._connecting.values():
            task.cancel()
        for connection in tuple(self._idle):
            connection.abort()

    async def _connect(self, carried: Carried) -> None:
        to = self.endpoint
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                _, connection = await self._loop.create_connection(
                    lambda: UpstreamConnection(self), to.host, to.port, ssl=to.tls
                )
        except TimeoutError:
            self._fail(carried, f"took no connection within {CONNECT_TIMEOUT_S:g} s")
        except OSError as error:  # TLS too: a certificate that is not trusted is no connection
            self._fail(carried, str(error))
        else:
            if self._connecting.pop(carried, None) is None:
                connection.abort()
            else:
                carried.connected(connection)

    def _fail(self, carried: Carried, why: str) -> None:
        if self._connecting.pop(carried, None) is not None:
            carried.unreachable(f"{self.endpoint.authority}: {why}")

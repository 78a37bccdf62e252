"""One keep-alive connection of a client that sends much: bytes out, an answer in pieces, times.

The HTTP parser finds where an answer ends; no header is taken apart, since a call for each of
fifteen headers costs more than everything else. Who listens gets the head as it came.
"""

import asyncio
import os
from enum import Enum
from typing import Protocol, cast

import httptools

from l9gate.measure.clock import Clock

_WRITES_TO_SOCKETS = os.name == "posix"  # elsewhere a socket is no file
_MAX_HEAD_BYTES = 64 * 1024
_FRAMES = (b"\r\ncontent-length:", b"\r\ntransfer-encoding:")


class Loss(Enum):
    """Why an answer did not come to its end."""

    UNCONNECTED = "unconnected"  # no connection, so nothing was sent
    UNREACHABLE = "unreachable"  # it ended before a byte of an answer
    CUT = "cut"  # it ended in the middle of an answer
    TIMED_OUT = "timed_out"
    MALFORMED = "malformed"  # no HTTP/1.1


class Listener(Protocol):
    """Hears one answer; times are those of the read that brought the bytes."""

    is_new: bool | None  # whether its connection was made for it; None as long as it has none

    def render(self) -> bytes:
        """Return the request as it goes out; asked for when there is a connection."""
        ...

    def on_head(self, status: int, head: bytes, at_s: float, /) -> None:
        """Take status and head; the head holds its last line's end and no empty line."""

    def on_body(self, data: bytes, at_s: float, /) -> None:
        """Take a piece of the body, without its framing."""

    def on_end(self, at_s: float, /) -> None:
        """Note that the answer is whole."""

    def on_loss(self, loss: Loss, at_s: float, /) -> None:
        """Note that no more will come."""


class Station(Protocol):
    """What a lane needs of its pool."""

    clock: Clock

    def opened(self, lane: "Lane", /) -> None:
        """Take a connection that was made."""

    def freed(self, lane: "Lane", /) -> None:
        """Take a connection back whose answer is whole."""

    def left(self, lane: "Lane", /) -> None:
        """Forget a connection that has ended."""

    def ask_again(self, listener: Listener, /) -> None:
        """Ask on another connection: this one had ended before it was used."""


class Lane(asyncio.Protocol):
    """Carries one exchange at a time."""

    def __init__(self, station: Station) -> None:
        self._station = station
        self._now_s = station.clock.now_s
        self._transport: asyncio.Transport | None = None
        self._descriptor = -1  # to write past the loop's queue; -1: the transport writes (TLS)
        self._parser = httptools.HttpResponseParser(self)
        self._listener: Listener | None = None
        self._head = b""
        self._head_ended = False
        self._is_interim = False
        self._is_whole = False
        self._runs_on = False  # past the end of what was asked for
        self._keeps_alive = False
        self._read_s = 0.0
        self.is_fresh = True  # whether it was made for the request that it is about to carry
        self.sent_s = 0.0  # when the request that it carries was written

    @property
    def is_busy(self) -> bool:
        """Whether somebody waits for an answer."""
        return self._listener is not None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Join the pool."""
        self._transport = cast("asyncio.Transport", transport)
        if _WRITES_TO_SOCKETS and transport.get_extra_info("sslcontext") is None:
            self._descriptor = transport.get_extra_info("socket").fileno()
        self._station.opened(self)

    def send(self, listener: Listener) -> None:
        """Write a request; who listens hears what comes of it."""
        self._listener = listener
        self._head, self._head_ended, self._is_whole = b"", False, False
        listener.is_new, self.is_fresh = self.is_fresh, False
        self.sent_s = self._now_s()
        if self._transport is None:
            self._lose(self.sent_s)
            return
        wire = listener.render()
        if self._descriptor < 0:
            self._transport.write(wire)
            return
        try:
            written = os.write(self._descriptor, wire)
        except BlockingIOError:
            written = 0
        except OSError:
            self._transport.abort()  # the loop tells us that it is lost
            return
        if written < len(wire):
            self._transport.write(wire[written:])

    def give_up(self, loss: Loss) -> None:
        """End the exchange that it carries, and the connection with it."""
        listener, self._listener = self._listener, None
        if self._transport is not None:
            self._transport.abort()
        if listener is not None:
            listener.on_loss(loss, self._now_s())

    def close(self) -> None:
        """End the connection; who listens hears of a loss."""
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Note the time, then take bytes of an answer."""
        self._read_s = self._now_s()
        if self._listener is None:
            self.close()  # nobody asked
            return
        if not self._head_ended:
            self._head += data
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.give_up(Loss.MALFORMED)
            return
        if self._is_whole:
            self._end()
        elif not self._head_ended and len(self._head) > _MAX_HEAD_BYTES:
            self.give_up(Loss.MALFORMED)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - why does not matter
        """Leave the pool; a body that nothing else frames ends here."""
        self._transport, self._descriptor = None, -1
        self._station.left(self)
        if self._listener is not None:
            self._lose(self._now_s())

    def on_message_begin(self) -> None:
        """Note the beginning of an answer; a second one was not asked for."""
        self._runs_on = self._is_whole

    def on_headers_complete(self) -> None:
        """Tell status and head, unless the answer is an interim one."""
        status = self._parser.get_status_code()
        self._is_interim = status < 200
        if self._is_interim or self._runs_on or self._listener is None:
            return
        self._head_ended = True
        end = self._head.find(b"\r\n\r\n") + 2
        self._head = self._head[:end] if end > 1 else self._head
        self._listener.on_head(status, self._head, self._read_s)

    def on_body(self, data: bytes) -> None:
        """Hand a piece on."""
        if self._listener is not None and not self._runs_on:
            self._listener.on_body(data, self._read_s)

    def on_message_complete(self) -> None:
        """Note that the answer is whole."""
        if self._runs_on:
            return
        if self._is_interim:
            self._head = self._head.partition(b"\r\n\r\n")[2]
        self._is_whole = not self._is_interim
        self._keeps_alive = self._parser.should_keep_alive()  # it forgets as soon as it returns

    def _end(self) -> None:
        """Go back to the pool before anybody hears of it, so that the next call finds this lane."""
        listener, self._listener = self._listener, None
        if self._keeps_alive and not self._runs_on:
            self._station.freed(self)
        else:
            self.close()
        if listener is not None:
            listener.on_end(self._read_s)

    def _lose(self, at_s: float) -> None:
        listener, self._listener = self._listener, None
        if listener is None:
            return
        if not self._head:
            if listener.is_new:
                listener.on_loss(Loss.UNREACHABLE, at_s)
            else:
                self._station.ask_again(listener)
        elif self._head_ended and not any(map(self._head.lower().__contains__, _FRAMES)):
            listener.on_end(at_s)
        else:
            listener.on_loss(Loss.CUT, at_s)

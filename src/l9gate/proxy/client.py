"""One client's connection to the proxy: its requests are carried one after another."""

import asyncio
from collections import deque
from typing import Protocol, cast

import httptools

from l9gate.observe.proxied import split_label
from l9gate.proxy.heads import Field, RequestHead, render_request
from l9gate.proxy.relay import Hold, Relay, render_error

MAX_HEAD_BYTES = 64 * 1024
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Carrier(Protocol):
    """What a connection needs of its proxy."""

    def begin(self, head: RequestHead, client: "ClientConnection", /) -> Relay:
        """Return what carries a request, not yet started."""

    def join(self, client: "ClientConnection", /) -> None:
        """Note a connection that was made."""

    def leave(self, client: "ClientConnection", /) -> None:
        """Forget a connection that is gone."""


class ClientConnection(asyncio.Protocol):
    """Takes requests and gives the answers, in order and as they come."""

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._relays: deque[Relay] = deque()  # the first one is under way
        self._arriving: Relay | None = None  # whose body comes in
        self._holds: set[Hold] = set()
        self._is_closing = False  # takes no further request
        self._offered: RequestHead | None = None  # a request with an offer of another protocol
        self._declined: RequestHead | None = None  # the same while it is read again
        self.on_message_begin()

    @property
    def is_busy(self) -> bool:
        """Whether an exchange is under way."""
        return bool(self._relays)

    def close_when_idle(self) -> None:
        """Take no further request; close now if nothing is under way."""
        self._is_closing = True
        if not self._relays:
            self.cut()

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    # Of the transport.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Join the proxy."""
        self._transport = cast("asyncio.Transport", transport)
        self._carrier.join(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - why does not matter
        """Give up what nobody waits for any more."""
        self._transport = None
        self._is_closing = True
        for relay in self._relays:
            relay.abandoned()
        self._relays.clear()
        self._carrier.leave(self)

    def data_received(self, data: bytes) -> None:
        """Take bytes of requests and send them on."""
        if self._is_closing and self._arriving is None:
            return
        try:
            self._feed(data)
        except httptools.HttpParserError:
            self._refuse(400, "the request is no HTTP/1.1")
        self._check_length()
        if self._relays:
            self._relays[0].flush()

    def pause_writing(self) -> None:
        """Hold the API's answer: the client reads more slowly."""
        if self._relays:
            self._relays[0].hold_answer()

    def resume_writing(self) -> None:
        """Let the answer go on."""
        if self._relays:
            self._relays[0].release_answer()

    # Of the parser.

    def on_message_begin(self) -> None:
        """Begin a request."""
        if self._declined is not None:
            return
        self._target = b""
        self._fields: list[Field] = []
        self._head_bytes = 0

    def on_url(self, url: bytes) -> None:
        """Take a piece of the target."""
        if self._declined is not None:
            return
        self._target += url
        self._head_bytes += len(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one header."""
        if self._declined is not None:
            return
        self._fields.append((name, value))
        self._head_bytes += len(name) + len(value)

    def on_headers_complete(self) -> None:
        """Begin to carry the request, once those before it are answered."""
        if self._declined is not None:
            return
        self._check_length()
        if self._is_closing:
            return
        if not self._target.startswith(b"/"):
            self._refuse(400, "the target is no path: this is no forward proxy")
            return
        label, target = split_label(self._target.decode("latin-1"))
        head = RequestHead(
            method=self._parser.get_method(),
            target=target.encode("latin-1"),
            fields=self._fields,
            label=label,
            is_http10=self._parser.get_http_version() == "1.0",
            keep_alive=self._parser.should_keep_alive(),
        )
        self._fields = []  # a key is held no longer than its request
        if (head.value(b"expect") or b"").lower() == b"100-continue":
            self.write(_CONTINUE)
        self._offered = head if self._parser.should_upgrade() else None
        relay = self._arriving = self._carrier.begin(head, self)
        self._relays.append(relay)
        if len(self._relays) == 1:
            relay.start()
        else:
            self.hold(Hold.QUEUE)

    def on_body(self, body: bytes) -> None:
        """Send a piece of the body on."""
        if self._arriving is not None:
            self._arriving.take_body(body)

    def on_message_complete(self) -> None:
        """Take note of the end."""
        if self._arriving is not None and self._offered is None:
            self._arriving.take_end()
            self._arriving = None

    # Of the relay.

    def write(self, data: bytes) -> None:
        """Give bytes of the answer."""
        if self._transport is not None:
            self._transport.write(data)

    def hold(self, why: Hold) -> None:
        """Stop reading."""
        if not self._holds and self._transport is not None:
            self._transport.pause_reading()
        self._holds.add(why)

    def release(self, why: Hold) -> None:
        """Read on, unless there is another reason not to."""
        if why in self._holds:
            self._holds.remove(why)
            if not self._holds and self._transport is not None:
                self._transport.resume_reading()

    def finished(self, *, keep_alive: bool) -> None:
        """Go on with the next request, or close."""
        if self._relays:
            self._relays.popleft()
        self.release(Hold.CONNECT)
        self.release(Hold.SEND)
        if not keep_alive or (self._is_closing and not self._relays):
            self.cut()
            return
        if len(self._relays) <= 1:
            self.release(Hold.QUEUE)
        if self._relays:
            self._relays[0].start()
            self._relays[0].flush()

    def cut(self) -> None:
        """Close once what was written is sent, whether the answer was whole or not."""
        self._is_closing = True
        if self._transport is not None:
            self._transport.close()

    def _feed(self, data: bytes) -> None:
        """Parse bytes; an offer of another protocol, such as h2c, is declined by not taking it up.

        The parser stops at such an offer, before the body: another one reads on.
        """
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as offer:
            self._declined, self._offered = self._offered, None
            if self._declined is None:
                return
            self._parser = httptools.HttpRequestParser(self)
            self._parser.feed_data(render_request(self._declined, b"-", b""))
            self._declined = None
            self._feed(data[offer.args[0] :])

    def _check_length(self) -> None:
        if self._head_bytes > MAX_HEAD_BYTES:
            self._refuse(431, "the headers are too long")

    def _refuse(self, status: int, reason: str) -> None:
        """Answer what is no request, unless others wait for their answers; then close."""
        self._arriving = None
        if self._is_closing:
            return
        self._is_closing = True
        if self._relays:
            return
        self.write(render_error(status, reason, keep_alive=False))
        self.cut()

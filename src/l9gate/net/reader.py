"""Bytes of one connection to whole requests, bounded."""

from collections import deque

import httptools
import msgspec

from l9gate.net.heads import Head, KnownHeads
from l9gate.net.http import HttpRequest

_NAMES: dict[bytes, str] = {}  # header names as clients spell them → lower case
_MAX_NAMES = 1024
_HEAD_END = b"\r\n\r\n"


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of what a client may send, and how slowly."""

    max_head_bytes: int = 64 * 1024
    max_body_bytes: int = 32 * 1024 * 1024
    request_timeout_s: float = 30.0  # from the first byte of a request to its last
    idle_timeout_s: float = 120.0  # between requests
    larger_bodies: tuple[tuple[bytes, int], ...] = ()  # paths that begin so may have longer bodies

    def body_limit(self, url: bytes) -> int:
        """Return how many bytes the body of a request to this path and query may have."""
        larger = (size for path, size in self.larger_bodies if url.startswith(path))
        return max(larger, default=self.max_body_bytes)


class RequestReader:
    """Takes bytes cut anywhere; `ready` holds the whole requests in order.

    The first thing that is no request, or too long, ends the reading: `refusal` says why.
    """

    def __init__(self, limits: Limits, heads: KnownHeads | None = None) -> None:
        self._limits = limits
        self._heads = heads
        self._parser = httptools.HttpRequestParser(self)
        self.ready: deque[HttpRequest] = deque()
        self.refusal: tuple[int, str] | None = None
        self.is_inside = False  # whether a request has begun and is not whole
        self.awaits_continue = False  # whether its client waits for `100 Continue`
        self._learns = b""  # the head that is being read for the first time
        self._offered: bytes | None = None  # the head of a request that offers another protocol
        self.on_message_begin()
        self.is_inside = False

    def feed(self, data: bytes) -> None:
        """Take in bytes; nothing after a refusal or a request that closes the connection."""
        if self.refusal is not None or (self.ready and not self.ready[-1].keep_alive):
            return
        if self._heads is not None and not self.is_inside:
            data = self._read_known(data, self._heads)
            if not data:
                return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as offer:
            self._decline(data[offer.args[0] :])
        except httptools.HttpParserError:
            if not self.ready or self.ready[-1].keep_alive:
                self._refuse(400, "the request is no HTTP/1.1")
        if self.is_inside and not self._head_ended:
            self._count_head(len(data))

    def _decline(self, rest: bytes) -> None:
        """Read on as if no other protocol had been offered, which a server may always do.

        Source: RFC 9110, section 7.8. The parser takes what follows for the other protocol.
        """
        offered, self._offered = self._offered, None
        if offered is None:  # CONNECT
            self._refuse(400, "the request is no HTTP/1.1")
            return
        self._parser = httptools.HttpRequestParser(self)
        self._parser.feed_data(offered)
        self.feed(rest)

    def _read_known(self, data: bytes, heads: KnownHeads) -> bytes:
        """Put requests in line whose heads were read before; return the bytes after them."""
        start, size_bytes = 0, len(data)
        while start < size_bytes:
            head_end = data.find(_HEAD_END, start) + 4
            if head_end < 4:
                break
            raw = data[start:head_end]
            head = heads.find(raw)
            if head is None or head_end + head.body_bytes > size_bytes:
                self._learns = raw if head is None else b""
                break
            start = head_end + head.body_bytes
            self.ready.append(
                HttpRequest(
                    method=head.method,
                    path=head.path,
                    query=head.query,
                    headers=head.headers,
                    body=data[head_end:start],
                    shares_headers=True,
                )
            )
        return data[start:]

    def on_message_begin(self) -> None:
        """Begin a request."""
        self.is_inside = True
        self._url = b""
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._body_bytes = 0
        self._head_bytes = 0
        self._head_ended = False

    def on_url(self, url: bytes) -> None:
        """Take a piece of the target."""
        self._url += url
        self._count_head(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one header."""
        known = _NAMES.get(name) or _lower_name(name)
        text = value.decode("latin-1")
        before = self._headers.get(known)
        self._headers[known] = text if before is None else f"{before}, {text}"
        self._count_head(len(name) + len(value))

    def on_headers_complete(self) -> None:
        """Refuse a body that is too long before it is sent; note a client that waits for that."""
        self._head_ended = True
        length = self._headers.get("content-length", "")
        self._count_body(int(length) if length.isdecimal() else 0)
        expects = self._headers.get("expect", "").lower()
        self.awaits_continue = expects == "100-continue" and self.refusal is None
        self._body_bytes = 0

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        self.awaits_continue = False
        self._count_body(len(body))
        if self.refusal is None:
            self._body.append(body)

    def on_message_complete(self) -> None:
        """Put the whole request in line."""
        self.is_inside = False
        self.awaits_continue = False
        if self.refusal is not None:
            return
        if self._parser.should_upgrade():
            self._offered = self._head_without_offer()
            return
        path, _, query = self._url.decode("latin-1").partition("?")
        request = HttpRequest(
            method=self._parser.get_method().decode("ascii"),
            path=path,
            query=query,
            headers=self._headers,
            body=self._body[0] if len(self._body) == 1 else b"".join(self._body),
            keep_alive=self._parser.should_keep_alive(),
        )
        self.ready.append(request)
        if self._learns and self._heads is not None:
            self._keep_head(self._heads, request)

    def _head_without_offer(self) -> bytes | None:
        """Return the head of this request as it would be without its offer; None for CONNECT."""
        method = self._parser.get_method()
        if method == b"CONNECT":
            return None
        lines = [f"{name}: {value}" for name, value in self._headers.items() if name != "upgrade"]
        head = "\r\n".join((f"{method.decode()} {self._url.decode('latin-1')} HTTP/1.1", *lines))
        return head.encode("latin-1") + _HEAD_END

    def _keep_head(self, heads: KnownHeads, request: HttpRequest) -> None:
        raw, self._learns = self._learns, b""
        length = request.headers.get("content-length", "0")
        if request.keep_alive and length.isdecimal() and int(length) == len(request.body):
            head = Head(request.method, request.path, request.query, request.headers, int(length))
            heads.keep(raw, head)

    def _count_head(self, size_bytes: int) -> None:
        self._head_bytes += size_bytes
        if self._head_bytes > self._limits.max_head_bytes:
            self._refuse(431, "the headers are too long")

    def _count_body(self, size_bytes: int) -> None:
        self._body_bytes += size_bytes
        if self._body_bytes > self._limits.max_body_bytes:
            most = self._limits.body_limit(self._url)
            if self._body_bytes > most:
                self._refuse(413, f"the body has more than {most} bytes")

    def _refuse(self, status: int, reason: str) -> None:
        if self.refusal is None:
            self.refusal = (status, reason)
            self._body.clear()


def _lower_name(name: bytes) -> str:
    known = name.decode("latin-1").lower()
    if len(_NAMES) < _MAX_NAMES:
        _NAMES[name] = known
    return known

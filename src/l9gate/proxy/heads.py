"""Heads of messages on their way through: what belongs to one hop stays behind.

Source: RFC 9110, 7.6.1.
"""

from dataclasses import dataclass, field
from enum import Enum
from http import HTTPStatus

from l9gate.wire import headers as names

Field = tuple[bytes, bytes]

_HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
# The client's `host` names the proxy, and the proxy answers `expect` itself.
_NOT_FORWARDED = _HOP_BY_HOP | {b"host", b"expect", names.EXCHANGE.encode()}
_CREDENTIALS = frozenset({b"authorization", b"x-api-key", b"cookie", b"set-cookie"})
_BODILESS = frozenset({204, 304})


class Framing(Enum):
    """How the end of a body is told."""

    NONE = "none"
    LENGTH = "length"
    CHUNKED = "chunked"
    CLOSE = "close"


@dataclass(slots=True, kw_only=True)
class RequestHead:
    """The first lines of a request as its client sent them."""

    method: bytes
    target: bytes  # path and query, without a label
    fields: list[Field]
    label: str | None = None
    is_http10: bool = False
    keep_alive: bool = True
    _values: dict[bytes, bytes] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._values = {}
        for name, value in self.fields:
            self._values.setdefault(name.lower(), value)

    def value(self, name: bytes) -> bytes | None:
        """Return the first value of a header; the name is in lower case."""
        return self._values.get(name)

    @property
    def framing(self) -> Framing:
        """How its body ends."""
        if b"transfer-encoding" in self._values:
            return Framing.CHUNKED
        return Framing.LENGTH if b"content-length" in self._values else Framing.NONE


@dataclass(slots=True, kw_only=True)
class AnswerHead:
    """The first lines of an answer as the API sent them."""

    status: int
    reason: bytes
    fields: list[Field]


def value_of(fields: list[Field], name: bytes) -> bytes | None:
    """Return the first value of a header; the name is in lower case."""
    return next((value for found, value in fields if found.lower() == name), None)


def observed(fields: list[Field]) -> dict[str, str]:
    """Return headers by name in lower case, as observers see them: without credentials."""
    found: dict[str, str] = {}
    for raw, value in fields:
        name = raw.lower()
        if name not in _CREDENTIALS:
            found.setdefault(name.decode("latin-1"), value.decode("latin-1"))
    return found


def render_request(head: RequestHead, authority: bytes, prefix: bytes) -> bytes:
    """Return the lines that go on to the API.

    Args:
        head: as the client sent it.
        authority: host[:port] of the API.
        prefix: the path of its base URL, without a slash at its end.
    """
    lines = [b"%b %b%b HTTP/1.1" % (head.method, prefix, head.target), b"host: " + authority]
    lines += _forwarded(head.fields, _NOT_FORWARDED)
    if head.framing is Framing.CHUNKED:
        lines.append(b"transfer-encoding: chunked")
    lines += (b"", b"")
    return b"\r\n".join(lines)


def answer_framing(head: AnswerHead, request: RequestHead) -> Framing:
    """Return how the end of an answer's body is told to the client."""
    if request.method == b"HEAD" or head.status in _BODILESS:
        return Framing.NONE
    if value_of(head.fields, b"content-length") is not None:
        return Framing.LENGTH
    return Framing.CLOSE if request.is_http10 else Framing.CHUNKED


def render_answer(head: AnswerHead, framing: Framing, *, keep_alive: bool) -> bytes:
    """Return the lines that go on to the client."""
    reason = head.reason or _phrase(head.status)
    lines = [b"HTTP/1.1 %d %b" % (head.status, reason)]
    lines += _forwarded(head.fields, _HOP_BY_HOP)
    if framing is Framing.CHUNKED:
        lines.append(b"transfer-encoding: chunked")
    if not keep_alive:
        lines.append(b"connection: close")
    lines += (b"", b"")
    return b"\r\n".join(lines)


def _forwarded(fields: list[Field], dropped: frozenset[bytes]) -> list[bytes]:
    named = value_of(fields, b"connection")
    if named is not None:
        dropped |= {name.strip().lower() for name in named.split(b",")}
    return [b"%b: %b" % (name, value) for name, value in fields if name.lower() not in dropped]


def _phrase(status: int) -> bytes:
    try:
        return HTTPStatus(status).phrase.encode()
    except ValueError:
        return b"Unknown"

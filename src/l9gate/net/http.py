"""What an HTTP application takes and gives."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from enum import Enum
from http import HTTPStatus
from typing import Protocol, TypeAlias

import msgspec


class HttpRequest(msgspec.Struct, kw_only=True, gc=False):
    """One whole request; header names are in lower case, repeated ones joined with a comma."""

    method: str
    path: str  # as sent, without the query
    query: str
    headers: dict[str, str]
    body: bytes
    keep_alive: bool = True
    connection: int = 0  # which one it came over, in this process
    shares_headers: bool = False  # with other requests whose heads are byte for byte the same


class Cut(Enum):
    """A body may give one of these instead of bytes: the connection ends here, body unfinished."""

    CLOSE = "close"  # FIN: the client sees the end of the stream
    RESET = "reset"  # RST


class Ending(Enum):
    """How a body that was not whole at once came to its end."""

    WHOLE = "whole"
    CUT = "cut"  # as the body said
    GONE = "gone"  # the client went away, or we had to give up


class Timetable:
    """Pieces of a body and when they are due; a connection writes them without a task.

    Those that are due at one moment go out in one write, so a body without delays is one write.
    Who reads the pieces one by one, as a test does, gets them from `play`.

    Args:
        pieces: the body, in order.
        due_s: when each piece is due, never falling, in seconds since the beginning.
        elapsed_s: returns the seconds since the beginning.
        play: makes the generator that yields the same pieces at the same times.
    """

    __slots__ = ("_play", "due_s", "elapsed_s", "pieces")

    def __init__(
        self,
        pieces: Sequence[bytes],
        due_s: Sequence[float],
        elapsed_s: Callable[[], float],
        play: Callable[[], AsyncGenerator[bytes | Cut, None]],
    ) -> None:
        self.pieces = pieces
        self.due_s = due_s
        self.elapsed_s = elapsed_s
        self._play = play

    def __aiter__(self) -> AsyncIterator[bytes | Cut]:
        """Yield the pieces one by one."""
        return self._play()

    async def aclose(self) -> None:
        """End; nothing was begun."""


Body: TypeAlias = bytes | AsyncGenerator[bytes | Cut, None] | Timetable


class HttpResponse(msgspec.Struct, kw_only=True, gc=False):
    """One response; a generated body is chunked unless the headers hold a `content-length`."""

    status: int
    headers: dict[str, str]
    body: Body
    on_end: Callable[[Ending], None] | None = None  # called once if the body is no bytes
    head: bytes | None = None  # what `render_head` would return to keep alive, if at hand


class App(Protocol):
    """Answers requests."""

    def __call__(self, request: HttpRequest, /) -> HttpResponse | Awaitable[HttpResponse]:
        """Return the response now, which costs no task, or later."""
        ...

    def refuse(self, status: int, reason: str, /) -> HttpResponse:
        """Return the response to bytes that are no request, or too many."""
        ...


_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}" for status in HTTPStatus}
LAST_CHUNK = b"0\r\n\r\n"


def render_head(response: HttpResponse, *, keep_alive: bool) -> bytes:
    """Return status line and headers with the framing that the body needs."""
    if keep_alive and response.head is not None:
        return response.head
    status = response.status
    lines = [_STATUS_LINES.get(status) or f"HTTP/1.1 {status} Status {status}"]
    lines += map(": ".join, response.headers.items())
    if isinstance(response.body, bytes):
        lines.append(f"content-length: {len(response.body)}")
    elif is_chunked(response):
        lines.append("transfer-encoding: chunked")
    lines += ("", "") if keep_alive else ("connection: close", "", "")
    return "\r\n".join(lines).encode("latin-1")


def is_chunked(response: HttpResponse) -> bool:
    """Whether the body goes out in chunks, its length being unknown."""
    return not isinstance(response.body, bytes) and "content-length" not in response.headers


def render_chunk(data: bytes) -> bytes:
    """Return one chunk of a chunked body; empty data would end the body and gives nothing."""
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""

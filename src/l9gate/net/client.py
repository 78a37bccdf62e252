"""A small HTTP/1.1 client: one connection for each request, no redirects, no proxies."""

import asyncio
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import NoReturn
from urllib.parse import SplitResult, urlsplit

import httptools
import msgspec

from l9gate.errors import (
    AnswerTimeoutError,
    BodyCutError,
    EndpointUnreachableError,
    MalformedBodyError,
    SettingsError,
)
from l9gate.measure.clock import Clock, SystemClock

_READ_BYTES = 64 * 1024


class ClientResponse(msgspec.Struct, frozen=True, kw_only=True):
    """A whole answer; header names are in lower case, repeated ones joined with a comma."""

    status: int
    headers: dict[str, str]
    body: bytes


class TimedChunk(msgspec.Struct, frozen=True):
    """A piece of a body and when it was read."""

    at_s: float
    data: bytes


class _Answer:
    """Collects what the parser finds."""

    def __init__(self) -> None:
        self.on_message_begin()

    def on_message_begin(self) -> None:
        """Begin an answer, the real one after an interim one."""
        self.headers: dict[str, str] = {}
        self.pieces: list[bytes] = []
        self.head_ended = False
        self.is_whole = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one header."""
        known, text = name.decode("latin-1").lower(), value.decode("latin-1")
        before = self.headers.get(known)
        self.headers[known] = text if before is None else f"{before}, {text}"

    def on_headers_complete(self) -> None:
        """Note that the head is there."""
        self.head_ended = True

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        self.pieces.append(body)

    def on_message_complete(self) -> None:
        """Note that the body is whole."""
        self.is_whole = True


class StreamedResponse:
    """An answer whose head has arrived and whose body is read piece by piece."""

    def __init__(
        self, place: str, peer: object, reader: asyncio.StreamReader, timeout_s: float
    ) -> None:
        self.peer = peer  # the address that the socket is connected to, as the kernel says it
        self._place = place
        self._reader = reader
        self._timeout_s = timeout_s
        self._answer = _Answer()
        self._parser = httptools.HttpResponseParser(self._answer)

    @property
    def status(self) -> int:
        """The status of the answer."""
        return int(self._parser.get_status_code())

    @property
    def headers(self) -> dict[str, str]:
        """Headers by name in lower case."""
        return self._answer.headers

    async def chunks(self, clock: Clock | None = None) -> AsyncGenerator[TimedChunk, None]:
        """Yield the body as it arrives; the time-out holds for each piece.

        Raises:
            AnswerTimeoutError: the endpoint fell silent.
            BodyCutError: the connection ended before the body did.
        """
        clock = clock or SystemClock()
        while True:
            data = b"".join(self._answer.pieces)
            self._answer.pieces.clear()
            if data:
                yield TimedChunk(clock.now_s(), data)
            if self._answer.is_whole:
                return
            await self._read_on()

    async def read_head(self) -> None:
        """Read until the head is there; interim answers (1xx) are passed over."""
        while not self._answer.head_ended or 100 <= self.status < 200:
            await self._read_on()

    async def _read_on(self) -> None:
        try:
            async with asyncio.timeout(self._timeout_s):
                data = await self._reader.read(_READ_BYTES)
        except TimeoutError:
            _raise_timeout(self._place, self._timeout_s)
        except OSError as error:
            raise BodyCutError(f"{self._place} broke the connection: {error}") from error
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            raise MalformedBodyError(f"{self._place} does not answer in HTTP/1.1") from error
        if not data and not self._answer.is_whole:
            self._end_at_eof()

    def _end_at_eof(self) -> None:
        """The end of the connection ends only a body without another end."""
        framed = {"content-length", "transfer-encoding"} & self._answer.headers.keys()
        if framed or not self._answer.head_ended:
            raise BodyCutError(f"{self._place} closed the connection in the middle of an answer")
        self._answer.is_whole = True


async def request(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    timeout_s: float = 10.0,
) -> ClientResponse:
    """Send one request and return the whole answer, whatever its status.

    Raises:
        EndpointUnreachableError: no connection could be made.
        AnswerTimeoutError: the answer was not whole in time.
        BodyCutError: the connection ended before the answer did.
        MalformedBodyError: the answer is no HTTP/1.1.
    """
    try:
        async with asyncio.timeout(timeout_s):
            async with stream(
                method, url, headers=headers, body=body, timeout_s=2 * timeout_s
            ) as response:
                pieces = [chunk.data async for chunk in response.chunks()]
    except TimeoutError:
        _raise_timeout(_place_of(urlsplit(url)), timeout_s)
    return ClientResponse(status=response.status, headers=response.headers, body=b"".join(pieces))


@asynccontextmanager
async def stream(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    timeout_s: float = 10.0,
) -> AsyncIterator[StreamedResponse]:
    """Send one request and give the answer as soon as its head is there.

    The time-out holds for the connection, the head, and each piece of the body. Leaving the block
    closes the connection.

    Raises:
        EndpointUnreachableError: no connection could be made.
        AnswerTimeoutError: the endpoint did not answer in time.
    """
    target = urlsplit(url)
    place = _place_of(target)
    reader, writer = await _connect(target, place, timeout_s)
    try:
        writer.write(_render_request(method, target, headers or {}, body))
        peer = writer.get_extra_info("peername")
        response = StreamedResponse(place, peer, reader, timeout_s)
        await response.read_head()
        yield response
    finally:
        writer.transport.abort()


async def _connect(
    target: SplitResult, place: str, timeout_s: float
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    context = ssl.create_default_context() if target.scheme == "https" else None
    try:
        async with asyncio.timeout(timeout_s):
            return await asyncio.open_connection(
                target.hostname, target.port or (443 if context else 80), ssl=context
            )
    except TimeoutError:
        raise EndpointUnreachableError(
            f"{place} took no connection within {timeout_s:g} s",
            hint="check the network and `base_url` of the environment",
        ) from None
    except OSError as error:
        raise EndpointUnreachableError(
            f"{place} cannot be reached: {error}",
            hint="check the network and `base_url` of the environment",
        ) from error


def _render_request(
    method: str, target: SplitResult, headers: Mapping[str, str], body: bytes
) -> bytes:
    path = (target.path or "/") + (f"?{target.query}" if target.query else "")
    lines = [f"{method} {path} HTTP/1.1", f"host: {target.netloc.rpartition('@')[2]}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += [f"content-length: {len(body)}", "connection: close", "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def _place_of(target: SplitResult) -> str:
    """Return scheme, host and port of a URL, without path and credentials."""
    if target.scheme not in {"http", "https"} or not target.hostname:
        raise SettingsError(
            f"`{target.scheme}://{target.hostname or ''}` is no HTTP address",
            hint="a base URL looks like `https://api.anthropic.com`",
        )
    return f"{target.scheme}://{target.netloc.rpartition('@')[2]}"


def _raise_timeout(place: str, timeout_s: float) -> NoReturn:
    raise AnswerTimeoutError(f"{place} did not answer within {timeout_s:g} s") from None

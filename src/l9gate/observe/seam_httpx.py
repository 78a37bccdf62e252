"""The clients of httpx2 and of httpx: the private method that each single request passes.

Where it is gone the public `send` is patched instead: the same coverage, but a chain of redirects
is then seen as one exchange.
"""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from types import ModuleType
from typing import Protocol, Self

from l9gate.observe.passage import Entrance, Passage
from l9gate.observe.patches import Patch, replace
from l9gate.observe.tapped import TappedAsyncStream, TappedSyncStream
from l9gate.observe.watch import HttpResponse, HttpUrl

PRIVATE = "_send_single_request"
PUBLIC = "send"


class _Url(HttpUrl, Protocol):
    scheme: str
    port: int | None

    def __init__(self, url: str) -> None: ...
    def copy_with(self, *, scheme: str, host: str, port: int | None) -> Self: ...


class _Request(Protocol):
    method: str
    url: _Url
    headers: MutableMapping[str, str]
    content: bytes


class _Response(HttpResponse, Protocol):
    stream: object

    def read(self) -> bytes: ...
    def close(self) -> None: ...
    async def aread(self) -> bytes: ...
    async def aclose(self) -> None: ...


_Send = Callable[..., _Response]
_AsyncSend = Callable[..., Awaitable[_Response]]
_MakeStream = Callable[[object, Passage], object]


def patch(library: ModuleType, entrance: Entrance) -> list[Patch]:
    """Have every request of sync and async clients enter first.

    Raises:
        AttributeError: the library has no place where that is possible.
    """
    is_public = not hasattr(library.Client, PRIVATE)
    name = PUBLIC if is_public else PRIVATE
    sync_send, async_send = getattr(library.Client, name), getattr(library.AsyncClient, name)
    # A library checks that a stream is an instance of its own class.
    sync_stream = type("TappedStream", (TappedSyncStream, library.SyncByteStream), {})
    async_stream = type("TappedStream", (TappedAsyncStream, library.AsyncByteStream), {})
    patched = _patched_sync(entrance, sync_send, sync_stream, is_public=is_public)
    patched_async = _patched_async(entrance, async_send, async_stream, is_public=is_public)
    return [
        replace(library.Client, name, patched),
        replace(library.AsyncClient, name, patched_async),
    ]


def send_each_way(library: ModuleType, url: str) -> None:
    """Send through a mock transport, sync and async."""
    transport = library.MockTransport(lambda _: library.Response(204))
    library.Client(transport=transport, trust_env=False).get(url)
    client = library.AsyncClient(transport=transport, trust_env=False)
    try:
        for _ in client.get(url).__await__():  # no event loop: a mock transport answers at once
            return
    except RuntimeError:  # httpx 0.27 asks for the event loop, when it has shown the request
        return


class _Carried:
    """A response whose connection only an inner client knows."""

    def __init__(self, response: HttpResponse, carrier: object) -> None:
        self.status_code = response.status_code
        self.headers = response.headers
        self.extensions: Mapping[str, object] = {"network_stream": carrier}
        self.is_closed = response.is_closed
        self._response = response

    @property
    def content(self) -> bytes:
        return self._response.content


def _reroute(request: _Request, base_url: str) -> None:
    base = type(request.url)(base_url)
    request.url = request.url.copy_with(scheme=base.scheme, host=base.host, port=base.port)
    request.headers["Host"] = base.netloc.decode("ascii")


def _tell(passage: Passage, response: _Response, stream: _MakeStream) -> None:
    carrier = passage.carrier
    passage.answered(response if carrier is None else _Carried(response, carrier))
    if response.is_closed:
        passage.ended(None)
    else:
        response.stream = stream(response.stream, passage)


def _patched_sync(
    entrance: Entrance, original: _Send, stream: _MakeStream, *, is_public: bool
) -> _Send:
    def send(client: object, request: _Request, **options: object) -> _Response:
        passage = entrance.enter(request, _reroute)
        if passage is None:
            return original(client, request, **options)
        reads = is_public and not options.get("stream", False)
        if is_public:  # only an unread body can be followed
            options["stream"] = True
        try:
            response = original(client, request, **options)
        except BaseException as error:
            passage.ended(error)
            raise
        finally:
            passage.leave()
        _tell(passage, response, stream)
        if reads:
            try:
                response.read()
            except BaseException:
                response.close()
                raise
        return response

    return send


def _patched_async(
    entrance: Entrance, original: _AsyncSend, stream: _MakeStream, *, is_public: bool
) -> _AsyncSend:
    async def send(client: object, request: _Request, **options: object) -> _Response:
        passage = entrance.enter(request, _reroute)
        if passage is None:
            return await original(client, request, **options)
        reads = is_public and not options.get("stream", False)
        if is_public:
            options["stream"] = True
        try:
            response = await original(client, request, **options)
        except BaseException as error:
            passage.ended(error)
            raise
        finally:
            passage.leave()
        _tell(passage, response, stream)
        if reads:
            try:
                await response.aread()
            except BaseException:
                await response.aclose()
                raise
        return response

    return send

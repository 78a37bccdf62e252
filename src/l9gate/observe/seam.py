"""Where every client can be seen: the one method that each request of an httpx2 client passes.

The method is private, so installing it ends with a self-test, and where it is gone the public
`send` is patched instead (the same coverage; a chain of redirects is then seen as one exchange).
Mock libraries replace what is below, so they keep working and their calls are seen too.
"""

import importlib
import importlib.util
from collections.abc import Awaitable, Callable, MutableMapping
from contextvars import ContextVar
from dataclasses import dataclass
from types import ModuleType
from typing import Protocol, Self

from l9gate.errors import SeamError
from l9gate.observe.tapped import TappedAsyncStream, TappedSyncStream
from l9gate.observe.watch import Handler, HttpRequest, HttpResponse, HttpUrl, Tap, Watch

PRIVATE = "_send_single_request"
PUBLIC = "send"
LIBRARIES = ("httpx2",)
_SELF_TEST_URL = "http://l9gate-self-test.invalid/"


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
Route = Callable[[HttpRequest], str | None]
# What is being sent in this context: a client that works through another client of ours sends the
# same request twice, which is one exchange. Another request, for instance of an application that
# is called in process, is an exchange of its own.
_sending: ContextVar[tuple[str, str] | None] = ContextVar("l9gate_sending", default=None)


@dataclass(frozen=True, slots=True)
class _Patch:
    """One patched method of one class."""

    client: type
    name: str
    original: object
    patched: object

    def undo(self) -> None:
        if getattr(self.client, self.name) is self.patched:  # else somebody patched it since
            setattr(self.client, self.name, self.original)


class Seam:
    """Calls its handlers for every request of every client, existing ones included."""

    def __init__(self) -> None:
        self._handlers: tuple[Handler, ...] = ()
        self._patches: list[_Patch] = []
        self._route: Route | None = None

    def install(self, handler: Handler) -> None:
        """Add a handler; the first one patches the libraries that are installed.

        Raises:
            SeamError: the installed library cannot be observed.
        """
        if not self._patches:
            try:
                for name in LIBRARIES:
                    if importlib.util.find_spec(name) is not None:
                        self._patch(importlib.import_module(name))
            except BaseException:
                self._undo()
                raise
        self._handlers = (*self._handlers, handler)

    def remove(self, handler: Handler) -> None:
        """Take a handler away; the last one restores the libraries."""
        self._handlers = tuple(kept for kept in self._handlers if kept is not handler)
        if not self._handlers:
            self._undo()

    def set_route(self, route: Route | None) -> None:
        """Have the destination of every request asked for, while a handler is installed.

        Args:
            route: is asked before a request is sent; where it returns a base URL
                (scheme://host[:port]) the request goes there instead, with the same path. Handlers
                see the request as it is sent. None lets every request go where it wants to.
        """
        self._route = route

    def find_route(self, request: HttpRequest) -> str | None:
        """Return the base URL that a request shall go to instead of its own, if there is one."""
        return None if self._route is None else self._route(request)

    def begin(self, request: HttpRequest) -> Tap | None:
        """Ask all handlers; None if none of them is interested.

        Raises:
            L9gateError: a handler refuses the request.
        """
        watches: list[Watch] = []
        try:
            for handler in self._handlers:
                watch = handler.begin(request)
                if watch is not None:
                    watches.append(watch)
        except BaseException as error:
            Tap(watches).ended(error)
            raise
        return Tap(watches) if watches else None

    def _patch(self, library: ModuleType) -> None:
        is_public = not hasattr(library.Client, PRIVATE)
        name = PUBLIC if is_public else PRIVATE
        # A library checks that a stream is an instance of its own class.
        sync_stream = type("TappedStream", (TappedSyncStream, library.SyncByteStream), {})
        async_stream = type("TappedStream", (TappedAsyncStream, library.AsyncByteStream), {})
        for client, wrap, stream in (
            (library.Client, _patched_sync, sync_stream),
            (library.AsyncClient, _patched_async, async_stream),
        ):
            original = getattr(client, name, None)
            if original is None:
                raise _error(library, f"`{client.__name__}` has no `{name}`")
            patched = wrap(self, original, stream, is_public=is_public)
            setattr(client, name, patched)
            self._patches.append(_Patch(client, name, original, patched))
        self._test(library)

    def _undo(self) -> None:
        for patch in self._patches:
            patch.undo()
        self._patches.clear()

    def _test(self, library: ModuleType) -> None:
        """Send one request through a mock transport, sync and async, and see whether it is seen."""
        probe = _Probe()
        before, self._handlers = self._handlers, (probe,)
        try:
            transport = library.MockTransport(lambda _: library.Response(204))
            library.Client(transport=transport, trust_env=False).get(_SELF_TEST_URL)
            client = library.AsyncClient(transport=transport, trust_env=False)
            _drive(client.get(_SELF_TEST_URL))
        finally:
            self._handlers = before
        if probe.seen != 2:
            raise _error(library, f"{probe.seen} of 2 requests were seen")


class _Probe:
    """Counts the requests of the self-test."""

    seen = 0

    def begin(self, request: HttpRequest) -> None:
        self.seen += request.method == "GET"


def _drive(sending: Awaitable[object]) -> None:
    """Run what a mock transport answers at once, without an event loop and its sockets."""
    steps = sending.__await__()
    for _ in steps:  # it would wait for something: what matters has been seen or not by now
        return


def _error(library: ModuleType, found: str) -> SeamError:
    version = getattr(library, "__version__", "?")
    return SeamError(
        f"observer self-test failed: {library.__name__} {version}: {found}",
        hint=f"install a version of {library.__name__} that this l9gate was tested with, "
        "or a newer l9gate",
    )


def _enter(seam: Seam, request: _Request) -> Tap | None:
    base_url = seam.find_route(request)
    if base_url is not None:
        _reroute(request, base_url)
    target = (request.method, str(request.url))
    if _sending.get() == target:
        return None
    tap = seam.begin(request)
    if tap is not None:
        _sending.set(target)
    return tap


def _reroute(request: _Request, base_url: str) -> None:
    base = type(request.url)(base_url)
    request.url = request.url.copy_with(scheme=base.scheme, host=base.host, port=base.port)
    request.headers["Host"] = base.netloc.decode("ascii")


def _tell(tap: Tap, response: _Response, stream: Callable[[object, Tap], object]) -> None:
    tap.answered(response)
    if response.is_closed:
        tap.ended(None)
    else:
        response.stream = stream(response.stream, tap)


def _patched_sync(
    seam: Seam, original: _Send, stream: Callable[[object, Tap], object], *, is_public: bool
) -> _Send:
    def send(client: object, request: _Request, **options: object) -> _Response:
        outer = _sending.get()
        tap = _enter(seam, request)
        if tap is None:
            return original(client, request, **options)
        reads = is_public and not options.get("stream", False)
        if is_public:  # only an unread body can be followed
            options["stream"] = True
        try:
            response = original(client, request, **options)
        except BaseException as error:
            tap.ended(error)
            raise
        finally:
            _sending.set(outer)
        _tell(tap, response, stream)
        if reads:
            try:
                response.read()
            except BaseException:
                response.close()
                raise
        return response

    return send


def _patched_async(
    seam: Seam, original: _AsyncSend, stream: Callable[[object, Tap], object], *, is_public: bool
) -> _AsyncSend:
    async def send(client: object, request: _Request, **options: object) -> _Response:
        outer = _sending.get()
        tap = _enter(seam, request)
        if tap is None:
            return await original(client, request, **options)
        reads = is_public and not options.get("stream", False)
        if is_public:
            options["stream"] = True
        try:
            response = await original(client, request, **options)
        except BaseException as error:
            tap.ended(error)
            raise
        finally:
            _sending.set(outer)
        _tell(tap, response, stream)
        if reads:
            try:
                await response.aread()
            except BaseException:
                await response.aclose()
                raise
        return response

    return send

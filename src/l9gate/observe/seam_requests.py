"""The sessions of requests: `Session.send`, which every request passes, redirects one by one.

What came back is told by a response hook, before anything is read of it, and is then followed at
the reading methods of its `raw`. requests decodes bodies, so that they are seen decoded.
"""

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from http.client import HTTPResponse
from types import ModuleType
from typing import Protocol

from l9gate.observe.passage import Entrance, Passage
from l9gate.observe.patches import Patch, replace
from l9gate.observe.views import Request, Response, Url, decoded

_HOOK = "response"


class _Prepared(Protocol):
    method: str
    url: str
    headers: MutableMapping[str, str]
    body: object
    hooks: dict[str, list[object]]


class _Response(Protocol):
    status_code: int
    headers: Mapping[str, str]
    raw: object


_Send = Callable[..., _Response]
_Read = Callable[..., bytes]
_Stream = Callable[..., Iterator[bytes]]


def patch(library: ModuleType, entrance: Entrance) -> list[Patch]:
    """Have every request of every session enter first.

    Raises:
        AttributeError: the library has no place where that is possible.
    """
    session = library.Session
    return [replace(session, "send", _patched(entrance, session.send))]


def send_each_way(library: ModuleType, url: str) -> None:
    """Send through an adapter that answers without a network."""

    class Adapter(library.adapters.BaseAdapter):  # type: ignore[misc,name-defined]
        def send(self, request: object, **_: object) -> object:
            response = library.Response()
            response.status_code, response.request, response.url = 204, request, url
            response._content = b""  # noqa: SLF001 - what a response without a body holds
            return response

        def close(self) -> None:
            return

    with library.Session() as session:
        session.trust_env = False
        session.mount(url, Adapter())
        session.get(url)


class _View(Request):
    """A prepared request; to send it elsewhere changes it."""

    def __init__(self, prepared: _Prepared) -> None:
        super().__init__(prepared.method, Url(prepared.url), prepared.headers, prepared.body)
        self.prepared = prepared


class _Teller:
    """The first hook of a request: tells what came back and follows its body."""

    def __init__(self, passage: Passage) -> None:
        self._passage = passage

    def __call__(self, response: _Response, *_: object, **__: object) -> None:
        raw = response.raw
        stream = _Connection(raw) if _is_real(raw) else None
        headers = decoded(response.headers)
        extensions = {} if stream is None else {"network_stream": stream}
        self._passage.answered(Response(response.status_code, headers, extensions))
        if callable(getattr(raw, "read", None)) and hasattr(raw, "__dict__"):
            _Body(raw, self._passage)
        else:
            self._passage.ended(None)  # nothing is left to read


class _Connection:
    """The connection of a urllib3 response."""

    def __init__(self, raw: object) -> None:
        self._socket = getattr(getattr(raw, "connection", None), "sock", None)

    def get_extra_info(self, info: str) -> object:
        """Return the socket, or the address it is connected to; None once it was given up."""
        ask = getattr(self._socket, "getpeername", None)
        if info == "server_addr" and ask is not None:
            return ask()
        return self._socket if info == "socket" else None


def _is_real(raw: object) -> bool:
    """Whether the answer was read by http.client; mock libraries bring a substitute."""
    return isinstance(getattr(raw, "_original_response", None), HTTPResponse)


def _reroute(view: _View, base_url: str) -> None:
    view.url = view.url.moved_to(base_url)
    view.prepared.url = str(view.url)
    if "Host" in view.prepared.headers:  # else http.client writes it
        view.prepared.headers["Host"] = view.url.netloc.decode()


def _patched(entrance: Entrance, original: _Send) -> _Send:
    def send(session: object, request: _Prepared, **options: object) -> _Response:
        passage = entrance.enter(_View(request), _reroute)
        if passage is None:
            return original(session, request, **options)
        hooks = request.hooks
        # A redirected request is a copy of the first, with its hooks.
        others = [hook for hook in hooks.get(_HOOK, ()) if not isinstance(hook, _Teller)]
        request.hooks = {**hooks, _HOOK: [_Teller(passage), *others]}
        try:
            return original(session, request, **options)
        except BaseException as error:
            passage.ended(error)
            raise
        finally:
            request.hooks = hooks
            passage.leave()

    return send


class _Body:
    """Replaces the methods of one `raw` that read or close it."""

    def __init__(self, raw: object, passage: Passage) -> None:
        self._raw = raw
        self._passage = passage
        self._is_reading = False  # what is closed meanwhile is not closed by the caller
        for name, tap in (
            ("read", self._tapped_read),
            ("read1", self._tapped_read1),
            ("read_chunked", self._tapped_chunks),
            ("stream", self._tapped_stream),
            ("close", self._tapped_close),
        ):
            original = getattr(raw, name, None)
            if original is not None:
                vars(raw)[name] = tap(original)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        self._is_reading = True
        try:
            yield
        except BaseException as error:
            self._passage.ended(error)
            raise
        finally:
            self._is_reading = False

    def _end(self) -> None:
        """Tell the end that the server made; urllib3 1 is silent about a body that is too short."""
        is_short = bool(getattr(self._raw, "length_remaining", None))
        self._passage.ended(ConnectionError("shorter than announced") if is_short else None)

    def _tapped_read(self, original: _Read) -> _Read:
        def read(amt: int | None = None, *arguments: object, **options: object) -> bytes:
            with self._reading():
                data = original(amt, *arguments, **options)
            if data:
                self._passage.received(data)
            if amt is None or amt < 0 or (amt and not data):
                self._end()
            return data

        return read

    def _tapped_read1(self, original: _Read) -> _Read:
        def read1(amt: int | None = None, *arguments: object, **options: object) -> bytes:
            with self._reading():
                data = original(amt, *arguments, **options)
            if data:
                self._passage.received(data)
            elif amt != 0:
                self._end()
            return data

        return read1

    def _tapped_chunks(self, original: _Stream) -> _Stream:
        def read_chunked(*arguments: object, **options: object) -> Iterator[bytes]:
            chunks = original(*arguments, **options)
            while True:
                with self._reading():
                    chunk = next(chunks, None)
                if chunk is None:
                    break
                self._passage.received(chunk)
                yield chunk
            self._end()

        return read_chunked

    def _tapped_stream(self, original: _Stream) -> _Stream:
        def stream(*arguments: object, **options: object) -> Iterator[bytes]:
            yield from original(*arguments, **options)  # which calls the methods above
            self._end()

        return stream

    def _tapped_close(self, original: Callable[[], None]) -> Callable[[], None]:
        def close() -> None:
            if not self._is_reading:
                self._passage.ended(GeneratorExit())
            original()

        return close

"""The sessions of aiohttp: `ClientSession._request`, which every request passes.

A chain of redirects is seen as one exchange, answered by the last response. aiohttp decodes bodies,
so that they are seen decoded. A mock library that replaces `_request` is seen from above, at the
public methods.
"""

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextvars import ContextVar
from types import ModuleType
from typing import Protocol

from l9gate.observe.passage import Entrance, Passage, current_passage
from l9gate.observe.patches import Patch, replace
from l9gate.observe.tapped_reader import Reader, TappedReader
from l9gate.observe.views import Request, Response, Url, decoded
from l9gate.wire import headers as names

_VERBS = ("get", "options", "head", "post", "put", "patch", "delete", "request")
_HOST = "host"


class _Session(Protocol):
    headers: Mapping[str, str]
    auto_decompress: bool
    json_serialize: Callable[[object], str]

    def _build_url(self, url: object) -> object: ...


class _Connection(Protocol):
    transport: object


class _Response(Protocol):
    status: int
    headers: Mapping[str, str]
    content: Reader
    close: Callable[[], None]
    release: Callable[[], object]


_Send = Callable[..., Coroutine[object, object, _Response]]
_Verb = Callable[..., "_Sending"]
_Start = Callable[..., Awaitable[_Response]]


class _Sending(Awaitable[_Response], Protocol):
    """What the verbs return: to be awaited, or entered as a context."""

    def __init__(self, sending: Coroutine[object, object, _Response]) -> None: ...
    def close(self) -> None: ...


class _Answers:
    """The last response of a request, which aiohttp may turn into an exception."""

    last: tuple[_Response, "_Transport"] | None = None


_answers: ContextVar[_Answers | None] = ContextVar("l9gate_aiohttp_answers", default=None)


def patch(library: ModuleType, entrance: Entrance) -> list[Patch]:
    """Have every request of every session enter first.

    Raises:
        AttributeError: the library has no place where that is possible.
    """
    session, response = library.ClientSession, library.ClientResponse
    start, send = response.start, session._request  # noqa: SLF001 - there is no public place
    verbs = [(verb, getattr(session, verb)) for verb in _VERBS]
    private = replace(session, "_request", _patched_request(entrance, send))
    public = [
        replace(session, verb, _patched_verb(entrance, original, verb, private))
        for verb, original in verbs
    ]
    return [private, *public, replace(response, "start", _patched_start(start))]


def send_each_way(library: ModuleType, url: str) -> None:
    """Send with a session that is closed, by a verb and by the general method."""
    session = library.ClientSession.__new__(library.ClientSession)
    state: dict[str, object] = {"_connector": None, "_base_url": None, "_default_headers": {}}
    vars(session).update(state, _auto_decompress=True)
    for sending in (session.get(url), session.request("GET", url)):
        try:
            sending.send(None)
        except (StopIteration, RuntimeError):  # "Session is closed"
            continue
        finally:
            sending.close()


class _View(Request):
    """What `ClientSession._request` was called with."""

    def __init__(
        self, session: _Session, method: str, url: object, options: dict[str, object]
    ) -> None:
        headers = {**_lowered(session.headers), **_lowered(options.get("headers"))}
        built = Url(str(session._build_url(url)))  # noqa: SLF001 - it knows the base URL
        super().__init__(method.upper(), built, headers, options.get("data"))
        self._session = session
        self._json = options.get("json")
        asked = options.get("auto_decompress")
        self.is_decoded = session.auto_decompress if asked is None else bool(asked)

    @property
    def content(self) -> bytes:
        """Its body, as the session will write it.

        Raises:
            RuntimeError: it is sent as a stream.
        """
        if self._json is not None:
            self.body, self._json = self._session.json_serialize(self._json), None
        return super().content


class _Transport:
    """The connection of a response while it is known."""

    def __init__(self, transport: object) -> None:
        self._transport = transport

    def get_extra_info(self, info: str) -> object:
        """Return the socket, or the address it is connected to."""
        ask = getattr(self._transport, "get_extra_info", None)
        return ask("peername" if info == "server_addr" else info) if callable(ask) else None


def _lowered(headers: object) -> dict[str, str]:
    pairs = headers.items() if isinstance(headers, Mapping) else (headers or ())
    return {str(name).lower(): str(text) for name, text in pairs}  # type: ignore[attr-defined]


def _without_host(headers: object) -> dict[str, str]:
    """Return headers without the one that aiohttp writes itself, for the host that it sends to."""
    return {name: text for name, text in _lowered(headers).items() if name != _HOST}


def _reroute(view: _View, base_url: str) -> None:
    view.url = view.url.moved_to(base_url)
    view.headers = {**view.headers, _HOST: view.url.netloc.decode()}


def _patched_request(entrance: Entrance, original: _Send) -> _Send:
    async def _request(
        session: _Session, method: str, str_or_url: object, **options: object
    ) -> _Response:
        view = _View(session, method, str_or_url, options)
        asked = view.url
        passage = entrance.enter(view, _reroute)
        if view.url is not asked:
            str_or_url = str(view.url)
            options["headers"] = _without_host(options.get("headers"))
        if names.EXCHANGE in view.headers:
            mark = {names.EXCHANGE: view.headers[names.EXCHANGE]}
            options["headers"] = {**_lowered(options.get("headers")), **mark}
        if passage is None:
            return await original(session, method, str_or_url, **options)
        return await _observed(passage, view, original(session, method, str_or_url, **options))

    return _request


async def _observed(passage: Passage, view: _View, sending: Awaitable[_Response]) -> _Response:
    answers = _Answers()
    token = _answers.set(answers)
    try:
        response = await sending
    except BaseException as error:
        if answers.last is not None:
            _tell(passage, view, *answers.last)
        passage.ended(error)
        raise
    finally:
        _answers.reset(token)
        passage.leave()
    transport = None if answers.last is None else answers.last[1]
    _tell(passage, view, response, transport)
    _follow(response, passage)
    return response


def _patched_verb(entrance: Entrance, original: _Verb, verb: str, private: Patch) -> _Verb:
    """Return a method that also sees what a mock library in the place of `_request` answers."""

    def send(session: _Session, *arguments: object, **options: object) -> _Sending:
        sending = original(session, *arguments, **options)
        if private.is_in_place:
            return sending
        method, url = arguments[:2] if verb == "request" else (verb, arguments[0])
        return type(sending)(mocked(session, str(method), url, options, sending))

    async def mocked(
        session: _Session, method: str, url: object, options: dict[str, object], sending: _Sending
    ) -> _Response:
        view = _View(session, method, url, options)
        try:
            passage = entrance.enter(view, _reroute)
        except BaseException:  # it was refused, and is never awaited
            sending.close()
            raise
        if passage is None:
            return await sending
        return await _observed(passage, view, sending)

    return send


def _patched_start(original: _Start) -> _Start:
    async def start(response: _Response, connection: _Connection) -> _Response:
        transport = _Transport(connection.transport)
        try:
            return await original(response, connection)
        finally:
            answers, passage = _answers.get(), current_passage()
            if answers is not None and getattr(response, "status", None) is not None:
                answers.last = response, transport
            elif passage is not None:  # of an outer client, such as the SDK's
                passage.carrier = transport

    return start


def _tell(passage: Passage, view: _View, response: _Response, transport: _Transport | None) -> None:
    headers = decoded(response.headers) if view.is_decoded else response.headers
    extensions = {} if transport is None else {"network_stream": transport}
    passage.answered(Response(response.status, headers, extensions))


def _follow(response: _Response, passage: Passage) -> None:
    vars(response)["content"] = TappedReader(response.content, passage)
    for name in ("close", "release"):
        vars(response)[name] = _tapped_end(getattr(response, name), passage)


def _tapped_end(original: Callable[[], object], passage: Passage) -> Callable[[], object]:
    def end() -> object:
        passage.ended(GeneratorExit())
        return original()

    return end

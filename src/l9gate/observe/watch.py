"""Who is told of an exchange, of what, and in which order: begin, answered, received, ended."""

from collections.abc import Mapping
from enum import Enum
from typing import Protocol

from l9gate.errors import L9gateError
from l9gate.observe.tapped import is_task_cancelled


class HttpUrl(Protocol):
    """What a handler may ask of a URL."""

    @property
    def netloc(self) -> bytes:
        """The host[:port], without credentials and without a default port."""
        ...

    @property
    def host(self) -> str:
        """The host alone."""
        ...

    @property
    def path(self) -> str:
        """The path, without the query."""
        ...


class HttpRequest(Protocol):
    """What a handler may ask of a request."""

    @property
    def method(self) -> str:
        """In capital letters."""
        ...

    @property
    def url(self) -> HttpUrl:
        """Where it goes."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Its headers; the names ignore case."""
        ...

    @property
    def content(self) -> bytes:
        """Its body; RuntimeError for one that is sent as a stream."""
        ...


class HttpResponse(Protocol):
    """What a handler may ask of a response, before its body is read."""

    @property
    def status_code(self) -> int:
        """The status."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Its headers; the names ignore case."""
        ...

    @property
    def extensions(self) -> Mapping[str, object]:
        """What the transport says besides, such as `network_stream`."""
        ...

    @property
    def is_closed(self) -> bool:
        """True from the start for what a mock library answers."""
        ...

    @property
    def content(self) -> bytes:
        """Its body, decoded; RuntimeError unless it was read."""
        ...


class Stop(Enum):
    """How an exchange stopped, as far as the HTTP library knows."""

    READ = "read"  # the whole body arrived
    CLOSED = "closed"  # the caller closed the response first
    TIMED_OUT = "timed out"  # by the library's timeouts, or its task was cancelled
    UNCONNECTED = "unconnected"  # no connection: refused, name not found, TLS, proxy
    BROKEN = "broken"  # the connection broke
    REFUSED = "refused"  # one of us refused to send it
    FAILED = "failed"  # anything else


class Watch(Protocol):
    """Follows one exchange; none of its methods raises."""

    def answered(self, response: HttpResponse) -> None:
        """Take note of status and headers; the body of a closed response is in `content`."""
        ...

    def received(self, chunk: bytes) -> None:
        """Take note of bytes of the body as they came from the wire, still encoded."""
        ...

    def ended(self, stop: Stop) -> None:
        """Take note of the end; called once."""
        ...


class Handler(Protocol):
    """Is told of every exchange before it is sent."""

    def begin(self, request: HttpRequest) -> Watch | None:
        """Return a watch if the exchange is of interest; raise to refuse it."""
        ...


# Classes are told by name, since no library is imported only to look at its errors. The first name
# in the order of inheritance counts.
_STOPS = {
    "BudgetStop": Stop.REFUSED,  # ours, and no Exception
    "DecidedStop": Stop.REFUSED,
    # every library, and asyncio
    "TimeoutError": Stop.TIMED_OUT,
    "CancelledError": Stop.TIMED_OUT,
    "Cancelled": Stop.TIMED_OUT,  # trio
    "ConnectionRefusedError": Stop.UNCONNECTED,
    "gaierror": Stop.UNCONNECTED,
    "ConnectionError": Stop.BROKEN,  # of requests, too
    "ProxyError": Stop.UNCONNECTED,
    # httpx, httpx2
    "TimeoutException": Stop.TIMED_OUT,
    "ConnectError": Stop.UNCONNECTED,
    "UnsupportedProtocol": Stop.UNCONNECTED,
    "NetworkError": Stop.BROKEN,
    "RemoteProtocolError": Stop.BROKEN,
    "LocalProtocolError": Stop.FAILED,
    # requests, urllib3
    "Timeout": Stop.TIMED_OUT,
    "ConnectTimeout": Stop.TIMED_OUT,
    "SSLError": Stop.UNCONNECTED,
    "ProtocolError": Stop.BROKEN,
    "ChunkedEncodingError": Stop.BROKEN,
    # aiohttp
    "ServerTimeoutError": Stop.TIMED_OUT,
    "ClientConnectorError": Stop.UNCONNECTED,
    "ClientHttpProxyError": Stop.UNCONNECTED,
    "ClientConnectionError": Stop.BROKEN,
    "ClientPayloadError": Stop.BROKEN,
    # our own client
    "EndpointUnreachableError": Stop.UNCONNECTED,
    "AnswerTimeoutError": Stop.TIMED_OUT,
    "BodyCutError": Stop.BROKEN,
    "MalformedBodyError": Stop.BROKEN,
}


def stop_of(error: BaseException | None) -> Stop:
    """Return what an exception says about the end; None means that the body was read."""
    if error is None:
        return Stop.READ
    if isinstance(error, GeneratorExit):
        return Stop.TIMED_OUT if is_task_cancelled() else Stop.CLOSED
    found = (_STOPS.get(kind.__name__) for kind in type(error).__mro__)
    unknown = Stop.REFUSED if isinstance(error, L9gateError) else Stop.FAILED
    return next((stop for stop in found if stop is not None), unknown)


class Tap:
    """Tells all watches of one exchange the same things, the end only once."""

    def __init__(self, watches: list[Watch]) -> None:
        self._watches = watches
        self._has_ended = False

    def answered(self, response: HttpResponse) -> None:
        """Pass on status and headers."""
        for watch in self._watches:
            watch.answered(response)

    def received(self, chunk: bytes) -> None:
        """Pass on bytes of the body."""
        for watch in self._watches:
            watch.received(chunk)

    def ended(self, error: BaseException | None) -> None:
        """Pass on the end of the body, or what came in its place."""
        if not self._has_ended:
            self._has_ended = True
            stop = stop_of(error)
            for watch in self._watches:
                watch.ended(stop)

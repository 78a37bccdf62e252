"""One request on its way through the seams, so that it is seen once however many it passes."""

from collections.abc import Callable
from contextvars import ContextVar
from typing import Protocol, TypeVar

from l9gate.observe.sockets import NetworkStream
from l9gate.observe.watch import HttpRequest, Tap, Watch

_Target = tuple[str, str, bytes, str]


class Passage(Tap):
    """What is being sent in this context, and who watches it.

    A client that works through another one, such as the SDK's over aiohttp, sends the same request
    twice, which is one exchange. Another request, for instance of an application that is called in
    process, is an exchange of its own.
    """

    def __init__(self, watches: list[Watch], target: _Target) -> None:
        super().__init__(watches)
        self.target = target
        self.carrier: NetworkStream | None = None  # the connection, if an inner client told of it
        self._outer = _current.get()
        _current.set(self)

    def leave(self) -> None:
        """Let the context send what it sent before."""
        _current.set(self._outer)


_current: ContextVar[Passage | None] = ContextVar("l9gate_passage", default=None)
R = TypeVar("R", bound=HttpRequest)


class Entrance(Protocol):
    """Where the adapter of a library shows every request before it is sent."""

    def enter(self, request: R, reroute: Callable[[R, str], None]) -> Passage | None:
        """Return the passage to tell of the request, None if nobody is interested.

        Args:
            request: what is about to be sent.
            reroute: changes the request, so that it goes to another base URL.

        Raises:
            L9gateError: a handler refuses the request.
        """
        ...


def current_passage() -> Passage | None:
    """Return what is being sent in this context."""
    return _current.get()


def is_passing(request: HttpRequest) -> bool:
    """Whether the request was seen at an outer client already."""
    outer = _current.get()
    return outer is not None and outer.target == target_of(request)


def target_of(request: HttpRequest) -> _Target:
    """Return what makes two requests the same while one of them is being sent."""
    url = request.url
    return request.method, getattr(url, "scheme", ""), url.netloc, url.path

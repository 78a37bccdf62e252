"""Requests of the gate's own HTTP client, which nothing patches: it shows itself at the seam.

So its exchanges are followed, paid for and sent elsewhere like any other client's. To show itself
proves nothing: that a socket was opened is seen below, and the answer must tell its origin.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from l9gate.errors import BudgetStop
from l9gate.observe.passage import Entrance, Passage
from l9gate.observe.relayed import RelayedResponse
from l9gate.observe.views import Request


@dataclass(slots=True)
class OwnRequest(Request):
    """A question of the gate's; what is sent is what this says once it was shown."""

    probe: str = ""  # which question


class OwnPassage:
    """Is told what comes of one request."""

    def __init__(self, passage: Passage | None) -> None:
        self._passage = passage

    def answered(self, status: int, headers: Mapping[str, str], peer: object) -> None:
        """Pass on the head of the answer.

        Args:
            status: of the answer.
            headers: names in lower case.
            peer: the address that the socket is connected to, as the socket says it.
        """
        if self._passage is not None:
            self._passage.answered(RelayedResponse(status, headers, peer))

    def received(self, data: bytes) -> None:
        """Pass on bytes of the body."""
        if self._passage is not None:
            self._passage.received(data)


@contextmanager
def showing(entrance: Entrance | None, request: OwnRequest) -> Iterator[OwnPassage]:
    """Show a request before it is sent, and its end when the block is left.

    Args:
        entrance: a seam; None: nobody watches.
        request: may be changed, so that it goes elsewhere.

    Raises:
        L9gateError: it must not be sent.
    """
    try:
        passage = None if entrance is None else entrance.enter(request, _reroute)
    except BudgetStop as stop:
        raise stop.error from None
    try:
        yield OwnPassage(passage)
    except BaseException as error:
        if passage is not None:
            passage.ended(error)
        raise
    else:
        if passage is not None:
            passage.ended(None)
    finally:
        if passage is not None:
            passage.leave()


def _reroute(request: OwnRequest, base_url: str) -> None:
    request.url = request.url.moved_to(base_url)

"""Clients whose headers were found good: who sends the same head again need not be asked again."""

import msgspec

from l9gate.net.http import HttpRequest
from l9gate.simulator.keys import Key

_MAX_VISITORS = 1024


class Visitor(msgspec.Struct, frozen=True):
    """What the head of a request for a message led to."""

    headers: dict[str, str]
    key: Key
    scope: str


class Visitors:
    """Remembers visitors by the headers that the server shares between equal heads; bounded.

    What the headers lead to depends on nothing else, unless their key expires: such a one is not
    remembered.
    """

    def __init__(self) -> None:
        self._known: dict[int, Visitor] = {}

    def find(self, request: HttpRequest) -> Visitor | None:
        """Return the visitor whose request has the very same headers, None if there is none."""
        if not request.shares_headers:
            return None
        found = self._known.get(id(request.headers))
        return found if found is not None and found.headers is request.headers else None

    def keep(self, request: HttpRequest, key: Key, scope: str) -> None:
        """Remember a visitor whose head was accepted."""
        if not request.shares_headers or key.expires_at is not None:
            return
        if len(self._known) >= _MAX_VISITORS:
            self._known.clear()
        self._known[id(request.headers)] = Visitor(request.headers, key, scope)

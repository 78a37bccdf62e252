"""Clients whose headers were found good: who sends the same head again need not be asked again."""

import msgspec

from l9gate.net.http import HttpRequest
from l9gate.simulator.bodies import CONTENT_ENCODING
from l9gate.simulator.journal import Client
from l9gate.simulator.keys import Key
from l9gate.simulator.limits import ModelLimits
from l9gate.simulator.plain import PlainHead
from l9gate.wire.headers import BETA, FAULT

_MAX_VISITORS = 1024
_WISHES = (BETA, CONTENT_ENCODING, FAULT)


class Desk(msgspec.Struct, frozen=True):
    """What plain requests of one visitor to one model have in common."""

    client: Client
    limits: ModelLimits
    head: PlainHead


class Visitor(msgspec.Struct, frozen=True):
    """What the head of a request for a message led to."""

    headers: dict[str, str]
    key: Key
    scope: str
    is_plain: bool  # neither its head nor its key ask for anything that changes the answer
    desks: dict[str, Desk] = {}  # by the model's name


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
        headers = request.headers
        if not request.shares_headers or key.expires_at is not None:
            return
        if len(self._known) >= _MAX_VISITORS:
            self._known.clear()
        is_plain = key.models is None and headers.keys().isdisjoint(_WISHES)
        self._known[id(headers)] = Visitor(headers, key, scope, is_plain)

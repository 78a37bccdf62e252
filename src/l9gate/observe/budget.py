"""The ledger at the seam: reserve before a byte is sent, settle by usage, refuse what is too much.

A refusal is a `BudgetStop`, which no SDK retries and no `except Exception` of an application takes
for a failure of the API; whoever runs the tests asks `take_refusals` as well, since a bare `except`
could still hide it.
"""

import ipaddress
import re
import zlib
from typing import Protocol

from l9gate.errors import BudgetError, BudgetStop, L9gateError
from l9gate.evidence.records import End, Exchange, Layer, Origin
from l9gate.observe.attribution import current_owner
from l9gate.observe.bodies import listen
from l9gate.observe.encoding import UnknownEncodingError, make_decoder
from l9gate.observe.recorder import Told
from l9gate.observe.watch import HttpRequest, Stop, Watch
from l9gate.store.account import Account, Payer, Reservation
from l9gate.wire.faults import ERROR_TYPES
from l9gate.wire.messages import parse_response_facts
from l9gate.wire.offer import is_paid, parse_offers

_COMPATIBLE = "/v1/chat/completions"  # of the API only at its own endpoint
_RESULTS = re.compile(r"/v1/messages/batches/(?P<batch>[^/]+)/results$")
_UNSENT = frozenset({Stop.REFUSED, Stop.UNCONNECTED})


class Follower(Protocol):
    """The recorder: follows a request and tells what came of it."""

    def begin(self, request: HttpRequest, told: Told | None = None) -> Watch | None:
        """Start to follow a request."""
        ...


class BudgetGuard:
    """The handler that stands before a recorder and lets through what the account allows.

    The unit layer, whose network is guarded, and tests of no layer are not its business, nor is
    loopback, unless the run's own endpoint or its proxy is there.
    """

    def __init__(self, account: Account, recorder: Follower, *hosts: str) -> None:
        """Guard calls to these hosts (host[:port]), and all others that are not on loopback."""
        self._account = account
        self._recorder = recorder
        self._hosts = frozenset(hosts)
        self._expects_refusal = False
        self._refused: list[L9gateError] = []

    def begin_test(self, *, expects_refusal: bool) -> None:
        """Note whether a test declares that the API is to refuse it."""
        self._expects_refusal = expects_refusal
        self._refused.clear()

    def take_refusals(self) -> list[L9gateError]:
        """Return what was refused since the last time, whoever noticed."""
        refused, self._refused = self._refused, []
        return refused

    def begin(self, request: HttpRequest) -> Watch | None:
        """Reserve what the request may cost, then have it followed.

        Raises:
            BudgetStop: it must not be sent.
        """
        payer = self._payer_of(request)
        if payer is None:
            results = _RESULTS.search(request.url.path) if request.method == "GET" else None
            return listen(
                self._recorder.begin(request),
                results and (lambda body: self._account.settle_batch(results["batch"], body)),
            )
        try:
            reservation = self._reserve(request, payer)
        except L9gateError as error:
            self._refused.append(error)
            raise BudgetStop(error) from error
        watch = self._recorder.begin(
            request, lambda exchange, stop: settle_by(reservation, exchange, stop)
        )
        is_batch = request.url.path.endswith("/messages/batches")
        return listen(watch, (lambda body: self._name(reservation, body)) if is_batch else None)

    def _name(self, reservation: Reservation, body: bytes) -> None:
        facts = parse_response_facts(body)
        if facts is not None and facts.id is not None:
            self._account.name_batch(reservation, facts.id)

    def _payer_of(self, request: HttpRequest) -> Payer | None:
        """Return who pays for a request, None if it costs nothing or is not ours to count."""
        url = request.url
        if not is_paid(request.method, url.path):
            return None
        is_target = url.netloc.decode("ascii", "replace") in self._hosts
        if not is_target and (_is_loopback(url.host) or url.path.endswith(_COMPATIBLE)):
            return None
        owner = current_owner()
        if owner is None:
            return Payer()
        if owner.layer is None or owner.layer is Layer.UNIT:
            return None
        return Payer(layer=owner.layer, test=owner.id, expects_refusal=self._expects_refusal)

    def _reserve(self, request: HttpRequest, payer: Payer) -> Reservation:
        body = _body_of(request)
        if body is None:
            error = BudgetError(
                f"the body of `POST {request.url.path}` cannot be read beforehand, so what it may "
                "cost is not known; it was not sent",
                hint="send it whole, in an encoding that Python knows",
            )
            self._account.refuse(payer, error)
            raise error
        return self._account.reserve(parse_offers(request.url.path, body), payer)


def settle_by(reservation: Reservation, exchange: Exchange | None, stop: Stop) -> None:
    """Replace a bound by what is known of the cost; what is not known stays at its bound.

    Raises:
        WriteError: the ledger cannot be written; the bound stays counted.
    """
    if exchange is None:
        if stop in _UNSENT:
            reservation.release()
        return
    if exchange.origin in (Origin.MOCKED, Origin.REPLAYED):
        reservation.release()
    elif exchange.status is None:
        if stop is Stop.UNCONNECTED:
            reservation.release()
    elif exchange.status >= 300:
        # A gateway's own 502 or 504 does not say whether a model has worked.
        if exchange.status < 500 or exchange.error_type in ERROR_TYPES:
            reservation.release()
    elif exchange.usage is not None:
        reservation.settle(exchange.usage, is_whole=exchange.end is End.COMPLETE)


def _body_of(request: HttpRequest) -> bytes | None:
    try:
        body = request.content
        decode = make_decoder(request.headers.get("content-encoding"))
        return b"".join(decode(body))
    except (RuntimeError, UnknownEncodingError, zlib.error):
        return None


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False

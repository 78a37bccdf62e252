"""Money for calls that only the proxy sees: set aside before they are sent, settled by usage."""

import zlib

from l9gate.errors import BudgetError, L9gateError
from l9gate.evidence.records import Exchange, Layer
from l9gate.observe.attribution import Owner
from l9gate.observe.budget import settle_by
from l9gate.observe.encoding import UnknownEncodingError, make_decoder
from l9gate.observe.relayed import RelayedRequest
from l9gate.observe.watch import Stop
from l9gate.store.account import Account, Payer, Reservation
from l9gate.wire.offer import is_paid, parse_offers


class Toll:
    """What one request has to pay; it waits until its body is whole, which says how much."""

    def __init__(self, account: Account, request: RelayedRequest, payer: Payer) -> None:
        self._account = account
        self._request = request
        self._payer = payer
        self._reservation: Reservation | None = None

    def pay(self) -> L9gateError | None:
        """Set aside what the request may cost; return why it must not be sent, if it must not."""
        try:
            offers = parse_offers(self._request.url.path, self._body())
            self._reservation = self._account.reserve(offers, self._payer)
        except L9gateError as error:
            return error
        return None

    def settle(self, exchange: Exchange | None, stop: Stop) -> None:
        """Replace what was set aside by what the call did cost."""
        if self._reservation is not None:
            settle_by(self._reservation, exchange, stop)

    def _body(self) -> bytes:
        body = self._request.copy
        try:
            decode = make_decoder(self._request.headers.get("content-encoding"))
            if body is not None:
                return b"".join(decode(body))
        except (UnknownEncodingError, zlib.error):
            body = None
        error = BudgetError(
            f"the body of `POST {self._request.url.path}` cannot be read beforehand, so what it "
            "may cost is not known; it was not sent",
            hint="send less at once, in an encoding that Python knows",
        )
        self._account.refuse(self._payer, error)
        raise error


def find_toll(account: Account | None, request: RelayedRequest, owner: Owner | None) -> Toll | None:
    """Return what a request has to pay, None if it is free.

    Tests of the unit layer, or of no layer, are not the run's business.
    """
    if account is None or not is_paid(request.method, request.url.path):
        return None
    if owner is None:
        return Toll(account, request, Payer())
    if owner.layer is None or owner.layer is Layer.UNIT:
        return None
    return Toll(account, request, Payer(layer=owner.layer, test=owner.id))

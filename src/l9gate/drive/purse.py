"""Pays for the calls of a load: sets money aside for some at once, settles by what they used.

A transaction for each call would be most of what a call costs us. A block of calls is set aside at
its bound before the first of them is sent, so no cap is ever exceeded; it stays a small part of
what is left, so that none is refused for money that lies in another block.
"""

import msgspec

from l9gate.drive.columns import Row
from l9gate.drive.workload import Job
from l9gate.errors import BudgetError
from l9gate.evidence.load import CallEnd
from l9gate.store.account import Account, Payer, Reservation
from l9gate.wire.offer import Offer, is_paid, parse_offers

_MOST_CALLS = 256  # in one block
_SMALL_PART = 20  # of what is left is the most that one block takes
_GRAIN_TOKENS = 512  # inputs are rounded up, so that bodies of about one length share a block
_MAX_KNOWN, _MAX_KNOWN_BYTES = 1024, 16 * 1024  # bodies whose offers are remembered


class Block(msgspec.Struct):
    """Money for some calls of one kind."""

    reservation: Reservation
    calls: int
    bound_usd: float  # of one call
    unused: int
    in_flight: int = 0
    cost_usd: float = 0.0


class Purse:
    """Lets calls begin that are paid for."""

    def __init__(self, account: Account, payer: Payer) -> None:
        self._account = account
        self._payer = payer
        self._offers: dict[tuple[str, bytes], Offer | None] = {}
        self._blocks: dict[Offer, Block] = {}  # those that the next calls take from
        self._open: dict[int, Block] = {}  # all that are not settled, by their reservation

    def take(self, job: Job) -> Block | None:
        """Return the block that pays for a call; None for a call that costs nothing.

        Raises:
            BudgetError: no cap allows it; it must not be sent.
            WriteError: the ledger cannot be written; it must not be sent.
        """
        offer = self._offer_of(job)
        if offer is None:
            return None
        block = self._blocks.get(offer)
        if block is None or block.unused == 0:
            block = self._blocks[offer] = self._set_aside(offer, block)
        block.unused -= 1
        block.in_flight += 1
        return block

    def settle(self, block: Block, row: Row) -> None:
        """Note what a call cost; the last one of a block settles it.

        Raises:
            WriteError: the ledger cannot be written; the bound stays counted.
        """
        block.in_flight -= 1
        block.cost_usd += _cost_usd(block, row)
        if block.in_flight == 0 and block.unused == 0:
            self._close(block)

    def give_back(self, block: Block) -> None:
        """Take back what was meant for a call that was not sent."""
        block.in_flight -= 1
        block.unused += 1

    def close(self) -> None:
        """Give back what was not used; calls without an end stay counted at their bound.

        Raises:
            WriteError: the ledger cannot be written; bounds stay counted.
        """
        for block in list(self._open.values()):
            self._close(block)
        self._blocks.clear()

    def _offer_of(self, job: Job) -> Offer | None:
        if not is_paid(job.method, job.path):
            return None
        if len(job.body) > _MAX_KNOWN_BYTES:
            return _rounded(parse_offers(job.path, job.body))
        key = job.path, job.body
        if key not in self._offers:
            if len(self._offers) >= _MAX_KNOWN:
                self._offers.clear()
            self._offers[key] = _rounded(parse_offers(job.path, job.body))
        return self._offers[key]

    def _set_aside(self, offer: Offer, before: Block | None) -> Block:
        """Reserve for twice as many calls as last time, if there is room."""
        calls = 1 if before is None else min(2 * before.calls, _MOST_CALLS)
        if calls > 1:
            assert before is not None  # noqa: S101  # told above
            left_usd = self._account.left_usd()
            if left_usd is not None and before.bound_usd > 0:
                calls = max(min(calls, int(left_usd / _SMALL_PART / before.bound_usd)), 1)
        reservation = self._account.reserve([offer] * calls, self._payer, calls=calls)
        bound_usd = offer.bound_usd(reservation.price)
        block = self._open[reservation.number] = Block(reservation, calls, bound_usd, calls)
        return block

    def _close(self, block: Block) -> None:
        del self._open[block.reservation.number]
        sent = block.calls - block.unused
        in_flight_usd = block.in_flight * block.bound_usd
        block.reservation.settle_block(block.cost_usd + in_flight_usd, sent)


def _rounded(offers: list[Offer]) -> Offer | None:
    if len(offers) != 1:
        raise BudgetError(
            "a load sends single messages, a request of the workload is none",
            hint="batches are no load: their answers come within a day",
        )
    offer = offers[0]
    grains = -(-offer.input_tokens // _GRAIN_TOKENS)
    return msgspec.structs.replace(offer, input_tokens=grains * _GRAIN_TOKENS)


def _cost_usd(block: Block, row: Row) -> float:
    """What a call cost; its bound where nothing says less."""
    held = block.reservation
    if row.is_free:
        return 0.0
    if row.usage is None:
        return block.bound_usd
    is_whole = row.end == CallEnd.OK
    extra_usd = held.extra_usd / block.calls
    return held.cost_usd(row.usage, is_whole=is_whole) + extra_usd

"""The money of one run: prices what is about to be sent, reserves, and settles what came of it.

Whatever sends a call without passing the seam asks here itself: `Account.reserve` before the first
byte, then `settle` or `release` on what it returns.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from l9gate.errors import BudgetError
from l9gate.evidence.records import Budget, Layer, LayerSpending, Origin
from l9gate.measure.clock import Clock
from l9gate.store.caps import Caps
from l9gate.store.ledger import Charge, Ledger, Refusal
from l9gate.wire.batch_results import batch_cost_usd
from l9gate.wire.messages import Usage
from l9gate.wire.offer import Offer
from l9gate.wire.prices import AS_OF, Price, PriceList, price_lines

LEDGER_VARIABLE = "L9GATE_LEDGER"  # where the ledger is
ACCOUNT_VARIABLE = "L9GATE_ACCOUNT"  # whose money it is: the name of a run
_NO_MODEL = "-"
_ADD = "add its price to pyproject.toml (in l9gate.toml without `tool.l9gate.`):\n\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Payer:
    """On whose behalf a call is sent."""

    layer: Layer | None = None
    test: str | None = None
    expects_refusal: bool = False  # it declares so: an unknown model is what it may be about


@dataclass(frozen=True, slots=True)
class Reservation:
    """Money that is set aside for one request; counted at its bound until it is settled."""

    ledger: Ledger
    number: int
    price: Price
    factor: float
    extra_usd: float
    output_bound: int  # tokens

    def settle(self, usage: Usage, *, is_whole: bool = True) -> None:
        """Replace the bound by what the usage costs.

        Args:
            usage: of the API.
            is_whole: False if the answer was cut, so that its output is only bounded.

        Raises:
            WriteError: the disk refuses; the bound stays counted.
        """
        cost_usd = self.cost_usd(usage, is_whole=is_whole) + self.extra_usd
        self.ledger.settle(self.number, cost_usd)

    def cost_usd(self, usage: Usage, *, is_whole: bool = True) -> float:
        """Return what one answer costs, without what its request costs beside its tokens."""
        cost_usd = self.price.cost_usd(usage)
        if not is_whole:
            rest = max(self.output_bound - usage.output_tokens, 0)
            input_tokens = (
                usage.input_tokens
                + usage.cache_read_input_tokens
                + usage.cache_creation_input_tokens
            )
            cost_usd += rest * self.price.output_usd(is_long=self.price.is_long(input_tokens))
        return cost_usd * self.factor

    def settle_block(self, cost_usd: float, calls: int) -> None:
        """Replace the bound of a block by what so many calls cost together.

        Raises:
            WriteError: the disk refuses; the bound stays counted.
        """
        self.ledger.settle(self.number, cost_usd, calls)

    def release(self) -> None:
        """Give everything back: the call was never sent, was refused, or was answered by a mock.

        Raises:
            WriteError: the disk refuses; the bound stays counted.
        """
        self.ledger.settle(self.number, 0.0)


@dataclass(frozen=True, slots=True)
class Grant:
    """Money that somebody without this ledger may spend; counted as spent until it is settled."""

    ledger: Ledger
    number: int

    def settle(self, spent_usd: float) -> None:
        """Count what was spent instead, and give the rest back.

        Raises:
            WriteError: the disk refuses; all of it stays counted.
        """
        self.ledger.settle(self.number, spent_usd)


class Account:
    """What one run may spend, in any of its processes."""

    def __init__(self, ledger: Ledger, run: str) -> None:
        """Look up what was agreed for the run.

        Raises:
            BudgetError: the ledger knows no such run.
            WriteError: the ledger cannot be opened.
        """
        self.run = run
        self._ledger = ledger
        self.kind, self.caps, self.prices = ledger.terms_of(run)

    @staticmethod
    def check_day(ledger: Ledger, caps: Caps) -> None:
        """Return if something of the day's limit is left.

        Raises:
            BudgetError: nothing is.
        """
        if caps.per_day_usd is None:
            return
        spent_usd = ledger.spent_on(ledger.today())
        if spent_usd >= caps.per_day_usd:
            message, hint = caps.refusal("day", caps.per_day_usd, spent_usd, 0.0)
            raise BudgetError(message, hint=hint)

    @classmethod
    def open(
        cls, ledger: Ledger, run: str, kind: Origin, caps: Caps, prices: PriceList
    ) -> "Account":
        """Begin to account for a new run.

        Raises:
            BudgetError: nothing of the day's limit is left.
            WriteError: the disk refuses.
        """
        cls.check_day(ledger, caps)
        ledger.open_run(run, kind, caps, prices)
        return cls(ledger, run)

    @classmethod
    def of_environ(cls, environ: Mapping[str, str], clock: Clock) -> "Account | None":
        """Return the account that a process was started with, None if it was started with none.

        Raises:
            BudgetError, WriteError: see `Account`.
        """
        path, run = environ.get(LEDGER_VARIABLE), environ.get(ACCOUNT_VARIABLE)
        return cls(Ledger(Path(path), clock), run) if path and run else None

    def variables(self) -> dict[str, str]:
        """Return the environment variables by which a child process finds this account."""
        path = str(self._ledger.path.absolute())
        return {LEDGER_VARIABLE: path, ACCOUNT_VARIABLE: self.run}

    @staticmethod
    def check_model(prices: PriceList, model: str | None, *, is_free: bool) -> None:
        """Return if calls of a model can be paid for; None is no model in particular.

        Raises:
            BudgetError: it has no known price.
        """
        if model is not None and not is_free and prices.find(model) is None:
            raise _unpriced(model)

    def reserve(self, offers: list[Offer], payer: Payer, *, calls: int = 1) -> Reservation:
        """Set the most that one request, or a block of them, may cost aside before it is sent.

        Args:
            offers: what it asks for; several of one batch share a model in practice, and if they
                do not, each is priced on its own.
            payer: whose work it is.
            calls: how many requests these offers are.

        Raises:
            BudgetError: it has no price, or a cap does not allow it; it must not be sent.
            WriteError: the ledger cannot be written; it must not be sent.
        """
        try:
            priced = [(offer, self._price(offer, payer)) for offer in offers]
        except BudgetError as error:
            self.refuse(payer, error)
            raise
        bound_usd = sum(offer.bound_usd(price) for offer, price in priced)
        names = sorted({offer.model or _NO_MODEL for offer in offers})
        charge = Charge(
            layer=payer.layer,
            test=payer.test,
            model=", ".join(names) or _NO_MODEL,
            bound_usd=bound_usd,
            calls=calls,
        )
        number = self._ledger.reserve(self.run, self.caps, self.kind, charge)
        offer, price = priced[0] if priced else (None, self.prices.dearest())
        return Reservation(
            ledger=self._ledger,
            number=number,
            price=price,
            factor=1.0 if offer is None else offer.factor(price),
            extra_usd=sum(one.extra_usd(its) for one, its in priced),
            output_bound=0 if offer is None else offer.output_bound(),
        )

    def grant(self, usd: float) -> Grant:
        """Set a sum aside for somebody on another machine.

        Raises:
            BudgetError: a cap does not allow it.
            WriteError: the ledger cannot be written.
        """
        charge = Charge(layer=None, test=None, model=_NO_MODEL, bound_usd=usd)
        return Grant(self._ledger, self._ledger.reserve(self.run, self.caps, self.kind, charge))

    def name_batch(self, reservation: Reservation, name: str) -> None:
        """Remember the id of a batch: what it cost comes with its results.

        Raises:
            WriteError: the disk refuses.
        """
        self._ledger.name_batch(reservation.number, name)

    def settle_batch(self, name: str, results: bytes) -> None:
        """Settle a batch by its results, JSON lines; what they do not tell stays at its bound.

        Raises:
            WriteError: the disk refuses; the bound stays counted.
        """
        cost_usd = batch_cost_usd(results, self.prices)
        if cost_usd is not None:
            self._ledger.settle_batch(name, cost_usd)

    def refuse(self, payer: Payer, error: BudgetError) -> None:
        """Remember that a request was refused whose cost cannot be told."""
        self._ledger.note_refusal(self.run, payer.layer, payer.test, error)

    def refusal(self, layer: Layer | None = None) -> Refusal | None:
        """Return what stopped the run, or one layer of it; None if nothing did."""
        return self._ledger.refusal_of(self.run, layer)

    def left_usd(self) -> float | None:
        """Return what the limits of the run and of the day leave, None if there is neither."""
        left_usd = []
        if self.caps.per_run_usd is not None:
            spent_usd = sum(part.spent_usd for part in self.spending())
            left_usd.append(self.caps.per_run_usd - spent_usd)
        if self.caps.per_day_usd is not None and self.kind is Origin.LIVE:
            spent_usd = self._ledger.spent_on(self._ledger.today())
            left_usd.append(self.caps.per_day_usd - spent_usd)
        return min(left_usd, default=None)

    def spending(self) -> tuple[LayerSpending, ...]:
        """Return what every layer has used up so far."""
        return self._ledger.spending_of(self.run)

    def was_refused(self, test: str) -> bool:
        """Whether a call of this test was refused, in this process or in a child."""
        return self._ledger.refused_calls_of(self.run, test) > 0

    def report(self, at_s: float, *, is_final: bool) -> Budget:
        """Return what there is to say of the run's money, as evidence."""
        refusal = self.refusal()
        refusals = [self.refusal(layer) for layer in Layer] if refusal is None else [refusal]
        first = next((one for one in refusals if one is not None), None)
        day = datetime.fromtimestamp(at_s, UTC).date()
        return Budget(
            at_s=at_s,
            run=self.run,
            kind=self.kind,
            caps_usd={word: usd for word, usd in self.caps.by_scope() if usd is not None},
            source=self.caps.source,
            is_final=is_final,
            layers=self.spending(),
            refusal=None if first is None else first.message,
            hint=None if first is None else first.hint,
            prices=self.prices.declared,
            prices_as_of=AS_OF.isoformat(),
            warning=self.prices.stale(day) if self.kind is Origin.LIVE else None,
        )

    def end(self) -> None:
        """End the run: whoever still calls in its name is refused.

        Raises:
            WriteError: the disk refuses.
        """
        self._ledger.close_run(self.run)
        self._ledger.close()

    def _price(self, offer: Offer, payer: Payer) -> Price:
        """Return the price of an offer, if it is known in everything that the offer asks for."""
        if offer.model is None:
            return self.prices.dearest()  # for nothing: the API refuses it
        price = self.prices.find(offer.model)
        is_free = self.caps.is_free(self.kind)
        if price is None:
            if payer.expects_refusal or is_free:
                return self.prices.dearest()
            raise _unpriced(offer.model)
        lacking = [key for key in offer.lacking if getattr(price, key) is None]
        if lacking and not (payer.expects_refusal or is_free):
            lines = price_lines(
                offer.model,
                {
                    "input_usd_per_mtok": f"{price.input_usd_per_mtok:g}",
                    "output_usd_per_mtok": f"{price.output_usd_per_mtok:g}",
                    **dict.fromkeys(lacking, "0.00"),
                },
            )
            raise BudgetError(
                f"what this call asks of `{offer.model}` has no known price "
                f"({', '.join(lacking)}), so it was not sent",
                hint=_ADD + lines,
            )
        return price


def _unpriced(model: str) -> BudgetError:
    return BudgetError(
        f"model `{model}` has no known price, so nothing was sent", hint=_ADD + price_lines(model)
    )

"""The money of a run: its limits before anything is started, its account while it goes on."""

from collections.abc import Iterator
from contextlib import contextmanager

from l9gate.evidence.records import Budget, Origin
from l9gate.sources.bench import Bench
from l9gate.store.account import Account
from l9gate.store.caps import Caps, caps_of
from l9gate.store.environments import Environment
from l9gate.store.ledger import Ledger
from l9gate.store.settings import Settings
from l9gate.wire.prices import in_dollars


def check_budget(
    settings: Settings, environment: Environment, kind: Origin, asked_usd: float | None
) -> Caps:
    """Return what a run may spend.

    Args:
        settings: the project's.
        environment: the one that is called.
        kind: live, or simulated in a rehearsal.
        asked_usd: `--budget`.

    Raises:
        BudgetError: the project's model has no known price, so that nothing could be sent.
    """
    of_environment = (environment.name, environment.budget_usd)
    caps = caps_of(kind, asked_usd, of_environment, settings.budget)
    Account.check_model(settings.prices, settings.model, is_free=caps.is_free(kind))
    return caps


@contextmanager
def spending(
    settings: Settings,
    kind: Origin,
    caps: Caps,
    run: str,
    bench: Bench,
    *,
    is_resumed: bool = False,
) -> Iterator[Account]:
    """Yield the account of a run; what may be spent and what was spent becomes evidence.

    One that is resumed keeps the limits that it began with, and what it has spent.

    Raises:
        BudgetError: the day's limit is used up.
        WriteError: the ledger cannot be written.
    """
    ledger = Ledger(settings.ledger, bench.clock)
    if is_resumed:
        Account.check_day(ledger, caps)
        ledger.reopen_run(run)
        account = Account(ledger, run)
    else:
        account = Account.open(ledger, run, kind, caps, settings.prices)
    try:
        begun = account.report(bench.clock.now_s(), is_final=False)
        bench.sink.put(begun)
        bench.say(caps.in_words())
        if begun.warning is not None:
            bench.say(f"warning: {begun.warning}")
        yield account
    finally:
        ended = account.report(bench.clock.now_s(), is_final=True)
        bench.sink.put(ended)
        account.end()
        bench.say(_in_words(ended))


def _in_words(report: Budget) -> str:
    usd = sum(layer.spent_usd for layer in report.layers)
    cap_usd = report.caps_usd.get("run")
    of = "" if cap_usd is None else f" of {in_dollars(cap_usd)}"
    return f"{'spent' if report.kind is Origin.LIVE else 'would have cost'} {in_dollars(usd)}{of}"

"""The money of a pytest session: its account, which children and workers find by variables."""

import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from l9gate.evidence.records import Budget, Layer, Origin
from l9gate.measure.clock import Clock
from l9gate.store.account import Account
from l9gate.store.caps import caps_of
from l9gate.store.environments import environment_name
from l9gate.store.ledger import Ledger
from l9gate.store.settings import Settings
from l9gate.wire.prices import in_dollars


class Purse:
    """The account that a session was started with, or the one that it opens itself."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._is_own = False
        self.account: Account | None = None

    def find(self) -> None:
        """Use the account that whoever started this process opened, if there is one.

        Raises:
            BudgetError, WriteError: it cannot be used.
        """
        self.account = Account.of_environ(os.environ, self._clock)

    def open(self, layers: Iterable[Layer], run: Path | None) -> Account | None:
        """Open an account for a session that nobody but its user started, if it may need one.

        Args:
            layers: those of the session; the unit layer calls nobody.
            run: the session's run folder, None if only a part of a layer is run.

        Raises:
            BudgetError: the day's limit is used up, or the project's model has no known price.
            WriteError: the ledger cannot be written.
        """
        if not any(layer.is_real for layer in layers):
            return None
        environment = self._settings.environment(environment_name(os.environ, None))
        caps = caps_of(
            Origin.LIVE, None, (environment.name, environment.budget_usd), self._settings.budget
        )
        Account.check_model(self._settings.prices, self._settings.model, is_free=False)
        ledger = Ledger(self._settings.ledger, self._clock)
        name = self._name_of(run)
        self.account = Account.open(ledger, name, Origin.LIVE, caps, self._settings.prices)
        self._is_own = True
        return self.account

    def close(self) -> Budget | None:
        """End an account of our own and return what there is to say of it.

        Raises:
            WriteError: the ledger cannot be written.
        """
        if self.account is None or not self._is_own:
            return None
        report = self.account.report(self._clock.now_s(), is_final=True)
        self.account.end()
        return report

    @property
    def is_refused(self) -> bool:
        """Whether the very first call was refused, so that nothing was tested."""
        if self.account is None or self.account.spending():
            return False
        return self.account.report(self._clock.now_s(), is_final=False).refusal is not None

    def _name_of(self, run: Path | None) -> str:
        if run is not None:
            return run.name
        now = datetime.fromtimestamp(self._clock.now_s(), UTC)
        return f"pytest-{now:%Y%m%dT%H%M%S}-{os.getpid()}"


def spending_in_words(report: Budget) -> str:
    """Return one line about an ended account, and why it refused calls if it did."""
    spent_usd = sum(layer.spent_usd for layer in report.layers)
    cap_usd = report.caps_usd.get("run", 0.0)
    line = f"l9gate: spent {in_dollars(spent_usd)} of {in_dollars(cap_usd)} ({report.source})"
    if report.warning is not None:
        line += f"\nl9gate: {report.warning}"
    if report.refusal is None:
        return line
    return f"{line}\nl9gate: stopped: {report.refusal}\n\nhint: {report.hint}"

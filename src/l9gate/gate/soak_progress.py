"""What a soak says while it runs: how the load stands, and what is asked of the gauges."""

from l9gate.criteria.criterion import Finding, State
from l9gate.criteria.quantities import Unit
from l9gate.drive.plan import Progress
from l9gate.gate.load_progress import LoadProgress
from l9gate.gate.request import Say
from l9gate.report.quantity import render_quantity
from l9gate.store.account import Account


class SoakProgress:
    """Says every few seconds how a soak stands."""

    def __init__(self, say: Say, account: Account | None = None) -> None:
        self._findings: tuple[Finding, ...] = ()
        self._load = LoadProgress(lambda line: say(self._with_findings(line)), account)

    def show(self, progress: Progress, findings: tuple[Finding, ...]) -> None:
        """Say a line if it is time for one."""
        self._findings = findings
        self._load.show(progress)

    def _with_findings(self, line: str) -> str:
        return " · ".join(filter(None, [line, describe_standing(self._findings)]))


def describe_standing(findings: tuple[Finding, ...]) -> str:
    """Return how the criteria stand so far: growth, what is broken, how many are open."""
    parts = [
        f"memory {render_quantity(one.observed, one.unit)} more"
        for one in findings[:1]
        if one.observed is not None and one.unit == Unit.BYTES.value
    ]
    for state in (State.BROKEN, State.UNPROVEN, State.KEPT):
        names = [one.criterion for one in findings if one.state is state]
        if names:
            told = ", ".join(names) if state is State.BROKEN else f"{len(names)}"
            parts.append(f"{state} so far: {told}")
    return ", ".join(parts)

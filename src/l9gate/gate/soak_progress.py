"""What a soak says while it runs: how the load stands, and what is asked of the gauges."""

from l9gate.criteria.criterion import Finding
from l9gate.drive.plan import Progress
from l9gate.gate.load_progress import LoadProgress
from l9gate.gate.request import Say
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
        return " · ".join([line, *map(_in_words, self._findings)])


def _in_words(finding: Finding) -> str:
    """Return a criterion and its state so far, with why where something is wrong."""
    return f"{finding.criterion.removeprefix('soak-')} {finding.state}"

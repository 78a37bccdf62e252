"""What the source of soak is told."""

from collections.abc import Callable
from dataclasses import dataclass

from l9gate.criteria.criterion import Finding, Scope
from l9gate.criteria.threshold import Threshold
from l9gate.drive.caller import Caller
from l9gate.drive.plan import Drive, Progress
from l9gate.evidence.records import Gauge
from l9gate.sources.soak.watched import Watched

OnSoakProgress = Callable[[Progress, tuple[Finding, ...]], None]


def _say_nothing(progress: Progress, findings: tuple[Finding, ...]) -> None:
    """Take no notice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SoakOrders:
    """A load, what is watched beside it, and what is asked of that."""

    drive: Drive
    watched: Watched
    every_s: float  # between two readings
    criteria: tuple[Threshold, ...]  # of gauges: they are looked at while it runs
    scope: Scope  # within which they are judged
    look_every_s: float
    stops_when_broken: bool = False
    caller: Caller | None = None  # of the application or its SDK; None: bytes to the endpoint
    on_progress: OnSoakProgress = _say_nothing
    before: tuple[Gauge, ...] = ()  # of the same soak, before it was interrupted

    @property
    def operations_before(self) -> int:
        """How many operations were done before the interruption."""
        return max((one.operations for one in self.before), default=0)

"""What the source of load is told."""

from collections.abc import Callable
from dataclasses import dataclass

from l9gate.criteria.criterion import Role, Scope
from l9gate.criteria.threshold import Threshold
from l9gate.drive.plan import Drive, Progress
from l9gate.drive.wire_entry import Entrance


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadOrders:
    """A load, and what is asked of it, so that it can end once that is certain."""

    drive: Drive
    criteria: tuple[tuple[Threshold, Role], ...]  # those that counting can decide
    scope: Scope  # within which they are judged
    least_s: float = 0.0  # nothing ends earlier because all is kept: a pace has to be sustained
    entrance: Entrance | None = None  # of the application or its SDK; None: bytes to the endpoint
    on_progress: Callable[[Progress], None] = lambda _: None

"""What the source of load is told."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from l9gate.criteria.criterion import Role, Scope
from l9gate.criteria.threshold import Threshold
from l9gate.drive.caller import Caller
from l9gate.drive.order import WHOLE, LoadOrder, Share
from l9gate.drive.plan import Progress
from l9gate.store.account import Account


class Engine(StrEnum):
    """Who starts the processes that share a load."""

    LOCAL = "local"  # we do, on this machine
    RAY = "ray"  # a cluster that runs already
    KUBERNETES = "kubernetes"  # whoever applies the manifest that is printed


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a load is carried out, and by how many."""

    workers: int = 1  # processes that share it
    engine: Engine = Engine.LOCAL
    cluster: str = "auto"  # address of a Ray cluster
    share: Share = WHOLE  # what is sent here of a load that others share elsewhere
    starts_s: float | None = None  # when the first call is due; None: once all is ready


HERE = Place()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked of a load, so that it can end once that is certain."""

    criteria: tuple[tuple[Threshold, Role], ...]  # those that counting can decide
    scope: Scope  # within which they are judged
    least_s: float = 0.0  # nothing ends earlier because all is kept: a pace has to be sustained


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadAssignment:
    """A load, who carries it out, and who pays."""

    order: LoadOrder
    asked: Asked
    key: str = field(repr=False)
    account: Account | None = None
    caller: Caller | None = None  # of the application or its SDK; None: bytes to the endpoint
    place: Place = HERE
    run: Path  # its folder, into which every process writes
    environ: Mapping[str, str] = field(repr=False)  # of these processes; it holds the key
    on_progress: Callable[[Progress], None] = lambda _: None

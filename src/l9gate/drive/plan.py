"""What a load is told, and what it says while it runs and at its end."""

import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

from l9gate.drive.arrivals import Arrivals, Closed
from l9gate.drive.workload import Job, Workload
from l9gate.errors import PlanError
from l9gate.evidence.load import CallEnd, Entry
from l9gate.evidence.words import Origin
from l9gate.measure.histogram import Histogram
from l9gate.wire.headers import REQUEST_ID

if TYPE_CHECKING:
    from l9gate.store.account import Account, Payer

Begin: TypeAlias = Callable[[], Awaitable[float]]
EXACT_VALUES = 1_000_000  # calls and gaps of one span that are kept one by one


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """How the endpoint is reached."""

    base_url: str
    key: str = field(repr=False)
    timeout_s: float = 60.0  # of one call, from when it is sent
    connections: int = 4096  # at most; who finds none free waits, and his latency goes on
    warm_connections: int = 0  # made before the first call
    proxy: str | None = None  # URL of an HTTP proxy
    tls: ssl.SSLContext | None = None  # what to trust instead of the system's authorities
    origin: Origin = Origin.LIVE  # of answers that say nothing else
    proof_header: str = REQUEST_ID


@dataclass(frozen=True, slots=True, kw_only=True)
class Drive:
    """One load, or one shard of it."""

    wire: Wire
    arrivals: Arrivals | Closed
    workload: Workload
    entry: Entry = Entry.WIRE
    span: str = "load"
    seed: int = 0
    shard: int = 0
    shards: int = 1
    begin: Begin | None = None  # asked once all is ready: when offset 0 is due; None: at once
    warm_up: int = 0  # calls before the measurement
    control: Job | None = None  # what the control arm sends
    control_every_s: float | None = None
    account: "Account | None" = None
    payer: "Payer | None" = None
    exact_values: int = EXACT_VALUES

    def __post_init__(self) -> None:
        if not 0 <= self.shard < self.shards:
            raise PlanError(f"there is no shard {self.shard} of {self.shards}")
        if self.wire.timeout_s <= 0 or self.wire.connections < 1 or self.warm_up < 0:
            raise PlanError("a load needs a time-out and a connection, and no less than no warm-up")
        if self.control_every_s is not None and (self.control is None or self.control_every_s <= 0):
            raise PlanError("a control arm needs a request, and a time above 0 between two")


class Reason(Enum):
    """Why a load came to its end."""

    COMPLETED = "completed"
    STOPPED = "stopped"  # who watched it had seen enough
    EXHAUSTED = "exhausted"  # the workload has no further request
    NOT_PAID = "not_paid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How a load stands; numbers of the main arm, latencies from due of answers as they should be.

    Quantiles are those at 0.5, 0.95 and 0.99, empty before the first answer.
    """

    at_s: float
    elapsed_s: float
    left_s: float | None  # until the last call is due
    planned: int | None
    sent: int
    done: int
    in_flight: int
    ends: dict[CallEnd, int]
    rate_per_s: float  # answers in the last stretch
    latency_s: tuple[float, ...]
    ttft_s: tuple[float, ...]
    lag_s: float  # p99 of the schedule's lag in the last stretch
    latency_counts: Histogram = field(default_factory=Histogram, repr=False)  # not to be changed
    ttft_counts: Histogram = field(default_factory=Histogram, repr=False)
    tally: dict[str, tuple[int, int]] = field(default_factory=dict)  # of criteria: n, and wrong


@dataclass(frozen=True, slots=True, kw_only=True)
class DriveEnd:
    """What came of a load; a stopped one has drained what was in flight."""

    reason: Reason
    planned: int | None
    sent: int
    done: int
    ends: dict[CallEnd, int]
    refusal: str | None = None  # of the budget


OnProgress: TypeAlias = Callable[[Progress], bool]  # True: enough was seen

"""What is asked of the evidence, and the answer."""

from enum import StrEnum
from typing import Protocol

import msgspec

from l9gate.evidence.log import EvidenceLog
from l9gate.evidence.records import Layer, Origin
from l9gate.measure.intervals import Rule
from l9gate.measure.sequential import RULES, Stopping


class State(StrEnum):
    """The answer to one criterion; absence of evidence is never *kept*."""

    KEPT = "kept"
    BROKEN = "broken"
    UNPROVEN = "unproven"


class Role(StrEnum):
    """What a criterion's answer does to the verdict."""

    BLOCKER = "blocker"  # broken: not ready
    EXIT = "exit"  # must be kept to be ready
    ADVICE = "advice"  # shown, never decides


class Interval(msgspec.Struct, frozen=True, kw_only=True):
    """One-sided bounds around an observed number; an open end is None."""

    low: float | None
    high: float | None
    confidence: float  # of each side, e.g. 0.95


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to one criterion, with the number, the limit and what it rests on."""

    criterion: str  # its name in the policy
    requirements: tuple[str, ...]  # ids such as "E-03"
    role: Role
    state: State
    condition: str  # normalised, e.g. "p95(latency_s) < 2"
    observed: float | None
    limit: float | None
    unit: str  # "s", "bytes", "%" (observed and limit are then fractions), "" for counts
    n: int  # how many of `basis` it rests on
    basis: str  # "calls", "tests", "operations", "readings"
    interval: Interval | None = None  # None where nothing was sampled
    reason: str | None = None  # one clause: why broken or unproven
    decides: str | None = None  # what would decide it, e.g. "241 more calls"
    evidence: tuple[str, ...] = ()  # names of the offending tests, at most 20
    where: dict[str, str] = {}
    layers: tuple[Layer, ...] = ()  # whose evidence was asked for; empty: the whole suite
    sources: tuple[str, ...] = ()  # the same beside layers: "load", "soak"
    waived: bool = False  # declared not applicable: shown first, never decides


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """What a run was asked to be; criteria judge within it."""

    layers: tuple[Layer, ...]  # the layers that were asked for
    kind: Origin  # LIVE, or SIMULATED in a rehearsal: the origin that counts
    environment: str  # "development" | "staging" | "production" | a name of the user's
    alpha: float = 0.05  # one-sided, already divided by the declared number of looks
    narrowed: str | None = None  # pytest's -k expression, if only some tests were run
    sources: tuple[str, ...] = ()  # what was asked for beside layers
    stopping: Stopping = Stopping.FIXED

    @property
    def rule(self) -> Rule:
        """How bounds are drawn."""
        return RULES[self.stopping]


def is_covered(scope: Scope, layers: frozenset[Layer], sources: frozenset[str]) -> bool:
    """Whether all these layers and sources were asked for; where neither is named, any layer."""
    if not layers and not sources:
        return bool(scope.layers)
    return layers <= set(scope.layers) and sources <= set(scope.sources)


class Criterion(Protocol):
    """One question to the evidence; judging is pure."""

    @property
    def name(self) -> str:
        """Return its name in the policy, unique there."""
        ...

    @property
    def role(self) -> Role:
        """Return what its answer does to the verdict."""
        ...

    @property
    def layers(self) -> frozenset[Layer]:
        """Return the layers whose evidence it needs; it is asked only if all of them were run."""
        ...

    def is_asked_of(self, scope: Scope) -> bool:
        """Return whether a run of this scope has what the criterion needs."""
        ...

    def judge(self, log: EvidenceLog, scope: Scope) -> Finding:
        """Return the answer; the same log and scope give an equal finding."""
        ...

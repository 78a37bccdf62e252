"""Findings to a verdict."""

import math
from collections.abc import Sequence
from enum import StrEnum

import msgspec

from l9gate.criteria.completeness import NAME as COMPLETE
from l9gate.criteria.criterion import Finding, Role, Scope, State
from l9gate.errors import ExitCode
from l9gate.evidence.records import Layer, Origin


class Outcome(StrEnum):
    """The answer to all criteria together."""

    READY = "ready"
    LAYERS_KEPT = "layers kept"  # everything asked was kept, but not every layer was asked
    SOURCES_KEPT = "sources kept"  # the same of a load or the like, without any layer
    NOT_READY = "not ready"
    UNPROVEN = "unproven"
    REHEARSED = "rehearsed"  # every layer was kept on the simulator
    LAYERS_REHEARSED = "layers rehearsed"
    SOURCES_REHEARSED = "sources rehearsed"
    REHEARSAL_BROKEN = "rehearsal broken"
    REHEARSAL_UNPROVEN = "rehearsal unproven"


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome, the finding that decided it, and everything that was asked."""

    outcome: Outcome
    exit_code: ExitCode
    scope: Scope
    findings: tuple[Finding, ...]  # in the order of the policy
    deciding: Finding | None  # None only if nothing was asked


_LIVE = {
    ExitCode.READY: (Outcome.READY, Outcome.LAYERS_KEPT, Outcome.SOURCES_KEPT),
    ExitCode.NOT_READY: (Outcome.NOT_READY,) * 3,
    ExitCode.UNPROVEN: (Outcome.UNPROVEN,) * 3,
}
_REHEARSED = {
    ExitCode.READY: (
        Outcome.REHEARSED,
        Outcome.LAYERS_REHEARSED,
        Outcome.SOURCES_REHEARSED,
    ),
    ExitCode.NOT_READY: (Outcome.REHEARSAL_BROKEN,) * 3,
    ExitCode.UNPROVEN: (Outcome.REHEARSAL_UNPROVEN,) * 3,
}
_WORST_FIRST = (
    (State.BROKEN, Role.BLOCKER),
    (State.BROKEN, Role.EXIT),
    (State.UNPROVEN, Role.BLOCKER),
    (State.UNPROVEN, Role.EXIT),
)


def decide(findings: Sequence[Finding], scope: Scope) -> Verdict:
    """Return the verdict: one broken finding is not ready, else one unproven, or none, unproven.

    Advice and waived findings never decide, and that a run is complete is not enough: nothing was
    asked of it. What uses the API is rehearsed unless the run was live; a run of the unit layer
    alone does not use it, so it is the same either way. Only a run of all layers can be ready.
    """
    judged = [one for one in findings if one.role is not Role.ADVICE and not one.waived]
    code = _code_of(judged)
    uses_api = bool(scope.sources) or set(scope.layers) != {Layer.UNIT}
    words = _REHEARSED if uses_api and scope.kind is not Origin.LIVE else _LIVE
    whole, part, beside = words[code]
    if scope.layers or not scope.sources:
        beside = part
    return Verdict(
        outcome=whole if set(scope.layers) == set(Layer) else beside,
        exit_code=code,
        scope=scope,
        findings=tuple(findings),
        deciding=_deciding(judged),
    )


def _code_of(judged: Sequence[Finding]) -> ExitCode:
    states = {finding.state for finding in judged}
    if State.BROKEN in states:
        return ExitCode.NOT_READY
    asks_anything = any(finding.criterion != COMPLETE for finding in judged)
    if State.UNPROVEN in states or not asks_anything:
        return ExitCode.UNPROVEN
    return ExitCode.READY


def _deciding(judged: Sequence[Finding]) -> Finding | None:
    """Return the worst finding; if all are kept, the one nearest to its limit."""
    for state, role in _WORST_FIRST:
        for finding in judged:
            if finding.state is state and finding.role is role:
                return finding
    return min(judged, key=_margin, default=None)


def _margin(finding: Finding) -> float:
    """Return how far a kept number is from its limit, as a share of the limit.

    A sampled number counts with the end of its interval that is nearest. What equals its limit by
    definition, such as no failures or all scenarios, says nothing and ranks last.
    """
    if finding.limit is None or finding.limit == 0 or finding.observed is None:
        return math.inf
    if not any(f" {sign} " in finding.condition for sign in ("<", "<=", ">", ">=")):
        return math.inf
    numbers = [finding.observed]
    if finding.interval is not None:
        numbers += [end for end in (finding.interval.low, finding.interval.high) if end is not None]
    return min(abs(number - finding.limit) for number in numbers) / abs(finding.limit)

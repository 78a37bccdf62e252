"""Stated confidence (K-01 … K-05): numbers with the assumption that each rests on."""

import math
import statistics
from collections.abc import Iterable, Sequence

import msgspec

from l9gate.criteria.criterion import Finding, Role, Scope, State
from l9gate.criteria.drifts import read_mock_drifts
from l9gate.criteria.excerpt import Excerpt
from l9gate.criteria.outcomes import account_of
from l9gate.criteria.snapshot import Snapshot
from l9gate.evidence.log import EvidenceLog
from l9gate.evidence.records import Layer, Origin


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """What the policy states for one layer."""

    requirement: str  # "K-01"
    layer: Layer | None  # None: overall
    value: float
    assumption: str


class StatedConfidence(msgspec.Struct, frozen=True, kw_only=True):
    """A claim, and whether this run establishes it."""

    claim: Claim
    established: bool
    reason: str | None  # why not: "the layer did not run", "simulated", "a criterion is broken"
    note: str | None = None  # overall: how it follows from the others; unit: what mocks showed


def state_confidence(
    claims: Iterable[Claim], findings: Sequence[Finding], scope: Scope, log: EvidenceLog
) -> tuple[StatedConfidence, ...]:
    """Return every claim of a policy and whether this run establishes it.

    A layer that did not run, or was not kept, or was only rehearsed, establishes nothing; the
    overall claim stands only if all four layers do.
    """
    claims = tuple(claims)
    log = Snapshot.of_log(log)
    mocks = check_mocks(log, scope)
    reasons = {layer: _why_not(layer, findings, scope, log) for layer in Layer}
    reasons[Layer.UNIT] = reasons[Layer.UNIT] or mocks.reason
    return tuple(
        _overall(claim, claims, findings, reasons)
        if claim.layer is None
        else StatedConfidence(
            claim=claim,
            established=reasons[claim.layer] is None,
            reason=reasons[claim.layer],
            note=mocks.note if claim.layer is Layer.UNIT else None,
        )
        for claim in claims
    )


class MockCheck(msgspec.Struct, frozen=True, kw_only=True):
    """Whether mocks were seen to answer as the API promises: what the claim of unit tests assumes.

    Both are None if the layer was not run.
    """

    reason: str | None = None  # the assumption is void
    note: str | None = None  # on what it stands, or that it was not tested


def check_mocks(log: EvidenceLog, scope: Scope) -> MockCheck:
    """Return what the mocked answers of the unit layer say about the assumption on mocks."""
    if Layer.UNIT not in scope.layers:
        return MockCheck()
    found = read_mock_drifts(Excerpt(log, scope, frozenset({Layer.UNIT})))
    if found.value is None:
        return MockCheck(note="assumption not tested: no mocked answer was seen")
    if found.value > 0:
        reason = f"differences of mocks from the API's contract: {found.value:,.0f}"
        return MockCheck(reason=reason, note=f"assumption void: {found.note}")
    return MockCheck(note=f"assumption holds; mocked answers seen: {found.n:,}")


def describe_combination(claims: Iterable[Claim]) -> str | None:
    """Return how the overall number follows from those of the layers, None without any."""
    values = [claim.value for claim in claims if claim.layer is not None]
    if not values:
        return None
    mean, product = statistics.fmean(values), math.prod(values)
    return (
        f"the plain mean of the layers is {mean:.1%}; were they independent, "
        f"their product would be {product:.1%}"
    )


def _overall(
    claim: Claim,
    claims: tuple[Claim, ...],
    findings: Sequence[Finding],
    reasons: dict[Layer, str | None],
) -> StatedConfidence:
    missing = [str(layer) for layer, reason in reasons.items() if reason is not None]
    reason = f"needs {', '.join(missing)}" if missing else None
    if reason is None:
        reason = _first_not_kept(finding for finding in findings if not finding.layers)
    return StatedConfidence(
        claim=claim,
        established=reason is None,
        reason=reason,
        note=describe_combination(claims),
    )


def _why_not(
    layer: Layer, findings: Sequence[Finding], scope: Scope, log: EvidenceLog
) -> str | None:
    """Return why a layer establishes nothing, None if it does."""
    if layer not in scope.layers:
        return "the layer did not run"
    if account_of(Excerpt(log, scope, frozenset({layer}))).executed == 0:
        return "the layer executed no test"
    if layer.is_real and scope.kind is not Origin.LIVE:
        return str(scope.kind)
    own = [finding for finding in findings if layer in finding.layers]
    if not own:
        return "no criterion asked for the layer"
    return _first_not_kept(own)


def _first_not_kept(findings: Iterable[Finding]) -> str | None:
    return next(
        (
            f"{finding.criterion} is {finding.state}"
            for finding in findings
            if finding.role is not Role.ADVICE
            and finding.state is not State.KEPT
            and not finding.waived
        ),
        None,
    )

"""Findings to a verdict."""

from enum import StrEnum

import msgspec

from l9gate.criteria.criterion import Finding, Scope
from l9gate.errors import ExitCode


class Outcome(StrEnum):
    """The answer to all criteria together."""

    READY = "ready"
    LAYERS_KEPT = "layers kept"  # everything asked was kept, but not every layer was asked
    NOT_READY = "not ready"
    UNPROVEN = "unproven"
    REHEARSED = "rehearsed"  # every layer was kept on the simulator
    LAYERS_REHEARSED = "layers rehearsed"
    REHEARSAL_BROKEN = "rehearsal broken"
    REHEARSAL_UNPROVEN = "rehearsal unproven"


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome, the finding that decided it, and everything that was asked."""

    outcome: Outcome
    exit_code: ExitCode
    scope: Scope
    findings: tuple[Finding, ...]  # in the order of the policy
    deciding: Finding | None  # None only if nothing was asked

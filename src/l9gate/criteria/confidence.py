"""Stated confidence (K-01 … K-05): numbers with the assumption that each rests on."""

import msgspec

from l9gate.evidence.records import Layer


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

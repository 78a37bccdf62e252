"""What a reader must know beside the numbers."""

import math
from collections.abc import Sequence

from l9gate.criteria.confidence import StatedConfidence
from l9gate.evidence.records import Origin
from l9gate.store.overrides import Override
from l9gate.store.run import Manifest
from l9gate.verdict import Verdict

_SHORT_REVISION = 12
_SHOWN_DIGITS = 3  # of a fraction: one digit of a percentage


def write_notes(
    manifests: Sequence[Manifest],
    verdict: Verdict,
    confidence: Sequence[StatedConfidence],
    overrides: Sequence[Override],
) -> tuple[str, ...]:
    """Return the notes of a report, most important first."""
    return (
        *_about_kind(verdict),
        *_about_runs(manifests),
        *_about_scope(verdict),
        *(_about_override(override) for override in overrides),
        *_about_confidence(confidence),
    )


def _about_kind(verdict: Verdict) -> tuple[str, ...]:
    if verdict.scope.kind is Origin.LIVE:
        return ()
    return (
        "a rehearsal: the simulator answered, so this shows that suites and gate work, "
        "and nothing about the API",
    )


def _about_runs(manifests: Sequence[Manifest]) -> tuple[str, ...]:
    notes = []
    if len(manifests) > 1:
        notes.append(f"{len(manifests)} runs are pooled: {', '.join(m.run_id for m in manifests)}")
    if manifests and manifests[0].git_revision is None:
        notes.append("the code has no git revision: nobody can tell later what was judged")
    changed = [manifest for manifest in manifests if manifest.git_dirty]
    if changed:
        revision = (changed[0].git_revision or "")[:_SHORT_REVISION]
        notes.append(f"the work tree had changes that are not in revision {revision}")
    return tuple(notes)


def _about_scope(verdict: Verdict) -> tuple[str, ...]:
    if verdict.scope.narrowed is None:
        return ()
    return (f"only tests matching `{verdict.scope.narrowed}` were run",)


def _about_override(override: Override) -> str:
    return (
        f"override by {override.owner} until {override.expires}: {override.reason} "
        "(it does not change the verdict)"
    )


def _about_confidence(confidence: Sequence[StatedConfidence]) -> tuple[str, ...]:
    layers = [one.claim.value for one in confidence if one.claim.layer is not None]
    overall = [one.claim.value for one in confidence if one.claim.layer is None]
    if not layers or not overall:
        return ()
    mean, product = sum(layers) / len(layers), math.prod(layers)
    if round(mean, _SHOWN_DIGITS) == round(overall[0], _SHOWN_DIGITS):
        relation = f"is the plain mean of the {_spelled(len(layers))} layers ({mean:.1%}"
    else:
        relation = f"is stated as {overall[0]:.1%} (the plain mean would be {mean:.1%}"
    text = f"the policy's overall confidence {relation}; the product would be {product:.1%})"
    return (text.replace("%", " %"),)


def _spelled(number: int) -> str:
    return {1: "one", 2: "two", 3: "three", 4: "four"}[number]

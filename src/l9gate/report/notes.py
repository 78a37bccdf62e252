"""What a reader must know beside the numbers."""

from collections.abc import Sequence

from l9gate.measure.sequential import Stopping
from l9gate.report.headline import REHEARSALS
from l9gate.store.overrides import Override
from l9gate.store.run import Manifest
from l9gate.verdict import Verdict

_SHORT_REVISION = 12


def write_notes(
    manifests: Sequence[Manifest],
    verdict: Verdict,
    overrides: Sequence[Override],
) -> tuple[str, ...]:
    """Return the notes of a report, most important first."""
    return (
        *_about_kind(verdict),
        *_about_runs(manifests),
        *_about_scope(verdict),
        *(_about_override(override) for override in overrides),
    )


def _about_kind(verdict: Verdict) -> tuple[str, ...]:
    if verdict.outcome not in REHEARSALS:
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
    notes = []
    if verdict.scope.narrowed is not None:
        notes.append(f"only tests matching `{verdict.scope.narrowed}` were run")
    if verdict.scope.stopping is Stopping.ANYTIME:
        notes.append("judged at any time: bounds hold however often one looks, and are wider")
    return tuple(notes)


def _about_override(override: Override) -> str:
    return (
        f"override by {override.owner} until {override.expires}: {override.reason} "
        "(it does not change the verdict)"
    )

"""What an application relies on, by who says so: its settings, its baseline, its own traffic."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from l9gate.contract import Baseline, Reliance, find_reason, make_baseline, merge_reliances
from l9gate.criteria.ownership import Ownership
from l9gate.errors import RunDataError
from l9gate.evidence.log import EvidenceLog
from l9gate.evidence.records import Exchange, Origin
from l9gate.report.contract import ContractLine
from l9gate.store.run import open_run, run_paths
from l9gate.store.settings import Settings

_LAST_RUNS = 10


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What the application's own calls in a run asked for and were answered."""

    run: str
    models: tuple[str, ...] = ()
    stop_reasons: tuple[str, ...] = ()

    @property
    def advice(self) -> str | None:
        """What to declare; None: there is nothing. Meeting a reason is not handling it."""
        if not self.stop_reasons:
            return None
        met = ", ".join(f'"{reason}"' for reason in self.stop_reasons)
        return (
            f"run {self.run} met stop_reasons = [{met}]; in [tool.l9gate.contract.relies_on] "
            "declare those that the application has a branch for"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Relying:
    """Everything that is known of it."""

    baseline: Baseline  # that was accepted, or promises alone; with all that is relied on
    parts: dict[str, Reliance]  # by who says it

    def explain(self, lines: Iterable[ContractLine]) -> tuple[ContractLine, ...]:
        """Return differences with what they are to this application, and who says so."""
        return tuple(
            msgspec.structs.replace(line, concerns=find_reason(line.drift, self.parts))
            for line in lines
        )


def rely(
    settings: Settings, accepted: Baseline | None, place: str, seen: Seen | None = None
) -> Relying:
    """Return what is declared, accepted and seen, together.

    Args:
        settings: of the project.
        accepted: its baseline; None: there is none.
        place: where the baseline is, in words.
        seen: what its own traffic showed.
    """
    declared = msgspec.convert(msgspec.to_builtins(settings.relies_on), Reliance)
    parts = {f"declared in {settings.file.name}": declared}
    if accepted is not None:
        parts[f"in {place}"] = accepted.reliance
    if seen is not None:
        parts[f"seen in run {seen.run}"] = Reliance(models=seen.models)
    whole = merge_reliances(parts.values())
    baseline = msgspec.structs.replace(accepted or make_baseline(), reliance=whole)
    return Relying(baseline=baseline, parts=parts)


def see_newest(settings: Settings) -> Seen | None:
    """Return what the newest run of the package shows in which calls were answered, if any.

    A run that cannot be read shows nothing; nor is one looked for beyond the last few.
    """
    for path in run_paths(settings.runs)[:_LAST_RUNS]:
        try:
            if open_run(path).manifest.package == settings.package:
                seen = see_run(path)
                if seen.models:
                    return seen
        except RunDataError:
            continue
    return None


def see_run(path: Path) -> Seen:
    """Return what the application's own calls in a run show.

    Raises:
        RunDataError: it cannot be read.
    """
    folder = open_run(path)
    with folder.read() as log:
        return see(log, folder.manifest.kind, path.name)


def see(log: EvidenceLog, kind: Origin, name: str) -> Seen:
    """Return what calls show that were answered; tests about failures ask for anything."""
    ownership = Ownership.of(log)
    calls = [
        one
        for one in log.of(Exchange)
        if one.origin is kind and one.succeeded and not ownership.is_about_failure(one.owner)
    ]
    return Seen(
        run=name,
        models=tuple(sorted({one.model for one in calls if one.model is not None})),
        stop_reasons=tuple(sorted({one.stop_reason for one in calls if one.stop_reason})),
    )

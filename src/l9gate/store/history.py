"""All runs of a project."""

from dataclasses import dataclass
from pathlib import Path

from l9gate.errors import RunDataError
from l9gate.store.run import Manifest, open_run, run_paths


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One folder among the runs: its manifest, or why it has none."""

    path: Path
    manifest: Manifest | None
    error: RunDataError | None


def read_history(root: Path) -> tuple[HistoryEntry, ...]:
    """Return every folder under the folder of all runs, newest first; broken ones say why."""
    return tuple(_read_entry(path) for path in run_paths(root))


def _read_entry(path: Path) -> HistoryEntry:
    try:
        return HistoryEntry(path, open_run(path).manifest, None)
    except RunDataError as error:
        return HistoryEntry(path, None, error)

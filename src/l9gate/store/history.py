"""All runs of a project."""

from dataclasses import dataclass
from pathlib import Path

from l9gate.errors import RunDataError
from l9gate.evidence.records import Layer, LayerRun
from l9gate.store.run import Manifest, open_run, run_paths

_RECENT = 5


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One folder among the runs: its manifest, or why it has none."""

    path: Path
    manifest: Manifest | None
    error: RunDataError | None


def read_history(root: Path) -> tuple[HistoryEntry, ...]:
    """Return every folder under the folder of all runs, newest first; broken ones say why."""
    return tuple(_read_entry(path) for path in run_paths(root))


def last_runtime_s(root: Path, layer: Layer) -> float | None:
    """Return how long a layer took in the newest run that has it; None if it never ran.

    The number only tells people how long they will wait; a damaged run is passed over.
    """
    for path in run_paths(root)[:_RECENT]:
        try:
            folder = open_run(path)
            if layer in folder.manifest.layers:
                with folder.read() as log:
                    runs = [run for run in log.of(LayerRun) if run.layer is layer]
                if runs:
                    return runs[-1].ended_s - runs[-1].started_s
        except RunDataError:
            continue
    return None


def _read_entry(path: Path) -> HistoryEntry:
    try:
        return HistoryEntry(path, open_run(path).manifest, None)
    except RunDataError as error:
        return HistoryEntry(path, None, error)

"""Latencies under load as an HdrHistogram log, version 1.3, which other tools read and merge.

Source: `HistogramLogWriter` and `HistogramLogReader` of HdrHistogram's Java source; the Python
package `hdrhistogram` reads the same lines.
"""

import base64
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from l9gate.criteria.criterion import Scope
from l9gate.criteria.excerpt import Excerpt
from l9gate.criteria.load_client import why_limited
from l9gate.criteria.load_samples import rank_gaps, rank_latency, rank_service, rank_ttft
from l9gate.criteria.load_view import LoadView
from l9gate.criteria.ranked import Ranked
from l9gate.criteria.snapshot import Snapshot
from l9gate.errors import RunDataError
from l9gate.evidence.load import Arm
from l9gate.evidence.log import EvidenceLog
from l9gate.measure.histogram import MAX_S

_QUANTITIES: tuple[tuple[str, Callable[[Excerpt], Ranked]], ...] = (
    ("latency", rank_latency),  # from when a call was due
    ("service", rank_service),  # from when it was sent
    ("ttft", rank_ttft),
    ("gap", rank_gaps),
)
_HEAD = (
    "#[Histogram log format version 1.3]",
    "#[l9gate: values are nanoseconds; Interval_Max is in milliseconds]",
    f"#[l9gate: what is only known to be longer, a timeout, stands at {MAX_S:.3f} s]",
)
_LEGEND = '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"'


def render_hdr(log: EvidenceLog, scope: Scope) -> str:
    """Return a line for each quantity of each arm of each span, `Tag=load.main.latency` and so on.

    A histogram covers its whole span. Answers without proof are in none, as in no criterion.

    Raises:
        RunDataError: nothing was measured under load.
    """
    snapshot = Snapshot.of_log(log)
    arms = [
        Excerpt(snapshot, scope, frozenset(), {"span": span, "arm": str(arm)})
        for span in sorted({one.span for one in snapshot.load.blocks})
        for arm in (Arm.MAIN, Arm.CONTROL)
    ]
    arms = [one for one in arms if one.load.blocks]
    start_s = min((_window_s(one.load)[0] for one in arms), default=0.0)
    lines = [line for one in arms for line in _lines(one, start_s)]
    if not lines:
        raise RunDataError(
            "this run measured nothing under load, so there is no histogram of it",
            hint="`--format hdr` is for runs of `l9gate load` and `l9gate soak`",
        )
    told = datetime.fromtimestamp(start_s, UTC).isoformat(timespec="milliseconds")
    start = f"#[StartTime: {start_s:.3f} (seconds since epoch), {told}]"
    doubts = [line for one in arms for line in _doubts(one)]
    return "\n".join((*_HEAD, start, *doubts, _LEGEND, *lines)) + "\n"


def _lines(arm: Excerpt, start_s: float) -> Iterator[str]:
    since_s, until_s = _window_s(arm.load)
    for quantity, rank in _QUANTITIES:
        histogram = rank(arm).histogram()
        if not histogram.count:
            continue
        histogram.add_counted([MAX_S], [histogram.infinite])
        most_ms = 1_000 * float(histogram.steps()[0][-1])
        payload = base64.b64encode(histogram.to_hdr()).decode()
        tag = f"{_name(arm)}.{quantity}"
        yield f"Tag={tag},{since_s - start_s:.3f},{until_s - since_s:.3f},{most_ms:.3f},{payload}"


def _doubts(arm: Excerpt) -> Iterator[str]:
    limited = why_limited(arm)
    if limited is not None:
        yield f"#[l9gate: {_name(arm)} is unproven: {limited}]"


def _name(arm: Excerpt) -> str:
    """Return what begins a tag, in which neither commas nor blanks may stand."""
    span = "".join("_" if one in ", \t" else one for one in arm.where["span"])
    return f"{span}.{arm.where['arm']}"


def _window_s(view: LoadView) -> tuple[float, float]:
    """Return when the first call of an arm was due, and when the last one ended."""
    starts = [*view.due_s.tolist(), *(one.since_s for one in view.slices)]
    ends = [*view.ended_s.tolist(), *(one.until_s for one in view.slices)]
    return min(starts), max(ends)

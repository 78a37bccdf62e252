"""What charts show of a run: its load, its soak, or the calls of its tests."""

import re
from collections.abc import Iterable, Sequence

from l9gate.criteria.criterion import Finding, Scope
from l9gate.criteria.excerpt import Excerpt, is_on_route
from l9gate.criteria.load_samples import rank_latency_of
from l9gate.criteria.load_view import LoadView
from l9gate.criteria.proof import MESSAGES_ROUTE
from l9gate.criteria.samples import latencies_of
from l9gate.criteria.snapshot import Snapshot
from l9gate.criteria.soak_summary import Course
from l9gate.evidence.gauges import MEMORY
from l9gate.evidence.load import Arm
from l9gate.evidence.log import EvidenceLog
from l9gate.report.charts import Limit, Series
from l9gate.report.quantity import operator_of, render_quantity, subject_of

_QUANTILE = re.compile(r"p([\d.]+)\((.+)\)")
OF_LOAD, OF_CALLS = "load.latency_s", "latency_s"
_OF_MEMORY = "soak.memory_growth_bytes"


def series_of_load(log: EvidenceLog, scope: Scope) -> list[Series]:
    """Return the main arm of a load and, where there is one, its control arm."""
    snapshot = Snapshot.of_log(log)
    views = {arm: snapshot.load.view(scope.kind, {"arm": arm}) for arm in (Arm.MAIN, Arm.CONTROL)}
    starts = [float(view.due_s.min()) for view in views.values() if len(view.due_s)]
    return [
        _series_of(str(arm), view, min(starts)) for arm, view in views.items() if len(view.due_s)
    ]


def _series_of(name: str, view: LoadView, start_s: float) -> Series:
    whole = view.is_proven
    return Series(
        name=name,
        at_s=(view.due_s[whole] - start_s).tolist(),
        took_s=(view.ended_s - view.due_s)[whole].tolist(),
        ranked_s=rank_latency_of(view),
        failed_s=(view.ended_s[view.is_failed] - start_s).tolist(),
    )


def series_of_calls(log: EvidenceLog, scope: Scope) -> list[Series]:
    """Return the calls that ordinary tests made, layer by layer."""
    excerpt = Excerpt(log, scope)
    calls = [call for call in excerpt.calls if is_on_route(call.last, MESSAGES_ROUTE)]
    if not calls:
        return []
    start_s = min(call.first.due_s for call in calls)
    found = []
    for layer in dict.fromkeys(call.last.layer for call in calls):
        ours = [call for call in calls if call.last.layer is layer]
        whole = [call for call in ours if call.last.succeeded]
        failed = [call for call in ours if not call.last.succeeded]
        found.append(
            Series(
                name=str(layer or "no layer"),
                at_s=[call.first.due_s - start_s for call in whole],
                took_s=[call.latency_s for call in whole],
                ranked_s=sorted(one.value for one in latencies_of(ours)),
                failed_s=[call.last.ended_s - start_s for call in failed],
            )
        )
    return found


def limits_on(quantity: str, findings: Iterable[Finding]) -> list[Limit]:
    """Return the limits of a policy on quantiles of a quantity, equal ones once."""
    limits: dict[tuple[float, float], Limit] = {}
    for finding in findings:
        match = _QUANTILE.fullmatch(subject_of(finding.condition))
        if match is None or match[2] != quantity or finding.limit is None:
            continue
        shown = render_quantity(finding.limit, finding.unit)
        name = f"p{match[1]} {operator_of(finding.condition)} {shown}"
        share = round(float(match[1]) / 100, 6)
        limits.setdefault((share, finding.limit), Limit(
            name=name, quantile=share, value_s=finding.limit
        ))  # fmt: skip
    return list(limits.values())


def limits_on_gauge(
    courses: Sequence[Course], findings: Iterable[Finding]
) -> list[tuple[str, float]]:
    """Return where one gauge is used up, and where a policy sees too much growth; each once.

    Growth counts from where the fitted line of the longest course begins.
    """
    found = {one.limit: "used up" for one in courses if one.limit is not None}
    longest = max(courses, key=lambda one: one.summary.readings)
    if longest.summary.gauge == MEMORY and longest.base is not None:
        for finding in findings:
            if subject_of(finding.condition) == _OF_MEMORY and finding.limit is not None:
                shown = render_quantity(finding.limit, finding.unit)
                told = f"growth {operator_of(finding.condition)} {shown}"
                found.setdefault(longest.base + finding.limit, told)
    return [(told, value) for value, told in found.items()]

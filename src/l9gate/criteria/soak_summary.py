"""What a soak did to each gauge: where it began and ended, how it grows, and its course."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import msgspec

from l9gate.criteria.criterion import Scope
from l9gate.criteria.excerpt import Excerpt
from l9gate.criteria.soak_trends import (
    TOLERANCES,
    gauge_limits,
    gauge_series,
    gauge_trends,
    latency_series,
    latency_trend,
)
from l9gate.evidence.gauges import DISK, MEMORY
from l9gate.evidence.load import Source
from l9gate.evidence.log import EvidenceLog
from l9gate.measure.trend import WARM_UP_SHARE, Growth, Trend, without_gaps

LATENCY = "latency_p95_s"  # no gauge, and drifts as one
_UNITS = {MEMORY: "bytes", DISK: "bytes", LATENCY: "s"}
Points = tuple[tuple[float, float], ...]  # seconds since the soak began, and a value


class GaugeSummary(msgspec.Struct, frozen=True, kw_only=True):
    """How one gauge of one process fared over a soak."""

    gauge: str
    unit: str
    process: str | None  # pid and start; None: the p95 of latency, which is of all
    readings: int
    start: float
    end: float
    growth: Growth
    reason: str
    rise: float | None  # over the soak, at the pace after the warm-up; None: too few readings
    per_hour: float | None
    per_1000_operations: float | None
    exhausted_in_s: float | None  # from the last reading; None: not in sight


class SoakSummary(msgspec.Struct, frozen=True, kw_only=True):
    """Every gauge that was read in a soak."""

    gauges: tuple[GaugeSummary, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """The readings of a gauge, in parts between which nobody looked."""

    summary: GaugeSummary
    parts: tuple[Points, ...]
    line: tuple[Points, ...]  # of the fitted pace after the warm-up; none if nothing grows
    base: float | None  # where that line begins
    limit: float | None  # the value at which it is used up


def summarize_soak(log: EvidenceLog, scope: Scope) -> SoakSummary | None:
    """Return what a soak did to each gauge, None if there was none."""
    courses = trace_soak(log, scope)
    return SoakSummary(gauges=tuple(one.summary for one in courses)) if courses else None


def trace_soak(log: EvidenceLog, scope: Scope) -> list[Course]:
    """Return the course of every gauge of every process, and that of latency; none without soak."""
    if Source.SOAK not in scope.sources:
        return []
    excerpt = Excerpt(log, scope)
    found = list(_courses(excerpt))
    start_s = min((part[0][0] for one in found for part in one.parts), default=0.0)
    return [_since(one, start_s) for one in found]


def _courses(excerpt: Excerpt) -> Iterator[Course]:
    for name in TOLERANCES:
        limits, trends = gauge_limits(excerpt, name), gauge_trends(excerpt, name)
        for process, gauges in gauge_series(excerpt, name).items():
            readings = [(one.at_s, one.value) for one in gauges]
            yield _course(name, process, readings, trends[process], limits)
    trend = latency_trend(excerpt)
    if trend is not None:
        readings = list(zip(*latency_series(excerpt), strict=True))
        yield _course(LATENCY, None, readings, trend, {})


def _course(
    name: str,
    process: str | None,
    readings: Sequence[tuple[float, float]],
    trend: Trend,
    limits: Mapping[str | None, float],
) -> Course:
    summary = GaugeSummary(
        gauge=name,
        unit=_UNITS.get(name, ""),
        process=process,
        readings=trend.readings,
        start=readings[0][1],
        end=readings[-1][1],
        growth=trend.growth,
        reason=trend.reason,
        rise=trend.rise,
        per_hour=None if trend.per_s is None else 3600 * trend.per_s,
        per_1000_operations=trend.per_1000_operations,
        exhausted_in_s=trend.exhausted_in_s,
    )
    observed_s = without_gaps([at_s for at_s, _ in readings]).tolist()
    parts = list(_split(readings, observed_s))
    return Course(
        summary=summary,
        parts=tuple(tuple(readings[first:last]) for first, last in parts),
        line=tuple(_lines(readings, observed_s, parts, trend)),
        base=trend.base,
        limit=limits.get(process),
    )


def _split(
    readings: Sequence[tuple[float, float]], observed_s: Sequence[float]
) -> Iterator[tuple[int, int]]:
    """Yield the first reading of each part without a gap, and the one after its last."""
    steps = pairwise(zip(readings, observed_s, strict=True))
    gaps = [
        place
        for place, ((one, seen_s), (other, later_s)) in enumerate(steps, 1)
        if other[0] - one[0] > 2 * (later_s - seen_s)
    ]
    yield from pairwise((0, *gaps, len(readings)))


def _lines(
    readings: Sequence[tuple[float, float]],
    observed_s: Sequence[float],
    parts: Sequence[tuple[int, int]],
    trend: Trend,
) -> Iterator[Points]:
    """Yield the ends of the fitted line in each part, without the warm-up."""
    if trend.growth is not Growth.GROWING or trend.base is None or trend.per_s is None:
        return
    base, per_s = trend.base, trend.per_s
    for first, last in parts:
        kept = [i for i in range(first, last) if observed_s[i] >= WARM_UP_SHARE * trend.observed_s]
        if len(kept) > 1:
            ends = (kept[0], kept[-1])
            yield tuple((readings[i][0], base + per_s * observed_s[i]) for i in ends)


def _since(course: Course, start_s: float) -> Course:
    def shifted(parts: tuple[Points, ...]) -> tuple[Points, ...]:
        return tuple(tuple((at_s - start_s, value) for at_s, value in part) for part in parts)

    return replace(course, parts=shifted(course.parts), line=shifted(course.line))

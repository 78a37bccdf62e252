"""A soak in words and numbers: what each gauge did, how fast it grows, and how long that lasts."""

from l9gate.criteria.soak_summary import LATENCY, GaugeSummary, SoakSummary
from l9gate.criteria.soak_trends import in_hours
from l9gate.evidence.gauges import (
    DESCRIPTORS,
    DISK,
    MEMORY,
    OBJECTS,
    SOCKETS,
    TASKS,
    THREADS,
)
from l9gate.measure.trend import Growth
from l9gate.report.load import render_table
from l9gate.report.quantity import render_quantity

NAMES = {
    MEMORY: "memory",
    DESCRIPTORS: "open descriptors",
    SOCKETS: "open sockets",
    THREADS: "threads",
    TASKS: "asyncio tasks",
    OBJECTS: "objects",
    DISK: "disk",
    LATENCY: "p95 of latency",
}
_HEAD = ("gauge", "start", "end", "trend", "per hour", "per 1,000 operations", "until exhausted")
_NOTHING = "-"


def render_soak(summary: SoakSummary) -> list[str]:
    """Return the lines of a report: a table of gauges, and why what is undecided is so."""
    return [*render_table(soak_table(summary)), *render_doubts(summary)]


def soak_table(summary: SoakSummary) -> list[tuple[str, ...]]:
    """Return the head of a table and a row for each gauge of each process."""
    return [_HEAD, *(_row(one, summary) for one in summary.gauges)]


def render_doubts(summary: SoakSummary) -> list[str]:
    """Return why growth is undecided, gauge by gauge."""
    return [
        f"{name_of(one, summary)}: {one.reason}"
        for one in summary.gauges
        if one.growth is Growth.UNDECIDED
    ]


def name_of(one: GaugeSummary, summary: SoakSummary) -> str:
    """Return what a gauge is called, with its process if there were several."""
    processes = {other.process for other in summary.gauges if other.process is not None}
    told = NAMES.get(one.gauge, one.gauge)
    return told if one.process is None or len(processes) < 2 else f"{told} of {one.process}"


def _row(one: GaugeSummary, summary: SoakSummary) -> tuple[str, ...]:
    is_drifting = one.growth is not Growth.STEADY  # the pace of what rests says nothing
    ends = one.exhausted_in_s
    return (
        name_of(one, summary),
        render_quantity(one.start, one.unit),
        render_quantity(one.end, one.unit),
        str(one.growth),
        _pace(one.per_hour if is_drifting else None, one.unit),
        _pace(one.per_1000_operations if is_drifting else None, one.unit),
        _NOTHING if ends is None else f"about {in_hours(ends)}",
    )


def _pace(value: float | None, unit: str) -> str:
    if value is None:
        return _NOTHING
    return f"{'+' if value > 0 else ''}{render_quantity(value, unit or ' ').rstrip()}"

"""What a soak shows: what grows without end, by how much, and when it is used up.

A gauge is a series for each process that was watched; one that was started anew begins at its own
base. The longest series speaks for all: a shorter one can show growth, but not that there is none.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from l9gate.criteria.excerpt import Excerpt
from l9gate.criteria.load_client import why_limited
from l9gate.evidence.gauges import (
    CACHE_EXPIRIES,
    CACHE_LIVES,
    DESCRIPTORS,
    DISK,
    LIMITS,
    MEMORY,
    OBJECTS,
    SOCKETS,
    TASKS,
    THREADS,
    TOKEN_EXPIRIES,
    TOKEN_LIVES,
)
from l9gate.evidence.records import Allocation, Gauge
from l9gate.measure.trend import Growth, Trend, TrendPlan, find_trend

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# gauge → growth over a soak that is nothing: so much, or so large a share of the first reading
TOLERANCES = {
    MEMORY: (6e6, 0.025),
    DESCRIPTORS: (8.0, 0.05),
    SOCKETS: (8.0, 0.05),
    THREADS: (4.0, 0.05),
    TASKS: (8.0, 0.05),
    OBJECTS: (5_000.0, 0.025),
    DISK: (6e6, 0.025),
}
# quantity, gauge, what a process does that has such a leak
LEAKS = (
    ("soak.memory_leaks", MEMORY, "memory grows"),
    ("soak.descriptor_leaks", DESCRIPTORS, "open descriptors grow"),
    ("soak.socket_leaks", SOCKETS, "open sockets grow"),
    ("soak.thread_leaks", THREADS, "threads grow"),
    ("soak.task_leaks", TASKS, "asyncio tasks grow"),
    ("soak.object_leaks", OBJECTS, "objects under garbage collection grow"),
    ("soak.disk_leaks", DISK, "files in the watched folder grow"),
)
# quantity, gauge of the simulator of a rehearsal, what it says
EXPIRIES = (
    (
        "soak.cache_expiries",
        CACHE_EXPIRIES,
        "Entries of the prompt cache that expired meanwhile; only a rehearsal tells.",
    ),
    (
        "soak.token_expiries",
        TOKEN_EXPIRIES,
        "Access tokens that expired meanwhile; only a rehearsal tells.",
    ),
)
_USED = {  # how long the one in longest use was used, and what it is called
    CACHE_EXPIRIES: (CACHE_LIVES, "cached prompt"),
    TOKEN_EXPIRIES: (TOKEN_LIVES, "access token"),
}
LATENCY_TOLERANCE_S, LATENCY_TOLERANCE_SHARE = 0.02, 0.10
STRETCHES = 240  # of the soak, whose p95 are the readings of its latency
MIN_STRETCH_CALLS = 5
_NO_PROCESS = "no process was watched"
_ABSENT = {
    TASKS: "only Python processes that the soak starts tell of their tasks (before Python 3.14)",
    OBJECTS: "only Python processes that the soak starts tell of their objects",
    DISK: "no folder was watched: --disk FOLDER",
}


class Trending(msgspec.Struct, frozen=True, kw_only=True):
    """A number that rests on trends, between the ends that these leave open."""

    value: float | None
    low: float | None
    high: float | None
    n: int  # readings
    window_s: float  # of the longest series, without gaps
    note: str | None = None
    evidence: tuple[str, ...] = ()


def count_leaks(name: str) -> Callable[[Excerpt], Trending]:
    """Return what counts the processes in which a gauge grows without end."""

    def count(excerpt: Excerpt) -> Trending:
        trends = gauge_trends(excerpt, name)
        found = _count(trends, _unit_of(name), _ABSENT.get(name, _NO_PROCESS))
        if name not in (MEMORY, OBJECTS) or not found.evidence:
            return found
        blamed = tuple(map(_in_words, excerpt.log.of(Allocation)))
        return msgspec.structs.replace(found, evidence=found.evidence + blamed)

    return count


def count_drifts(excerpt: Excerpt) -> Trending:
    """Return 1 if the p95 of latency grows without end, from when calls were due."""
    trend = latency_trend(excerpt)
    if trend is None:
        return _nothing("no calls under load")
    found = _count({"p95 of latency": trend}, _in_ms, "")
    # Calls come when chance has it, readings of gauges from the first to the last second.
    lasted_s = max((one.observed_s for one in gauge_trends(excerpt, MEMORY).values()), default=0.0)
    return msgspec.structs.replace(found, window_s=max(found.window_s, lasted_s))


def measure_growth(excerpt: Excerpt) -> Trending:
    """Return by how many bytes memory grows over the soak, at its pace after the warm-up."""
    trends = gauge_trends(excerpt, MEMORY)
    if not trends:
        return _nothing(_NO_PROCESS)
    longest = _longest(trends)
    known = [one for one in trends.values() if one.rise is not None]
    return Trending(
        value=max((one.rise for one in known if one.rise is not None), default=None),
        low=max((one.low for one in known if one.low is not None), default=None),
        high=max((one.high for one in known if one.high is not None), default=None),
        n=sum(one.readings for one in trends.values()),
        window_s=longest.observed_s,
        note=None if known else longest.reason,
    )


def count_expiries(name: str) -> Callable[[Excerpt], Trending]:
    """Return what counts the expiries of a kind that the simulator of a rehearsal saw.

    That there was none is a fact only once something was used for longer than it lives.
    """

    def count(excerpt: Excerpt) -> Trending:
        found = sorted(excerpt.gauges(name), key=lambda one: one.at_s)
        if not found:
            return _nothing("only the simulator of a rehearsal tells of it")
        most = {one.process: one.value for one in found}  # one started anew counts from 0 again
        total = sum(most.values())
        lives, what = _USED[name]
        used = max((one.value for one in excerpt.gauges(lives)), default=None)
        if not total and used is None:
            return _nothing(f"no {what} was used, so none could expire")
        if not total and used is not None and used < 1:
            return _nothing(f"no {what} was used for longer than {used:.0%} of its lifetime")
        window_s = found[-1].at_s - found[0].at_s
        return Trending(
            value=total,
            low=total,
            high=total,
            n=len(found),
            window_s=window_s,
            note=None if total else f"a {what} was used for {used:.3g} lifetimes and never paused",
        )

    return count


def _count(trends: dict[str, Trend], in_words: Callable[[float], str], absent: str) -> Trending:
    if not trends:
        return _nothing(absent)
    growing = [name for name, trend in trends.items() if trend.growth is Growth.GROWING]
    longest = _longest(trends)
    is_open = longest.growth is Growth.UNDECIDED
    return Trending(
        value=float(len(growing)),
        low=float(len(growing)),
        high=float(len(growing) + is_open),
        n=sum(trend.readings for trend in trends.values()),
        window_s=longest.observed_s,
        note="; ".join(
            [describe_trend(trends[name], in_words) for name in growing]
            or [f"undecided: {longest.reason}"] * is_open
        )
        or None,
        evidence=tuple(growing),
    )


def describe_trend(trend: Trend, in_words: Callable[[float], str]) -> str:
    """Return how fast something grows, and when it will be used up."""
    parts = []
    if trend.per_s is not None:
        parts.append(f"grows by {in_words(3600 * trend.per_s)} an hour")
    if trend.per_1000_operations is not None:
        parts.append(f"{in_words(trend.per_1000_operations)} per 1,000 operations")
    if trend.exhausted_in_s is not None:
        parts.append(f"used up in about {in_hours(trend.exhausted_in_s)}")
    return ", ".join(parts)


def _nothing(note: str) -> Trending:
    return Trending(value=None, low=None, high=None, n=0, window_s=0.0, note=note)


def _in_words(one: Allocation) -> str:
    grown = _in_mb(one.grown_bytes)
    return f"{one.site}: {grown} more in {one.grown_blocks:,} blocks, in {one.seconds:.0f} s"


def _longest(trends: dict[str, Trend]) -> Trend:
    return max(trends.values(), key=lambda one: one.observed_s)


def gauge_trends(excerpt: Excerpt, name: str) -> dict[str, Trend]:
    """Return the trend of a gauge for each process that it was read of."""
    limits = gauge_limits(excerpt, name)
    return {
        process: _trend_of(gauges, TOLERANCES[name], limits.get(process))
        for process, gauges in gauge_series(excerpt, name).items()
    }


def gauge_limits(excerpt: Excerpt, name: str) -> dict[str | None, float]:
    """Return the value of a gauge at which each process has used it up, where that is known."""
    return {one.process: one.value for one in excerpt.gauges(LIMITS.get(name, ""))}


def gauge_series(excerpt: Excerpt, name: str) -> dict[str, list[Gauge]]:
    """Return the readings of a gauge in order, process by process."""
    series: dict[str, list[Gauge]] = {}
    for gauge in sorted(excerpt.gauges(name), key=lambda one: one.at_s):
        if gauge.process is not None:
            series.setdefault(gauge.process, []).append(gauge)
    return series


def _trend_of(
    ordered: Sequence[Gauge], tolerance: tuple[float, float], limit: float | None
) -> Trend:
    amount, share = tolerance
    plan = TrendPlan(tolerance=max(amount, share * ordered[0].value), limit=limit)
    return find_trend(
        [one.at_s for one in ordered],
        [one.value for one in ordered],
        plan,
        [float(one.operations) for one in ordered],
    )


def latency_trend(excerpt: Excerpt) -> Trend | None:
    """Return the trend of the p95 of stretches of the soak, None without calls."""
    import numpy as np

    at_s, p95_s = latency_series(excerpt)
    if not at_s:
        return None
    tolerance = max(LATENCY_TOLERANCE_S, LATENCY_TOLERANCE_SHARE * float(np.median(p95_s)))
    trend = find_trend(at_s, p95_s, TrendPlan(tolerance=tolerance, quantile=0.5))
    limited = why_limited(excerpt) if trend.growth is Growth.GROWING else None
    return trend if limited is None else replace(trend, growth=Growth.UNDECIDED, reason=limited)


def latency_series(excerpt: Excerpt) -> tuple[list[float], list[float]]:
    """Return when stretches of the soak were, and the p95 of the calls that were due in each."""
    import numpy as np

    view = excerpt.load
    kept = view.is_proven | view.is_timed_out
    due_s, took_s = view.due_s[kept], (view.ended_s - view.due_s)[kept]
    if not len(due_s):
        return [], []
    order = np.argsort(due_s, kind="stable")
    return _stretches(due_s[order], took_s[order])


def _stretches(
    at_s: "NDArray[np.float64]", took_s: "NDArray[np.float64]"
) -> tuple[list[float], list[float]]:
    """Return the middle and the p95 of runs of equally many calls."""
    import numpy as np

    stretches = max(min(STRETCHES, len(at_s) // MIN_STRETCH_CALLS), 1)
    times, quantiles = np.array_split(at_s, stretches), np.array_split(took_s, stretches)
    return (
        [float(part.mean()) for part in times],
        [float(np.quantile(part, 0.95)) for part in quantiles],
    )


def _unit_of(name: str) -> Callable[[float], str]:
    return _in_mb if name in (MEMORY, DISK) else _plainly


def _plainly(value: float) -> str:
    return f"{value:,.3g}" if abs(value) < 100 else f"{value:,.0f}"


def _in_mb(value: float) -> str:
    return f"{_plainly(value / 1e6)} MB"


def _in_ms(value: float) -> str:
    return f"{_plainly(1000 * value)} ms"


def in_hours(seconds: float) -> str:
    """Return a long time in words: minutes, hours or days."""
    if seconds < 7_200:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.0f} hours" if seconds < 200_000 else f"{seconds / 86_400:,.0f} days"

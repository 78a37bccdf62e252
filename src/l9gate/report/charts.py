"""Charts as inline SVG: pure functions of numbers; colours come from the page's style."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from l9gate.report.axes import Axis, log_axis
from l9gate.report.drawing import (
    BOTTOM,
    HEIGHT,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    Drawing,
    clock,
    polyline,
)
from l9gate.report.quantity import render_quantity

_MAX_POINTS = 1_500
_MAX_FAILURES = 300
_STEPS_OF_ECDF = 240
_BINS = 60
_LEAST_S = 0.0001


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Calls of one kind: when each was due, how long it took, and which of them failed when."""

    name: str
    at_s: Sequence[float]  # since the start; of whole answers
    took_s: Sequence[float]
    ranked_s: Sequence[float]  # in order, all that count: those in histograms, timeouts as +inf
    failed_s: Sequence[float] = ()  # since the start


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A limit of the policy on a quantile."""

    name: str  # such as `p95 < 2 s`
    quantile: float
    value_s: float


def draw_latency(name: str, series: Sequence[Series], limits: Sequence[Limit]) -> str:
    """Return latency over time: a point a call, quantiles of the first series, failures above.

    Of many calls every so-many-th is a point; quantiles and failures rest on all.
    """
    took = _all(series, lambda one: one.took_s)
    drawing = Drawing(name, "Latency over time", _about_latency(series))
    if not took:
        return _empty(drawing, "no whole answer")
    x = Axis(0.0, _end_s(series), LEFT, WIDTH - RIGHT)
    shown = [*took, *(one.value_s for one in limits if one.value_s <= 2 * max(took))]
    y = log_axis(max(min(shown), _LEAST_S), max(shown), HEIGHT - BOTTOM, TOP + 14)
    _frame(drawing, x, y)
    for number, one in enumerate(series):
        stride = math.ceil(len(one.at_s) / _MAX_POINTS) or 1
        points = zip(one.at_s[::stride], one.took_s[::stride], strict=True)
        dots = "".join(f"M{x.at(at):g} {y.at(value):g}h0" for at, value in points)
        drawing.path(f"dot s{number}", dots)
    for quantile, kind in ((0.5, "p50"), (0.95, "p95")):
        line = _quantiles_over_time(series[0], x, quantile)
        if len(line) > 1:
            drawing.path(kind, polyline([(x.at(at), y.at(value)) for at, value in line]))
    for limit in limits:
        if limit.value_s <= y.high:
            _limit_line(drawing, limit, y)
    _failures(drawing, series, x)
    return drawing.render()


def draw_distribution(name: str, series: Sequence[Series], limits: Sequence[Limit]) -> str:
    """Return the share of calls that took at most so long, on a logarithmic axis, with limits."""
    drawing = Drawing(name, "Distribution of latency", _about_distribution(series))
    finite = [
        value
        for one in series
        for value in (_rank(one.ranked_s, 0.001), _last_finite(one.ranked_s))
        if value is not None and math.isfinite(value)
    ]
    if not finite:
        return _empty(drawing, "no whole answer")
    shown = [*finite, *(one.value_s for one in limits if one.value_s <= 4 * max(finite))]
    x = log_axis(max(min(shown), _LEAST_S), max(shown), LEFT, WIDTH - RIGHT)
    y = Axis(0.0, 1.0, HEIGHT - BOTTOM, TOP)
    drawing.grid(x, y)
    for value in x.ticks():
        drawing.label(x.at(value), render_quantity(value, "s", 1))
    for share in (0.0, 0.25, 0.5, 0.75, 0.95, 1.0):
        drawing.line("grid", (LEFT, y.at(share), WIDTH - RIGHT, y.at(share)))
        if share != 1.0:  # there is no room for both
            drawing.text((LEFT - 6, y.at(share) + 4), f"{share:.0%}", "tick", "end")
    for number, one in enumerate(series):
        steps = _steps(one.ranked_s)
        drawing.path(f"curve s{number}", polyline([(x.at(v), y.at(q)) for v, q in steps]))
    for limit in limits:
        if limit.value_s <= x.high:
            at = x.at(limit.value_s)
            drawing.line("limit", (at, TOP, at, HEIGHT - BOTTOM))
            drawing.path("target", f"M{at - 4:g} {y.at(limit.quantile):g}h8")
            drawing.text((at + 7, y.at(limit.quantile) + 14), limit.name, "label", "start")
    return drawing.render()


def draw_rate(name: str, series: Sequence[Series]) -> str:
    """Return whole answers and failures per second over time."""
    end_s = _end_s(series)
    times = _all(series, lambda one: one.at_s)
    failed = _all(series, lambda one: one.failed_s)
    width_s = max(end_s / _BINS, 0.001)
    counts, wrong = (_histogram(values, width_s) for values in (times, failed))
    total = [good + bad for good, bad in zip(counts, wrong, strict=True)]
    about = f"{len(times):,} whole answers and {len(failed):,} failures in {end_s:.0f} s"
    drawing = Drawing(name, "Calls per second over time", about)
    if not any(total):
        return _empty(drawing, "no calls")
    x = Axis(0.0, end_s, LEFT, WIDTH - RIGHT)
    y = Axis(0.0, max(total) / width_s * 1.1, HEIGHT - BOTTOM, TOP)
    drawing.grid(x, y)
    for rate in y.ticks():
        drawing.text((LEFT - 6, y.at(rate) + 4), f"{rate:g}/s", "tick", "end")
        drawing.line("grid", (LEFT, y.at(rate), WIDTH - RIGHT, y.at(rate)))
    for at in x.ticks():
        drawing.label(x.at(at), clock(at))
    bar = max(x.at(width_s) - x.at(0.0) - 1, 1.0)
    for kind, heights, below in (("bar", counts, [0] * _BINS), ("bad", wrong, counts)):
        boxes = [
            f"M{x.at(index * width_s):g} {y.at((low + count) / width_s):g}h{bar:g}"
            f"V{y.at(low / width_s):g}h-{bar:g}z"
            for index, (count, low) in enumerate(zip(heights, below, strict=True))
            if count
        ]
        drawing.path(kind, "".join(boxes))
    return drawing.render()


def _frame(drawing: Drawing, x: Axis, y: Axis) -> None:
    drawing.grid(x, y)
    for value in y.ticks():
        drawing.line("grid", (LEFT, y.at(value), WIDTH - RIGHT, y.at(value)))
        drawing.text((LEFT - 6, y.at(value) + 4), render_quantity(value, "s", 1), "tick", "end")
    for at in x.ticks():
        drawing.label(x.at(at), clock(at))


def _limit_line(drawing: Drawing, limit: Limit, y: Axis) -> None:
    at = y.at(limit.value_s)
    drawing.line("limit", (LEFT, at, WIDTH - RIGHT, at))
    drawing.text((WIDTH - RIGHT, at - 4), limit.name, "label", "end")


def _failures(drawing: Drawing, series: Sequence[Series], x: Axis) -> None:
    failed = sorted(_all(series, lambda one: one.failed_s))
    stride = math.ceil(len(failed) / _MAX_FAILURES) or 1
    marks = (f"M{x.at(at) - 3:g} {TOP - 3:g}l6 6m0-6l-6 6" for at in failed[::stride])
    if failed:
        drawing.path("cross", "".join(marks))


def _quantiles_over_time(one: Series, x: Axis, q: float) -> list[tuple[float, float]]:
    """Return the quantile of each stretch of time that has enough calls to show one."""
    bins = max(min(_BINS // 2, len(one.at_s) // 20), 1)
    width_s = (x.high or 1.0) / bins
    parts: list[list[float]] = [[] for _ in range(bins)]
    for at, value in zip(one.at_s, one.took_s, strict=True):
        parts[min(max(int(at / width_s), 0), bins - 1)].append(value)
    found = []
    for index, part in enumerate(parts):
        middle = _rank(sorted(part), q)
        if middle is not None:
            found.append(((index + 0.5) * width_s, middle))
    return found


def _rank(ordered: Sequence[float], q: float) -> float | None:
    """Return the nearest-rank quantile."""
    return ordered[max(math.ceil(round(q * len(ordered), 9)), 1) - 1] if len(ordered) else None


def _last_finite(ordered: Sequence[float]) -> float | None:
    """Return the largest value that is not +infinity."""
    low, high = 0, len(ordered)
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if math.isfinite(ordered[middle]) else (low, middle)
    return ordered[low - 1] if low else None


def _steps(ordered: Sequence[float]) -> list[tuple[float, float]]:
    """Return values with the share of calls that took at most so long, those of the tail closer."""
    n = len(ordered)
    shares = [number / _STEPS_OF_ECDF for number in range(1, _STEPS_OF_ECDF + 1)]
    shares += [1 - 10**-power for power in (2.5, 3, 3.5, 4, 5)]
    ranks = sorted({max(math.ceil(round(share * n, 9)), 1) for share in shares if n})
    found = [(ordered[rank - 1], rank / n) for rank in ranks]
    return [(value, share) for value, share in found if math.isfinite(value)]


def _histogram(times_s: Sequence[float], width_s: float) -> list[int]:
    counts = [0] * _BINS
    for at in times_s:
        counts[min(max(int(at / width_s), 0), _BINS - 1)] += 1
    return counts


def _all(series: Sequence[Series], column: Callable[[Series], Sequence[float]]) -> list[float]:
    return [value for one in series for value in column(one)]


def _end_s(series: Sequence[Series]) -> float:
    return max([*_all(series, lambda one: one.at_s), *_all(series, lambda one: one.failed_s), 1.0])


def _empty(drawing: Drawing, why: str) -> str:
    drawing.text((WIDTH / 2, HEIGHT / 2), why, "label")
    return drawing.render()


def _about_latency(series: Sequence[Series]) -> str:
    failed = sum(len(one.failed_s) for one in series)
    calls = ", ".join(f"{len(one.at_s):,} {one.name}" for one in series)
    return f"whole answers: {calls}; {failed:,} failures"


def _about_distribution(series: Sequence[Series]) -> str:
    told = []
    for one in series:
        values = [(name, _rank(one.ranked_s, q)) for name, q in _TOLD]
        known = (f"{name} {render_quantity(value, 's')}" for name, value in values if value)
        told.append(f"{one.name} (n={len(one.ranked_s):,}): {', '.join(known)}")
    return "; ".join(told)


_TOLD = (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))

"""Charts of a soak: a small one for each gauge, all on the same axis of time."""

import math
from collections.abc import Iterator, Sequence

from l9gate.criteria.soak_summary import Course, Points
from l9gate.measure.trend import Growth
from l9gate.report.axes import Axis
from l9gate.report.drawing import BOTTOM, LEFT, RIGHT, TOP, Drawing, clock, polyline
from l9gate.report.quantity import render_quantity

WIDTH, HEIGHT = 460, 180
MAX_PROCESSES = 8  # of one gauge in one chart, those that were watched longest
_MAX_POINTS = 600
_NEAR = 3.0  # a limit further than so many times the largest value is out of sight
_COLOURS = 4
_ROOM = 0.08  # above and below what is drawn
_LEAST_SPAN = 0.2  # of an axis, as a share of the largest value
_LEAST_SPANS = {"": 2.0, "s": 0.001, "bytes": 1e6}  # and by unit


def draw_gauge(
    name: str,
    title: str,
    courses: Sequence[Course],
    limits: Sequence[tuple[str, float]],
    end_s: float,
) -> str:
    """Return one gauge over time: a line for each process, broken where nobody looked.

    Args:
        name: tells this drawing from others of its page.
        title: what the gauge is called.
        courses: of each process that it was read of.
        limits: what each is called, and its value.
        end_s: when the soak ended, from its beginning.
    """
    longest = sorted(courses, key=lambda one: -one.summary.readings)[:MAX_PROCESSES]
    shown = [one for one in courses if one in longest]
    drawing = Drawing(name, title, _about(courses), WIDTH, HEIGHT)
    values = [value for one in shown for part in (*one.parts, *one.line) for _, value in part]
    near = [(told, at) for told, at in limits if at <= _NEAR * max(values)]
    x = Axis(0.0, end_s, LEFT, WIDTH - RIGHT)
    unit = shown[0].summary.unit
    y = _axis([*values, *(at for _, at in near)], _LEAST_SPANS[unit])
    drawing.grid(x, y)
    for at in x.ticks():
        drawing.label(x.at(at), clock(at))
    for value in y.ticks():
        if not unit and value % 1:  # there is no half of a thread
            continue
        drawing.line("grid", (LEFT, y.at(value), WIDTH - RIGHT, y.at(value)))
        told = render_quantity(value, unit, 2)
        drawing.text((LEFT - 6, y.at(value) + 4), told, "tick", "end")
    for number, one in enumerate(shown):
        data = "".join(_trace(part, x, y, _MAX_POINTS // len(shown)) for part in one.parts)
        drawing.path(f"curve s{number % _COLOURS}", data)
    for one in shown:
        if one.line:
            ends = "".join(polyline((x.at(at), y.at(value)) for at, value in p) for p in one.line)
            drawing.path("trend", ends)
    for told, at in near:
        drawing.line("limit", (LEFT, y.at(at), WIDTH - RIGHT, y.at(at)))
        drawing.text((WIDTH - RIGHT, y.at(at) - 4), told, "label", "end")
    return drawing.render()


def _axis(values: Sequence[float], least_span: float) -> Axis:
    """Return an axis from 0 where that is near, on which a small change does not look large."""
    least, most = min(values), max(values)
    span = max(most - least, _LEAST_SPAN * most, least_span)
    low = 0.0 if least <= span else least - _ROOM * span
    return Axis(low, max(most, low + span) + _ROOM * span, HEIGHT - BOTTOM, TOP)


def _trace(part: Points, x: Axis, y: Axis, most: int) -> str:
    """Return path data of a part; of many readings the least and the largest of each stretch."""
    return polyline((x.at(at), y.at(value)) for at, value in _thinned(part, most)) + "h0"


def _thinned(part: Points, most: int) -> Iterator[tuple[float, float]]:
    width = math.ceil(2 * len(part) / most)
    if width < 3:
        yield from part
        return
    for first in range(0, len(part), width):
        stretch = part[first : first + width]
        ends = {min(stretch, key=lambda one: one[1]), max(stretch, key=lambda one: one[1])}
        yield from sorted(ends)


def _about(courses: Sequence[Course]) -> str:
    told = []
    for one in courses[:MAX_PROCESSES]:
        said = one.summary
        start, end = (render_quantity(value, said.unit) for value in (said.start, said.end))
        gaps = len(one.parts) - 1
        text = f"{said.process or 'all calls'}: {start} to {end}, {said.growth}"
        if said.growth is Growth.GROWING and said.per_hour is not None:
            text += f" by {render_quantity(said.per_hour, said.unit)} an hour"
        told.append(f"{text}, with {gaps:,} gaps" if gaps else text)
    return "; ".join(told)

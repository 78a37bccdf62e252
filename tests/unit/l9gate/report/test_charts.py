import re
from math import inf
from xml.etree import ElementTree as ET

import pytest

from l9gate.report.charts import Limit, Series, draw_distribution, draw_latency, draw_rate

LIMITS = [
    Limit(name="p95 < 2 s", quantile=0.95, value_s=2.0),
    Limit(name="p99 < 99 s", quantile=0.99, value_s=99.0),
]
SVG = "{http://www.w3.org/2000/svg}"


def series(name: str = "main", calls: int = 100, failed: int = 0) -> Series:
    took_s = [0.2 + 0.01 * number for number in range(calls)]
    return Series(
        name=name,
        at_s=[0.1 * number for number in range(calls)],
        took_s=took_s,
        ranked_s=[*took_s, *[inf] * failed],
        failed_s=[0.1 * number for number in range(failed)],
    )


def parsed(svg: str) -> ET.Element:
    """Return the drawing, which is well-formed XML; a name space stands for HTML's own."""
    named = svg.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"')
    return ET.fromstring(named)  # noqa: S314  # it is our own


def paths_of(svg: str, kind: str) -> list[str]:
    found = [one for one in parsed(svg).iter(f"{SVG}path") if one.get("class") == kind]
    return [one.get("d", "") for one in found]


@pytest.mark.parametrize(
    "svg",
    [
        draw_latency("a", [series(), series("<control>")], LIMITS),
        draw_distribution("b", [series()], LIMITS),
        draw_rate("c", [series(failed=3)]),
        draw_latency("d", [], []),
        draw_distribution("e", [series(calls=0, failed=3)], LIMITS),
        draw_rate("f", []),
    ],
)
def test_every_chart_has_a_title_and_a_description_that_name_it(svg: str) -> None:
    drawing = parsed(svg)
    assert drawing.get("role") == "img"
    ids = (drawing.get("aria-labelledby") or "").split()
    title, about = drawing.find(f"{SVG}title"), drawing.find(f"{SVG}desc")
    assert title is not None
    assert about is not None
    assert [title.get("id"), about.get("id")] == ids
    assert title.text


def test_every_call_is_a_point_and_every_failure_a_cross() -> None:
    svg = draw_latency("a", [series(calls=100, failed=7)], [])
    (dots,) = paths_of(svg, "dot s0")
    assert dots.count("h0") == 100
    (crosses,) = paths_of(svg, "cross")
    assert crosses.count("M") == 7
    assert "7 failures" in svg


def test_a_million_calls_are_drawn_with_a_bounded_number_of_points() -> None:
    many = series(calls=50_000, failed=5_000)
    svg = (
        draw_latency("a", [many], []) + draw_distribution("b", [many], []) + draw_rate("c", [many])
    )
    assert len(svg) < 60_000
    assert "50,000 main" in svg


def test_only_a_limit_that_is_near_is_drawn() -> None:
    for svg in (draw_latency("a", [series()], LIMITS), draw_distribution("b", [series()], LIMITS)):
        assert len(paths_of(svg, "limit")) == 1
        assert "p95 &lt; 2 s" in svg
        assert "99 s" not in svg


def test_timeouts_keep_the_curve_below_the_whole() -> None:
    """What never ended is no part of the share that took at most so long."""
    svg = draw_distribution("b", [series(calls=50, failed=50)], [])
    (curve,) = paths_of(svg, "curve s0")
    heights = [float(y) for _, y in re.findall(r"(-?[\d.]+) (-?[\d.]+)", curve)]
    top, bottom = 16.0, 226.0
    assert min(heights) == pytest.approx((top + bottom) / 2, abs=1.0)


def test_bars_have_the_height_of_the_rate() -> None:
    svg = draw_rate("c", [series(calls=100)])
    assert "100 whole answers and 0 failures in 10 s" in svg
    assert "10/s" in svg
    assert paths_of(svg, "bad") == [""]

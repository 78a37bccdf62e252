"""Issue 6: a soak in tables and small charts."""

import re
from xml.etree import ElementTree as ET

import msgspec
import pytest

from l9gate.criteria.criterion import Finding, Scope
from l9gate.criteria.soak_summary import Course, SoakSummary, summarize_soak, trace_soak
from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import Gauge, Origin
from l9gate.report.document import Document
from l9gate.report.page import render_page
from l9gate.report.series import limits_on_gauge
from l9gate.report.soak import render_soak
from l9gate.report.soak_charts import draw_gauge
from l9gate.report.text import render_text

SCOPE = Scope(layers=(), sources=("soak",), kind=Origin.LIVE, environment="development")
MANY = 20_000


def readings(name: str, values: list[float], process: str = "7@1") -> list[Gauge]:
    return [
        Gauge(
            at_s=5.0 * place, name=name, value=value, span="soak", operations=50 * place,
            owner=None, layer=None, process=process,
        )
        for place, value in enumerate(values)
    ]  # fmt: skip


@pytest.fixture
def soaked() -> MemoryLog:
    """A process that leaks memory and no threads, and may hold 512 MB."""
    memory = readings("memory_bytes", [200e6 + 0.5e6 * place for place in range(120)])
    limit = readings("memory_limit_bytes", [512e6])
    return MemoryLog(memory + limit + readings("threads", [4.0] * 120))


@pytest.fixture
def summary(soaked: MemoryLog) -> SoakSummary:
    found = summarize_soak(soaked, SCOPE)
    assert found is not None
    return found


@pytest.fixture
def courses(soaked: MemoryLog) -> list[Course]:
    return trace_soak(soaked, SCOPE)


def test_a_row_says_where_a_gauge_began_and_until_when_it_lasts(summary: SoakSummary) -> None:
    head, memory, threads = render_soak(summary)
    assert re.split(r"  +", head)[0::6] == ["gauge", "until exhausted"]
    assert re.split(r"  +", memory) == [
        "memory", "200 MB", "260 MB", "growing", "+360 MB", "+10 MB", "about 42 minutes",
    ]  # fmt: skip
    assert re.split(r"  +", threads) == ["threads", "4", "4", "not growing", "-", "-", "-"]


def test_doubt_is_told_with_its_reason(summary: SoakSummary) -> None:
    short = summarize_soak(MemoryLog(readings("threads", [4.0] * 9)), SCOPE)
    assert short is not None
    assert render_soak(short)[-1] == "threads: 9 readings, at least 72 are needed"


def test_several_processes_are_told_apart(summary: SoakSummary) -> None:
    again = readings("memory_bytes", [100e6] * 80, "9@2") + readings("memory_bytes", [1e8] * 90)
    found = summarize_soak(MemoryLog(again), SCOPE)
    assert found is not None
    names = [line.split("  ")[0] for line in render_soak(found)[1:]]
    assert sorted(names) == ["memory of 7@1", "memory of 9@2"]


def test_what_grows_is_drawn_with_its_line_and_its_limits(courses: list[Course]) -> None:
    limits = [("used up", 512e6), ("out of sight", 9e9)]
    svg = draw_gauge("g0", "memory", courses[:1], limits, 600.0)
    assert ET.fromstring(svg).tag == "svg"  # noqa: S314  # ours
    assert svg.count('class="trend"') == 1
    assert ">used up<" in svg
    assert "out of sight" not in svg
    assert "growing by 360 MB an hour" in svg
    flat = draw_gauge("g1", "threads", courses[1:], [], 600.0)
    assert 'class="trend"' not in flat
    assert re.findall(r">(\d)</text>", flat) == ["4", "5", "6"], "no half threads"


def test_a_gap_is_not_drawn_over(courses: list[Course]) -> None:
    whole = draw_gauge("g0", "threads", courses[1:], [], 900.0)
    early = readings("threads", [4.0] * 60)
    late = [msgspec.structs.replace(one, at_s=one.at_s + 600) for one in early]
    broken = draw_gauge("g0", "threads", trace_soak(MemoryLog(early + late), SCOPE), [], 900.0)
    (line,), (parts,) = (re.findall(r'curve s0" d="([^"]+)"', one) for one in (whole, broken))
    assert (line.count("M"), parts.count("M")) == (1, 2)


def test_many_readings_stay_a_small_drawing_with_their_extremes() -> None:
    values = [4.0] * 600
    values[377] = 90.0
    (course,) = trace_soak(MemoryLog(readings("threads", values)), SCOPE)
    part = tuple((float(place), values[place % 600]) for place in range(MANY))
    many = msgspec.structs.replace(course.summary, readings=MANY)
    drawn = Course(summary=many, parts=(part,), line=(), base=None, limit=None)
    svg = draw_gauge("g0", "threads", [drawn], [], float(MANY))
    assert len(svg) < 20_000
    assert svg.count(" 25.2L") > MANY / 600 / 2, "the peaks are drawn"


def test_growth_of_memory_is_held_against_the_policy(
    courses: list[Course], finding: Finding
) -> None:
    asked = msgspec.structs.replace(
        finding, condition="soak.memory_growth_bytes < 50MB", limit=50e6, unit="bytes"
    )
    used_up, (told, value) = limits_on_gauge(courses[:1], [asked, asked, finding])
    assert used_up == ("used up", 512e6)
    assert told == "growth < 50 MB"
    assert value == pytest.approx(250e6, rel=0.01)
    assert limits_on_gauge(courses[1:], [asked]) == []


def test_reports_have_a_soak_where_there_was_one(
    document: Document, summary: SoakSummary, soaked: MemoryLog
) -> None:
    assert "\nSoak\n" not in render_text(document, 120, color=False)
    told = msgspec.structs.replace(document, soak=summary, scope=SCOPE)
    text = render_text(told, 120, color=False)
    assert "\nSoak\n  gauge  " in text
    page = render_page(told, soaked).decode()
    assert "<h2>Soak</h2>" in page
    assert re.findall(r"<figcaption>([^<]+)", page) == ["memory", "threads"]
    assert "<h2>Soak</h2>" not in render_page(document, MemoryLog()).decode()

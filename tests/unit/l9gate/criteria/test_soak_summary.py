"""X-04: what a soak did to each gauge, as numbers and as courses to draw."""

from collections.abc import Callable, Iterable

import pytest

from l9gate.criteria.criterion import Scope
from l9gate.criteria.soak_summary import LATENCY, summarize_soak, trace_soak
from l9gate.evidence.load import LoadBlock
from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import Gauge, Origin
from l9gate.measure.trend import Growth

SCOPE = Scope(layers=(), sources=("soak",), kind=Origin.LIVE, environment="development")
STEP_S, READINGS = 5.0, 120
Series = Callable[..., list[Gauge]]


@pytest.fixture
def series(gauge: Callable[..., Gauge]) -> Series:
    """Return `series(name, values, gap_s)`: a reading every five seconds, a gap in the middle."""

    def build(name: str, values: Iterable[float], gap_s: float = 0.0) -> list[Gauge]:
        return [
            gauge(
                at_s=1_000.0 + STEP_S * place + (gap_s if place >= READINGS / 2 else 0.0),
                name=name, value=value, span="soak", layer=None,
                operations=int(50 * place), process="7@1",
            )
            for place, value in enumerate(values)
        ]  # fmt: skip

    return build


def leaking() -> list[float]:
    return [200e6 + 0.5e6 * place for place in range(READINGS)]


def test_each_gauge_has_its_ends_and_its_pace(series: Series) -> None:
    readings = series("memory_bytes", leaking()) + series("memory_limit_bytes", [512e6])
    found = summarize_soak(MemoryLog(readings + series("threads", [4.0] * READINGS)), SCOPE)
    assert found is not None
    memory, threads = found.gauges
    assert (memory.start, memory.end, memory.growth) == (200e6, 259.5e6, Growth.GROWING)
    assert memory.per_hour == pytest.approx(360e6, rel=0.01)
    assert memory.per_1000_operations == pytest.approx(10e6, rel=0.01)
    assert memory.exhausted_in_s == pytest.approx(2_525, rel=0.01)
    assert (threads.gauge, threads.growth) == ("threads", Growth.STEADY)
    assert threads.exhausted_in_s is None


def test_a_gap_parts_the_readings_and_the_line_of_what_grows(series: Series) -> None:
    (course,) = trace_soak(MemoryLog(series("memory_bytes", leaking(), gap_s=900.0)), SCOPE)
    assert [len(part) for part in course.parts] == [60, 60]
    assert course.parts[0][0] == (0.0, 200e6)
    assert course.parts[1][0] == (1_200.0, 230e6)
    (first, *_), (second, end) = course.line
    assert first[0] == pytest.approx(200.0, abs=STEP_S)  # a third is warm-up
    assert second == pytest.approx((1_200.0, 230e6), rel=0.01)
    assert end == pytest.approx((1_495.0, 259.5e6), rel=0.01)


def test_what_rests_has_no_line(series: Series) -> None:
    (course,) = trace_soak(MemoryLog(series("memory_bytes", [200e6] * READINGS)), SCOPE)
    assert course.line == ()
    assert len(course.parts) == 1


def test_latency_has_a_course_of_its_own(load_block: Callable[..., LoadBlock]) -> None:
    (course,) = trace_soak(MemoryLog([load_block([0.2] * 700)]), SCOPE)
    assert (course.summary.gauge, course.summary.unit) == (LATENCY, "s")
    assert course.summary.start == pytest.approx(0.2)


def test_gauges_of_tests_are_no_soak(series: Series) -> None:
    """The performance layer reads descriptors as well."""
    tests = Scope(layers=(), kind=Origin.LIVE, environment="development")
    assert summarize_soak(MemoryLog(series("open_descriptors", [9.0] * READINGS)), tests) is None
    assert summarize_soak(MemoryLog(), SCOPE) is None

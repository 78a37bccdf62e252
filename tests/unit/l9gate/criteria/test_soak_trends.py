"""E-07, C-07, X-04: what a soak shows, and when it is long enough to show it."""

import math
from collections.abc import Callable, Iterable

import pytest

from l9gate.criteria.criterion import Finding, Role, Scope, State
from l9gate.criteria.expression import parse_condition
from l9gate.criteria.threshold import Threshold
from l9gate.evidence.load import CallEnd, ClientCheck, LoadBlock
from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import AnyRecord, Gauge, Origin

SCOPE = Scope(layers=(), sources=("soak",), kind=Origin.LIVE, environment="development")
STEP_S, READINGS = 5.0, 150
Series = Callable[..., list[Gauge]]


@pytest.fixture
def series(gauge: Callable[..., Gauge]) -> Series:
    """Return `series(name, values, process)`: a reading every five seconds, 10 operations/s."""

    def build(name: str, values: Iterable[float], process: str | None = "7@1") -> list[Gauge]:
        return [
            gauge(
                at_s=1_000.0 + STEP_S * place, name=name, value=value, span="soak", layer=None,
                operations=int(50 * place), process=process,
            )
            for place, value in enumerate(values)
        ]  # fmt: skip

    return build


def judge(require: str, records: Iterable[AnyRecord], min_window_s: float = 600) -> Finding:
    asked = Threshold(
        name="asked", role=Role.EXIT, layers=frozenset(), sources=frozenset({"soak"}),
        condition=parse_condition(require), min_window_s=min_window_s,
    )  # fmt: skip
    return asked.judge(MemoryLog(records), SCOPE)


def leaking(mb: float) -> list[float]:
    return [200e6 + mb * 1e6 * place / (READINGS - 1) for place in range(READINGS)]


def test_a_leak_is_named_with_its_pace_and_its_end(series: Series) -> None:
    readings = series("memory_bytes", leaking(60)) + series("memory_limit_bytes", [512e6])
    found = judge("soak.memory_leaks == 0", readings)
    assert found.state is State.BROKEN
    assert found.observed == 1
    assert found.evidence == ("7@1",)
    assert found.reason is not None
    assert found.reason.startswith("grows by 290 MB an hour, 8.05 MB per 1,000 operations")
    assert "used up in about 52 minutes" in found.reason


def test_growth_is_held_against_its_limit_by_its_interval(series: Series) -> None:
    for mb, state in ((60, State.BROKEN), (20, State.KEPT)):
        found = judge("soak.memory_growth_bytes < 50MB", series("memory_bytes", leaking(mb)))
        assert found.state is state
        assert found.observed == pytest.approx(mb * 1e6, rel=0.01)
        assert found.interval is not None


def test_a_plateau_is_kept(series: Series) -> None:
    values = [200e6 + 50e6 * (1 - math.exp(-place / 10)) for place in range(READINGS)]
    found = judge("soak.memory_leaks == 0", series("memory_bytes", values))
    assert found.state is State.KEPT


def test_less_than_ten_minutes_show_neither_a_leak_nor_its_absence(series: Series) -> None:
    found = judge("soak.memory_leaks == 0", series("memory_bytes", [200e6] * 100))
    assert found.state is State.UNPROVEN
    assert found.reason == "495 s observed, at least 600 s are needed"
    found = judge("soak.memory_leaks == 0", series("memory_bytes", leaking(90)[:100]))
    assert found.state is State.UNPROVEN
    assert found.reason is not None
    assert found.reason.startswith("495 s observed, at least 600 s are needed; grows by")


def test_what_was_not_watched_is_unproven(series: Series) -> None:
    found = judge("soak.memory_leaks == 0", [])
    assert found.state is State.UNPROVEN
    assert found.reason == "nothing was measured; no process was watched"
    found = judge("soak.task_leaks == 0", series("memory_bytes", leaking(0)))
    assert found.state is State.UNPROVEN
    assert "only Python processes" in str(found.reason)


def test_a_process_started_anew_is_a_series_of_its_own(series: Series) -> None:
    """After a crash memory is low again, which is neither growth nor its end."""
    short = series("open_descriptors", [300.0] * 10, "5@1")
    found = judge("soak.descriptor_leaks == 0", short + series("open_descriptors", [30.0] * 150))
    assert found.state is State.KEPT
    leak = series("open_descriptors", [float(place) for place in range(140)], "5@1")
    found = judge("soak.descriptor_leaks == 0", leak + series("open_descriptors", [30.0] * 150))
    assert found.state is State.BROKEN
    assert found.evidence == ("5@1",)


def test_latency_that_rises_all_the_time_is_a_drift(
    load_block: Callable[..., LoadBlock],
    client_check: Callable[..., ClientCheck],
    series: Series,
) -> None:
    level = [0.2 + 0.01 * (place % 7) for place in range(700)]
    assert judge("soak.latency_drifts == 0", [load_block(level)]).state is State.KEPT
    rising = [took_s + 0.0005 * place for place, took_s in enumerate(level)]
    told: list[AnyRecord] = [load_block(rising), client_check()]
    assert judge("soak.latency_drifts == 0", told).state is State.BROKEN
    short: list[AnyRecord] = [load_block(level[:595])]
    short += series("memory_bytes", [200e6] * 121)
    assert judge("soak.latency_drifts == 0", short).state is State.KEPT  # both lasted 600 s
    late: list[AnyRecord] = [load_block(rising), client_check(loop_lag_s=0.2)]
    found = judge("soak.latency_drifts == 0", late)
    assert found.state is State.UNPROVEN
    assert "the client, not the API" in str(found.reason)
    refused = load_block(level, ends=CallEnd.SERVER_ERROR)
    assert judge("soak.latency_drifts == 0", [refused]).state is State.UNPROVEN


def test_a_late_client_hides_no_errors(
    load_block: Callable[..., LoadBlock], client_check: Callable[..., ClientCheck]
) -> None:
    late = client_check(cpu_share=0.99)
    ends = [CallEnd.OK, CallEnd.OVERLOADED] * 100
    whole: list[AnyRecord] = [load_block([0.2] * 200), late]
    failed: list[AnyRecord] = [load_block([0.2] * 200, ends=ends), late]
    assert judge("rate(soak.error) <= 5%", whole).state is State.KEPT
    assert judge("rate(soak.error) <= 5%", failed).state is State.BROKEN
    assert judge("rate(load.error) <= 5%", failed).state is State.UNPROVEN


def test_expiries_are_what_the_simulator_counted_last(series: Series) -> None:
    counted = series("cache_expiries", [0.0] * 100 + [1.0] * 30, None)
    assert judge("soak.cache_expiries >= 1", counted).state is State.KEPT
    assert judge("soak.token_expiries >= 1", counted).state is State.UNPROVEN


@pytest.mark.parametrize("kind", ["cache", "token"])
@pytest.mark.parametrize(
    ("lives", "state", "why"),
    [
        ([], State.UNPROVEN, "was used, so none could expire"),
        ([0.0, 0.25], State.UNPROVEN, "was used for longer than 25% of its lifetime"),
        ([0.0, 0.5, 2.0], State.BROKEN, "used for 2 lifetimes and never paused"),
    ],
)
def test_what_is_not_used_long_enough_cannot_expire(
    kind: str, lives: list[float], state: State, why: str, series: Series
) -> None:
    none = series(f"{kind}_expiries", [0.0] * 100, None)
    used = series(f"{kind}_lifetimes", lives, None)
    found = judge(f"soak.{kind}_expiries >= 1", none + used, 0)
    assert found.state is state
    assert why in (found.reason or "")
    met = series(f"{kind}_expiries", [0.0, 1.0], None)
    assert judge(f"soak.{kind}_expiries >= 1", met + used, 0).state is State.KEPT

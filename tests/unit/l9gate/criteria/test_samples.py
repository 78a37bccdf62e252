"""What enters a sample and what does not: C-14, C-15, C-17."""

import math
from collections.abc import Callable, Mapping

import pytest

from l9gate.criteria.criterion import Scope
from l9gate.criteria.excerpt import Excerpt
from l9gate.criteria.samples import (
    Observation,
    describe_mix,
    observe_attempt_error,
    observe_cache_hit,
    observe_error,
    observe_fallback,
    observe_gaps,
    observe_latency,
    observe_operation_latency,
    observe_ttft,
)
from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import (
    AnyRecord,
    CacheState,
    End,
    Exchange,
    Layer,
    Origin,
    Signal,
    TestOutcome,
)

T0_S = 1_700_000_000.0
Build = Callable[..., Exchange]
Observe = Callable[[Excerpt], list[Observation]]
LIVE = Scope(layers=tuple(Layer), kind=Origin.LIVE, environment="staging")


def values(
    observe: Observe,
    *records: AnyRecord,
    layers: frozenset[Layer] = frozenset(),
    where: Mapping[str, str] | None = None,
) -> list[float]:
    excerpt = Excerpt(MemoryLog(records), LIVE, layers, where)
    return [one.value for one in observe(excerpt)]


def test_latency_counts_from_when_a_call_was_due(exchange: Build) -> None:
    late = exchange(due_s=T0_S, sent_s=T0_S + 3, ended_s=T0_S + 4)
    assert values(observe_latency, late) == [4.0]


def test_a_call_lasts_from_its_first_attempt_to_its_last(exchange: Build) -> None:
    """C-17: what a retry saved is a slow success."""
    second = exchange(call_id="c", attempt=1, due_s=T0_S + 2, latency_s=0.5)
    first = exchange(call_id="c", attempt=0, status=529)
    assert values(observe_latency, second, first) == [2.5]


@pytest.mark.parametrize(
    "fields",
    [
        {"status": 529},
        {"status": 400},
        {"end": End.CUT},
        {"end": End.ERROR_EVENT},
        {"end": End.ABANDONED},
        {"end": End.UNREACHABLE, "status": None},
        {"origin": Origin.SIMULATED},
        {"origin": Origin.REPLAYED},
        {"origin": Origin.MOCKED},
        {"origin": Origin.OTHER},
        {"layer": Layer.UNIT},
    ],
)
def test_errors_and_other_origins_never_enter_the_latency(
    fields: dict[str, object], exchange: Build
) -> None:
    """C-15."""
    assert values(observe_latency, exchange(**fields)) == []


def test_a_deadline_enters_as_infinity(exchange: Build) -> None:
    cut_off = exchange(status=None, end=End.TIMED_OUT)
    assert values(observe_latency, cut_off) == [math.inf]


@pytest.mark.parametrize(
    "flags",
    [{"offline": True}, {"expects_error": ("overloaded_error",)}, {"expects_fallback": True}],
)
def test_calls_of_tests_about_failures_never_enter(
    flags: dict[str, object], exchange: Build, outcome: Callable[..., TestOutcome]
) -> None:
    test = outcome(node_id="t", **flags)
    for observe in (observe_latency, observe_error, observe_attempt_error):
        assert values(observe, test, exchange(owner="t")) == []
        assert len(values(observe, outcome(node_id="t"), exchange(owner="t"))) == 1


def test_a_call_that_an_ordinary_test_shares_stays_in(
    exchange: Build, outcome: Callable[..., TestOutcome]
) -> None:
    """Leaving it out would hide evidence."""
    tests = (outcome(owners=("f",), offline=True), outcome(owners=("f",)))
    assert values(observe_latency, *tests, exchange(owner="f")) == [0.5]


def test_time_to_the_first_content_of_streams(exchange: Build) -> None:
    stream = exchange(stream=True, first_token_s=T0_S + 0.2)
    silent = exchange(stream=True, end=End.TIMED_OUT)
    slow = exchange(stream=True, end=End.TIMED_OUT, first_token_s=T0_S + 0.4)
    empty = exchange(stream=True)
    records = (stream, silent, slow, empty, exchange(), exchange(stream=True, end=End.CUT))
    assert values(observe_ttft, *records) == [0.2, math.inf, 0.4]


def test_gaps_of_streams(exchange: Build) -> None:
    stream = exchange(stream=True, first_token_s=T0_S, gaps_s=(0.1, 0.2))
    stalled = exchange(stream=True, end=End.TIMED_OUT, first_token_s=T0_S, gaps_s=(0.3,))
    silent = exchange(stream=True, end=End.TIMED_OUT)
    records = (stream, stalled, silent, exchange(), exchange(stream=True, end=End.CUT))
    assert values(observe_gaps, *records) == [0.1, 0.2, 0.3, math.inf]


def test_operations_without_cache_and_fallback(
    signal: Callable[..., Signal], outcome: Callable[..., TestOutcome]
) -> None:
    """C-14, C-15."""
    records = (
        outcome(node_id="t", offline=True),
        signal(duration_s=0.7),
        signal(duration_s=0.8, cache=CacheState.OFF),
        signal(cache=CacheState.HIT),
        signal(fallback="timeout"),
        signal(mock=True),
        signal(layer=Layer.UNIT),
        signal(owner="t"),
    )
    assert values(observe_operation_latency, *records) == [0.7, 0.8]


def test_a_call_is_an_error_only_after_its_retries(exchange: Build) -> None:
    """C-17."""
    records = (
        exchange(call_id="saved", status=529),
        exchange(call_id="saved", attempt=1),
        exchange(call_id="lost", status=529),
        exchange(call_id="lost", attempt=1, status=529),
        exchange(end=End.ABANDONED),
        exchange(end=End.ABANDONED, status=500),
        exchange(end=End.TIMED_OUT),
    )
    assert values(observe_error, *records) == [0.0, 1.0, 0.0, 1.0, 1.0]
    assert sum(values(observe_attempt_error, *records)) == 5.0


def test_a_cache_that_is_off_is_not_looked_up(signal: Callable[..., Signal]) -> None:
    """H-03."""
    records = [signal(cache=state) for state in CacheState]
    assert values(observe_cache_hit, *records) == [1.0, 0.0]


def test_a_fallback_that_was_wanted_does_not_count(
    signal: Callable[..., Signal], outcome: Callable[..., TestOutcome]
) -> None:
    """H-05."""
    records = (
        outcome(node_id="wanted", expects_fallback=True),
        outcome(node_id="offline", offline=True),
        outcome(node_id="failing", expects_error=("timeout",)),
        signal(owner="wanted", fallback="timeout"),
        signal(owner="offline", fallback="connection"),
        signal(owner="failing", fallback="timeout"),
        signal(),
    )
    assert values(observe_fallback, *records) == [1.0, 0.0]


@pytest.mark.parametrize(
    ("where", "matching", "other"),
    [
        ({"layer": "contract"}, {"layer": Layer.CONTRACT}, {"layer": None}),
        ({"route": "POST /v1/messages"}, {"path": "/gateway/v1/messages"}, {"method": "GET"}),
        ({"route": "POST /v1/messages"}, {}, {"path": "/v1/messages/count_tokens"}),
        ({"model": "claude-opus-5"}, {"model": "claude-opus-5"}, {"model": None}),
        ({"stream": "true"}, {"stream": True}, {"stream": False}),
        ({"tools": "false"}, {"tools": False}, {"tools": True}),
        ({"scenario": "burst"}, {"owner": "t"}, {"owner": "u"}),
    ],
)
def test_where_narrows_calls(
    where: dict[str, str],
    matching: dict[str, object],
    other: dict[str, object],
    exchange: Build,
    outcome: Callable[..., TestOutcome],
) -> None:
    tests = (outcome(node_id="t", scenarios=("burst",)), outcome(node_id="u"))
    records = (*tests, exchange(latency_s=1.0, **matching), exchange(latency_s=2.0, **other))
    assert values(observe_latency, *records, where=where) == [1.0]


def test_an_operation_within_another_counts_only_where_it_is_named(
    signal: Callable[..., Signal],
) -> None:
    """H-05: a fallback of one search in ten is one in ten, however many parts a search has."""
    records = []
    for number in range(10):
        fallback = "timeout" if number == 0 else None
        records.append(signal(operation="rerank", within="search", fallback=fallback))
        records.append(signal(operation="search", fallback=fallback))
    assert values(observe_fallback, *records) == [1.0] + [0.0] * 9
    assert values(observe_fallback, *records[::2]) == []
    named = values(observe_fallback, *records, where={"operation": "rerank"})
    assert named == [1.0] + [0.0] * 9


def test_where_narrows_operations(signal: Callable[..., Signal]) -> None:
    records = (signal(), signal(operation="index", duration_s=9.0))
    assert values(observe_operation_latency, *records, where={"operation": "search"}) == [0.6]


def test_layers_narrow_the_evidence(exchange: Build, signal: Callable[..., Signal]) -> None:
    layers = frozenset({Layer.CONTRACT})
    records = (exchange(), exchange(layer=Layer.CONTRACT), exchange(layer=None), signal())
    assert values(observe_latency, *records, layers=layers) == [0.5]
    assert values(observe_latency, *records) == [0.5, 0.5, 0.5]
    assert values(observe_operation_latency, *records, layers=layers) == []


def test_mixed_traffic_is_pointed_out(exchange: Build) -> None:
    records = (exchange(), exchange(model="claude-opus-5", stream=True))
    calls = Excerpt(MemoryLog(records), LIVE).calls
    assert describe_mix(calls, {}) == (
        "2 models mixed; add where.model; streams and whole answers mixed; add where.stream"
    )
    assert describe_mix(calls, {"model": "x", "stream": "true"}) is None
    assert describe_mix(calls[:1], {}) is None

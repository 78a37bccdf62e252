"""Requirements §7."""

import math
from collections.abc import Callable

import pytest

from l9gate.criteria.criterion import Scope
from l9gate.criteria.health import Health, measure_health
from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import CacheState, End, Exchange, Layer, Origin, Signal, TestOutcome
from l9gate.wire.messages import Usage

LIVE = Scope(layers=(), kind=Origin.LIVE, environment="production")
Build = Callable[..., Exchange]


def health(*records: Exchange | Signal | TestOutcome) -> Health:
    return measure_health(MemoryLog(records), LIVE)


def test_percentiles_are_nearest_ranks(exchange: Build) -> None:
    """H-01: 1 … 100 ms give 50, 95 and 99 ms."""
    latency = health(*[exchange(latency_s=ms / 1000) for ms in range(1, 101)]).latency
    assert (latency.n, latency.p50_s, latency.p95_s, latency.p99_s) == (100, 0.05, 0.095, 0.099)


def test_errors_are_counted_by_type(exchange: Build) -> None:
    """H-02: 401, 429, 529 and a timeout are four counters."""
    found = health(
        exchange(status=401, error_type="authentication_error"),
        exchange(status=429, error_type="rate_limit_error"),
        exchange(status=529, error_type="overloaded_error"),
        exchange(status=529, error_type="overloaded_error"),
        exchange(status=None, end=End.TIMED_OUT),
        exchange(status=None, end=End.UNREACHABLE),
        exchange(status=200, end=End.CUT),
        exchange(status=503),
        exchange(),
        exchange(),
    )
    assert found.errors_by_type == {
        "overloaded_error": 2,
        "authentication_error": 1,
        "connection": 1,
        "cut": 1,
        "http_503": 1,
        "rate_limit_error": 1,
        "timeout": 1,
    }
    assert found.error_rate == pytest.approx(0.8)


def test_a_call_saved_by_a_retry_is_no_error_but_its_attempt_is(exchange: Build) -> None:
    """H-02, C-17."""
    found = health(
        exchange(call_id="one", status=529), exchange(call_id="one", attempt=1), exchange()
    )
    assert (found.calls, found.attempts) == (2, 3)
    assert found.error_rate == 0.0
    assert found.attempt_error_rate == pytest.approx(1 / 3)


def test_cache_rate_and_what_it_avoided(exchange: Build, signal: Callable[..., Signal]) -> None:
    """H-03: hits over look-ups, and calls, tokens and dollars that were not spent."""
    hit = signal(
        cache=CacheState.HIT, avoided_input_tokens=1_000_000, avoided_output_tokens=100_000
    )
    found = health(exchange(model="claude-opus-5"), hit, signal(), signal(cache=CacheState.OFF))
    assert (found.cache_lookups, found.cache_hit_rate) == (2, 0.5)
    assert (found.calls_avoided, found.tokens_avoided) == (1, 1_100_000)
    assert found.cost_avoided_usd == pytest.approx(5 + 2.5)


def test_avoided_cost_is_unknown_without_one_priced_model(
    exchange: Build, signal: Callable[..., Signal]
) -> None:
    """H-03."""
    hit = signal(cache=CacheState.HIT, avoided_input_tokens=10)
    assert health(hit).cost_avoided_usd is None
    mixed = (exchange(model="claude-opus-5"), exchange(model="claude-opus-5-5"))
    assert health(hit, *mixed).cost_avoided_usd is None
    assert health(hit, exchange(model="nobody-1")).cost_avoided_usd is None
    assert health(signal()).cost_avoided_usd == 0.0


def test_quota_is_the_worst_share_that_was_used(exchange: Build) -> None:
    """H-04."""
    found = health(
        exchange(
            rate_limit={
                "requests-limit": "1000",
                "requests-remaining": "990",
                "requests-reset": "2026-11-22T00:00:00Z",
                "input-tokens-limit": "50000",
                "input-tokens-remaining": "10000",
            }
        ),
        exchange(rate_limit={"requests-limit": "1000", "requests-remaining": "750"}),
        exchange(rate_limit={"requests-limit": "1000", "requests-remaining": "980"}),
        exchange(rate_limit={"tokens-limit": "0", "tokens-remaining": "0", "x-limit": "5"}),
    )
    assert found.quota_utilisation == {
        "input-tokens": pytest.approx(0.8),
        "requests": pytest.approx(0.25),
    }


def test_a_bucket_that_a_test_empties_on_purpose_is_nobodys_quota(
    exchange: Build, outcome: Callable[..., TestOutcome]
) -> None:
    """H-04."""
    emptied = {"requests-limit": "4", "requests-remaining": "0"}
    test = outcome(node_id="t", owners=("t",), layer=Layer.INTEGRATION, offline=True)
    assert health(test, exchange(owner="t", rate_limit=emptied)).quota_utilisation == {}


def test_fallbacks_are_counted_by_reason(signal: Callable[..., Signal]) -> None:
    """H-05."""
    found = health(
        signal(fallback="timeout"), signal(fallback="overloaded"), signal(fallback="timeout"),
        signal(),
    )  # fmt: skip
    assert found.fallback_rate == pytest.approx(0.75)
    assert found.fallbacks_by_reason == {"timeout": 2, "overloaded": 1}
    assert found.operations == 4


def test_nothing_seen_is_no_health() -> None:
    found = health()
    rates = (
        found.error_rate, found.attempt_error_rate, found.cache_hit_rate, found.fallback_rate,
        found.latency.p50_s, found.operation_latency.p99_s,
    )  # fmt: skip
    assert rates == (None,) * 6
    assert found.latency.n == 0


def test_degraded_answers_do_not_improve_the_latency(
    exchange: Build, signal: Callable[..., Signal]
) -> None:
    """C-14, C-15."""
    found = health(
        exchange(latency_s=0.8),
        exchange(latency_s=0.01, status=529),
        exchange(latency_s=1.0, status=None, end=End.TIMED_OUT),
        signal(duration_s=0.9),
        signal(duration_s=0.001, cache=CacheState.HIT),
        signal(duration_s=0.002, fallback="overloaded"),
    )
    assert (found.latency.n, found.latency.p50_s, found.latency.p99_s) == (2, 0.8, math.inf)
    assert (found.operation_latency.n, found.operation_latency.p50_s) == (1, 0.9)


def test_only_the_runs_kind_and_only_messages_count(exchange: Build) -> None:
    found = health(
        exchange(origin=Origin.MOCKED),
        exchange(method="GET", path="/v1/models", usage=None),
        exchange(),
    )
    assert (found.calls, found.input_tokens, found.output_tokens) == (1, 1000, 20)


def test_cost_counts_every_token_that_was_paid_for(
    exchange: Build, outcome: Callable[..., TestOutcome]
) -> None:
    test = outcome(node_id="t::bad", expects_error=("overloaded_error",))
    usage = Usage(input_tokens=100_000, cache_read_input_tokens=100_000, output_tokens=0)
    found = health(test, exchange(owner="t::bad", model="claude-opus-5", usage=usage))
    assert found.calls == 0
    assert found.input_tokens == 200_000
    assert found.cost_usd == pytest.approx(0.55)


def test_cost_of_an_unknown_model_is_unknown(exchange: Build) -> None:
    assert health(exchange(), exchange(model="nobody-1")).cost_usd is None
    assert health(exchange(model=None)).cost_usd is None

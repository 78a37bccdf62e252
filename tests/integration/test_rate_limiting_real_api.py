"""L2-09, S-05: too many requests slow nobody down beyond the deadline and lose no result."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from l9gate.simulator.limits import Tier
from l9gate.simulator.server import SimulatorConfig, SimulatorThread
from neural_tools.errors import RerankUnavailableError
from neural_tools.index import CodeIndex
from neural_tools.reranker import Reranker
from neural_tools.search import Searcher, SearchResult
from neural_tools.settings import Settings

pytestmark = pytest.mark.integration

BURST = 24
AT_ONCE = 12
DEADLINE_S = 1.8
SLACK_S = 0.25  # between the end of the deadline and the return, on a busy machine
PRESSURE = {"rate_limited", "overloaded", "timeout"}


@pytest.fixture(scope="module")
def burst(
    code_index: CodeIndex, queries: tuple[str, ...], settings: Settings
) -> list[SearchResult]:
    """Twelve questions at a time, from one process with one key."""
    with Reranker(settings) as reranker, ThreadPoolExecutor(AT_ONCE) as threads:
        searcher = Searcher(code_index, reranker)
        results = list(threads.map(searcher.search, queries[200 : 200 + BURST]))
    assert not all(result.degraded for result in results), "an outage is no burst"
    return results


def test_burst_is_answered_within_the_deadline(
    burst: list[SearchResult], settings: Settings
) -> None:
    assert len(burst) == BURST
    assert max(result.rerank.latency_s for result in burst) < settings.deadline_s + SLACK_S


def test_burst_loses_no_result(
    burst: list[SearchResult], code_index: CodeIndex, queries: tuple[str, ...]
) -> None:
    for query, result in zip(queries[200:], burst, strict=False):
        found = {candidate.chunk.id for candidate in code_index.search(query, 20)}
        assert {candidate.chunk.id for candidate in result.rerank.candidates} == found


def test_burst_degrades_under_pressure_only(burst: list[SearchResult]) -> None:
    """What a limit turns away says so; the rest is ranked, each by an answer of its own."""
    ranked = [result for result in burst if not result.degraded]
    assert {result.reason for result in burst if result.degraded} <= PRESSURE
    assert len({result.request_id for result in ranked}) == len(ranked) >= 1


@pytest.mark.offline
@pytest.mark.scenario("rate_limited")
def test_wait_beyond_the_deadline_is_not_waited_for(
    open_ill_api: Callable[..., SimulatorThread],
    open_searcher: Callable[..., Searcher],
    queries: tuple[str, ...],
) -> None:
    """S-05: 429 with `retry-after: 30` returns before our own deadline, after one request."""
    api = open_ill_api("status=429, retry-after=30")
    searcher = open_searcher(base_url=api.base_url, deadline_s=DEADLINE_S)
    started_s = time.monotonic()
    result = searcher.search(queries[0])
    assert time.monotonic() - started_s < DEADLINE_S
    assert (result.degraded, result.reason) == (True, "rate_limited")
    failure = result.rerank.failure
    assert failure is not None
    assert (failure.status, failure.error_type) == (429, "rate_limit_error")
    assert (failure.retry_after_s, failure.attempts) == (30.0, 1)
    assert searcher.statistics().fallbacks == {"rate_limited": 1}


@pytest.mark.offline
@pytest.mark.scenario("rate_limited")
def test_wait_within_the_deadline_is_waited_for(
    open_ill_api: Callable[..., SimulatorThread],
    open_searcher: Callable[..., Searcher],
    queries: tuple[str, ...],
    assert_ranked: Callable[[SearchResult], None],
) -> None:
    api = open_ill_api("status=429, retry-after=1", nth=1)
    searcher = open_searcher(base_url=api.base_url, deadline_s=DEADLINE_S)
    started_s = time.monotonic()
    result = searcher.search(queries[0])
    assert_ranked(result)
    assert result.rerank.attempts == 2
    assert time.monotonic() - started_s >= 1.0


@pytest.mark.offline
@pytest.mark.scenario("rate_limited")
def test_empty_bucket_degrades_until_it_has_filled(
    open_searcher: Callable[..., Searcher], queries: tuple[str, ...]
) -> None:
    """Real arithmetic of a bucket: two requests a minute, and the third one is turned away."""
    config = SimulatorConfig(load_factor=0, tier=Tier(requests_per_min=2))
    with SimulatorThread(config) as api:
        searcher = open_searcher(base_url=api.base_url, deadline_s=DEADLINE_S)
        reasons = [searcher.search(query).reason for query in queries[:3]]
    assert reasons == [None, None, "rate_limited"]


@pytest.mark.offline
@pytest.mark.scenario("overloaded")
def test_overload_is_retried_and_then_degrades(
    open_ill_api: Callable[..., SimulatorThread],
    open_searcher: Callable[..., Searcher],
    queries: tuple[str, ...],
) -> None:
    api = open_ill_api("status=529")
    searcher = open_searcher(base_url=api.base_url, deadline_s=DEADLINE_S, attempts=3)
    result = searcher.search(queries[0])
    assert (result.degraded, result.reason) == (True, "overloaded")
    assert result.rerank.attempts == api.requests_seen == 3


@pytest.mark.offline
@pytest.mark.scenario("overloaded")
def test_overload_that_ends_is_not_seen_by_the_user(
    open_ill_api: Callable[..., SimulatorThread],
    open_searcher: Callable[..., Searcher],
    queries: tuple[str, ...],
    assert_ranked: Callable[[SearchResult], None],
) -> None:
    searcher = open_searcher(base_url=open_ill_api("status=529", nth=1).base_url)
    result = searcher.search(queries[0])
    assert_ranked(result)
    assert result.rerank.attempts == 2


@pytest.mark.offline
@pytest.mark.scenario("rate_limited", "overloaded")
@pytest.mark.parametrize(("status", "reason"), [(429, "rate_limited"), (529, "overloaded")])
def test_strict_mode_raises_instead_of_degrading(
    open_ill_api: Callable[..., SimulatorThread],
    open_searcher: Callable[..., Searcher],
    queries: tuple[str, ...],
    status: int,
    reason: str,
) -> None:
    """C-03."""
    api = open_ill_api(f"status={status}, retry-after=30")
    searcher = open_searcher(base_url=api.base_url, strict=True)
    with pytest.raises(RerankUnavailableError) as raised:
        searcher.search(queries[0])
    assert raised.value.reason == reason
    assert searcher.statistics().unavailable == 1

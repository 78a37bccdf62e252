"""What the re-ranker does when the API does not answer: fall back, raise, or never degrade."""

import asyncio
from collections.abc import Callable

import httpx2
import pytest

from l9gate.measure.clock import ManualClock
from neural_tools.call import Outside
from neural_tools.errors import (
    ConfigurationError,
    KeyRefusedError,
    ModelNotFoundError,
    RequestRefusedError,
    RerankUnavailableError,
)
from neural_tools.index import Candidate
from neural_tools.reranker import Reranked, Reranker
from neural_tools.settings import Settings

Make = Callable[[int], list[Candidate]]
Open = Callable[..., Reranker]
Build = Callable[..., httpx2.Response]

TRANSIENT = [
    pytest.param(429, "rate_limited", marks=pytest.mark.scenario("rate_limited")),
    pytest.param(529, "overloaded", marks=pytest.mark.scenario("overloaded")),
    pytest.param(500, "server_error", marks=pytest.mark.scenario("server_error")),
]


def ids(result: Reranked) -> list[str]:
    return [candidate.chunk.id for candidate in result.candidates]


async def never_respond(_: httpx2.Request) -> httpx2.Response:
    answer: asyncio.Future[httpx2.Response] = asyncio.Future()
    return await answer


@pytest.mark.parametrize(("status", "reason"), TRANSIENT)
def test_fallback_is_the_first_stage_order_marked_counted_and_not_cached(
    open_reranker: Open, candidates: Make, refusal: Build, answer: Build, status: int, reason: str
) -> None:  # fmt: skip
    """S-04, C-03."""
    reranker = open_reranker(refusal(status), answer(["c3"]), attempts=1)
    result = reranker.rerank("q", candidates(3))
    assert ids(result) == ["d1", "d2", "d3"]
    assert (result.degraded, result.reason, result.cached) == (True, reason, False)
    assert result.failure is not None
    assert (result.failure.status, result.request_id) == (status, "req_no")
    assert reranker.statistics().fallbacks == {reason: 1}
    assert reranker.statistics().fallback_rate == 1.0
    recovered = reranker.rerank("q", candidates(3))
    assert (ids(recovered)[0], recovered.degraded, recovered.cached) == ("d3", False, False)


@pytest.mark.scenario("timeout")
def test_fallback_after_the_deadline(candidates: Make) -> None:
    """S-04, S-05."""
    outside = Outside(transport=httpx2.MockTransport(never_respond))
    with Reranker(Settings(api_key="k", deadline_s=0.02), outside) as reranker:
        result = reranker.rerank("q", candidates(3))
    assert (result.reason, result.degraded) == ("timeout", True)
    assert result.latency_s < 1


@pytest.mark.scenario("connection")
def test_fallback_when_nothing_listens(open_reranker: Open, candidates: Make) -> None:
    """S-04, L2-10."""
    reranker = open_reranker(httpx2.ConnectError("refused"))
    assert reranker.rerank("q", candidates(3)).reason == "connection"
    assert reranker.statistics().attempts == 3


@pytest.mark.scenario("malformed_answer")
@pytest.mark.parametrize("text", ["[]", "c1", '{"ranking": []}', '{"ranking": ["c77"]}'])
def test_fallback_when_the_answer_is_no_ranking(
    open_reranker: Open, candidates: Make, answer: Build, text: str
) -> None:
    """S-04, L1-04."""
    reranker = open_reranker(answer(text=text))
    result = reranker.rerank("q", candidates(3))
    assert (result.reason, result.request_id) == ("malformed_answer", "req_ok")
    statistics = reranker.statistics()
    assert (statistics.input_tokens, statistics.answers) == (500, 0)


@pytest.mark.parametrize("reason", ["refusal", "max_tokens"])
def test_fallback_when_the_model_does_not_finish(
    open_reranker: Open, candidates: Make, answer: Build, reason: str
) -> None:
    """S-04, L1-04."""
    assert open_reranker(answer(stop_reason=reason)).rerank("q", candidates(3)).reason == reason


@pytest.mark.scenario("cut_stream")
def test_fallback_when_a_stream_is_cut(
    open_reranker: Open, candidates: Make, stream: Build
) -> None:
    """S-04, L1-04."""
    reranker = open_reranker(stream(until="content_block_stop"), stream(), stream=True, attempts=1)
    assert reranker.rerank("q", candidates(3)).reason == "cut_stream"
    assert ids(reranker.rerank("q", candidates(3))) == ["d2", "d3", "d1"]


@pytest.mark.scenario("rate_limited")
def test_fallback_does_not_wait_for_a_retry_after_beyond_the_deadline(
    open_reranker: Open, candidates: Make, refusal: Build, clock: ManualClock
) -> None:
    """S-05."""
    started_s = clock.now_s()
    reranker = open_reranker(refusal(429, "rate_limit_error", retry_after="30"))
    result = reranker.rerank("q", candidates(3))
    assert (result.reason, result.attempts) == ("rate_limited", 1)
    assert clock.now_s() - started_s < reranker.settings.deadline_s


@pytest.mark.parametrize(("status", "reason"), TRANSIENT)
def test_strict_mode_raises_instead_of_a_fallback(
    open_reranker: Open, candidates: Make, refusal: Build, status: int, reason: str
) -> None:
    """C-03."""
    reranker = open_reranker(refusal(status), strict=True)
    with pytest.raises(RerankUnavailableError, match=reason) as caught:
        reranker.rerank("q", candidates(3))
    assert caught.value.reason == reason
    statistics = reranker.statistics()
    assert (statistics.unavailable, statistics.fallbacks, statistics.operations) == (1, {}, 1)


@pytest.mark.scenario("authentication")
@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize(
    ("status", "kind", "error_class"),
    [
        (401, "authentication_error", KeyRefusedError),
        (403, "permission_error", KeyRefusedError),
        (404, "not_found_error", ModelNotFoundError),
        (400, "invalid_request_error", RequestRefusedError),
    ],
)
def test_rerank_never_degrades_for_a_wrong_configuration(
    open_reranker: Open, candidates: Make, refusal: Build, status: int,
    kind: str, error_class: type[ConfigurationError], *, strict: bool,
) -> None:  # fmt: skip
    """C-03, L2-07."""
    reranker = open_reranker(refusal(status, kind), strict=strict)
    for _ in range(2):
        with pytest.raises(error_class):
            reranker.rerank("q", candidates(3))
    statistics = reranker.statistics()
    assert (statistics.refused, statistics.fallbacks) == (2, {})

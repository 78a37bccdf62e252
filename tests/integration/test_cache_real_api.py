"""L2-08, S-03: real answers are remembered for as long as was said, and nothing else is."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from neural_tools.call import Outside
from neural_tools.search import Searcher, SearchResult

pytestmark = pytest.mark.integration

TTL_S = 900.0
MARGIN_S = 60.0  # more than the real calls between two steps can take


class ShiftedClock:
    """The machine's clock, set forward by hand, so that latencies stay real."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead_s


def _order(result: SearchResult) -> list[str]:
    return [candidate.chunk.id for candidate in result.rerank.candidates]


def test_second_search_gives_the_same_order_without_a_request(
    open_searcher: Callable[..., Searcher],
    queries: tuple[str, ...],
    assert_ranked: Callable[[SearchResult], None],
) -> None:
    searcher = open_searcher()
    first = searcher.search(queries[100])
    sent = searcher.statistics().attempts
    second = searcher.search(queries[100])
    assert_ranked(first)
    assert_ranked(second)
    assert (first.cached, second.cached) == (False, True)
    assert _order(second) == _order(first)
    assert second.request_id == first.request_id
    assert searcher.statistics().attempts == sent >= 1


def test_hit_avoids_the_tokens_of_the_answer(
    open_searcher: Callable[..., Searcher], queries: tuple[str, ...]
) -> None:
    """H-03."""
    searcher = open_searcher()
    for _ in range(3):
        searcher.search(queries[101])
    counts = searcher.statistics()
    assert (counts.hits, counts.misses, counts.answers) == (2, 1, 1)
    assert counts.avoided_input_tokens == 2 * counts.input_tokens > 0
    assert counts.avoided_output_tokens == 2 * counts.output_tokens > 0


def test_other_question_is_asked(
    open_searcher: Callable[..., Searcher], queries: tuple[str, ...]
) -> None:
    searcher = open_searcher()
    first, second = (searcher.search(query) for query in queries[102:104])
    assert not second.cached
    assert second.request_id != first.request_id
    assert searcher.statistics().answers == 2


def test_same_question_about_other_candidates_is_asked(
    open_searcher: Callable[..., Searcher], queries: tuple[str, ...]
) -> None:
    searcher = open_searcher()
    candidates = searcher.index.search(queries[104], 20)
    first = searcher.reranker.rerank(queries[104], candidates)
    second = searcher.reranker.rerank(queries[104], candidates[:10])
    assert not second.cached
    assert second.request_id != first.request_id


@pytest.mark.scenario("cache_ttl")
def test_answer_is_asked_for_again_when_its_time_is_over(
    open_searcher: Callable[..., Searcher], queries: tuple[str, ...]
) -> None:
    """E-06: a hit before the time to live is over, a miss after it, and then a hit again."""
    clock = ShiftedClock()
    searcher = open_searcher(Outside(clock=clock), cache_ttl_s=TTL_S)
    first = searcher.search(queries[105])
    clock.ahead_s = TTL_S - MARGIN_S
    before = searcher.search(queries[105])
    clock.ahead_s = TTL_S + MARGIN_S
    after = searcher.search(queries[105])
    again = searcher.search(queries[105])
    assert [result.cached for result in (first, before, after, again)] == [False, True, False, True]
    assert before.request_id == first.request_id
    assert after.request_id != first.request_id
    assert again.request_id == after.request_id
    assert searcher.reranker.cache_statistics().expired == 1


@pytest.mark.scenario("cache_ttl")
def test_use_does_not_prolong_an_answer(
    open_searcher: Callable[..., Searcher], queries: tuple[str, ...]
) -> None:
    clock = ShiftedClock()
    searcher = open_searcher(Outside(clock=clock), cache_ttl_s=TTL_S)
    searcher.search(queries[106])
    for ahead_s in (TTL_S / 3, TTL_S * 2 / 3, TTL_S - MARGIN_S):
        clock.ahead_s = ahead_s
        assert searcher.search(queries[106]).cached
    clock.ahead_s = TTL_S + MARGIN_S
    assert not searcher.search(queries[106]).cached
    assert searcher.statistics().answers == 2


def test_equal_questions_at_once_share_one_request(
    open_searcher: Callable[..., Searcher], queries: tuple[str, ...]
) -> None:
    searcher = open_searcher()
    with ThreadPoolExecutor(6) as threads:
        results = list(threads.map(searcher.search, [queries[107]] * 6))
    counts = searcher.statistics()
    assert len({result.request_id for result in results}) == 1
    assert len({tuple(_order(result)) for result in results}) == 1
    assert counts.answers == 1
    assert counts.shared + counts.hits == 5


def test_cache_that_is_off_remembers_nothing(
    open_searcher: Callable[..., Searcher], queries: tuple[str, ...]
) -> None:
    searcher = open_searcher(cache_ttl_s=0.0)
    first, second = (searcher.search(queries[108]) for _ in range(2))
    assert not second.cached
    assert second.request_id != first.request_id
    assert searcher.statistics().hit_rate is None

"""L2-06, C-14: how long one user waits for a ranking of real candidates, one question at a time."""

import math
from collections.abc import Callable

import pytest

from l9gate.measure.intervals import nearest_rank
from neural_tools.index import CodeIndex
from neural_tools.reranker import Reranker
from neural_tools.search import Searcher, SearchResult
from neural_tools.settings import Settings

pytestmark = pytest.mark.integration

SEARCHES = 84  # 59 without one beyond the limit decide a p95; a few may fail
P95_S = 2.0
SLACK_S = 0.25  # between the end of the deadline and the return, on a busy machine


@pytest.fixture(scope="module")
def searches(
    code_index: CodeIndex, queries: tuple[str, ...], settings: Settings
) -> list[SearchResult]:
    """Every answer asked for, none remembered: no two of the questions are equal."""
    with Reranker(settings) as reranker:
        searcher = Searcher(code_index, reranker)
        found = [searcher.search(query) for query in queries[:SEARCHES]]
    assert not all(search.degraded for search in found), "an outage has no latency"
    return found


def test_p95_of_a_ranking_is_below_two_seconds(
    searches: list[SearchResult], record_property: Callable[[str, object], None]
) -> None:
    """L2-06, C-15: a degraded answer is no fast answer, it is one that never came."""
    waits_s = sorted(math.inf if s.degraded else s.rerank.latency_s for s in searches)
    record_property("rerank_p95_s", nearest_rank(waits_s, 0.95))
    assert sum(math.isfinite(wait_s) for wait_s in waits_s) >= 59
    assert nearest_rank(waits_s, 0.95) < P95_S


def test_p95_of_a_whole_search_is_below_two_seconds(
    searches: list[SearchResult], record_property: Callable[[str, object], None]
) -> None:
    """C-14: what the user waits for includes the first stage."""
    waits_s = sorted(math.inf if s.degraded else s.latency_s for s in searches)
    record_property("search_p95_s", nearest_rank(waits_s, 0.95))
    assert nearest_rank(waits_s, 0.95) < P95_S
    assert all(s.latency_s >= s.rerank.latency_s > 0 for s in searches)


def test_no_search_outlives_its_deadline(searches: list[SearchResult], settings: Settings) -> None:
    """S-05."""
    assert max(s.rerank.latency_s for s in searches) < settings.deadline_s + SLACK_S


def test_every_ranking_is_an_answer_of_its_own(searches: list[SearchResult]) -> None:
    """L2-04: no answer was remembered, shared or given twice."""
    ranked = [s for s in searches if not s.degraded]
    assert len({s.request_id for s in ranked}) == len(ranked) >= 59
    assert not any(s.cached or s.rerank.shared for s in searches)


def test_every_ranking_holds_all_candidates(
    searches: list[SearchResult],
    code_index: CodeIndex,
    queries: tuple[str, ...],
    settings: Settings,
) -> None:
    """S-01: the model orders what the first stage found; it neither loses nor invents."""
    for query, found in zip(queries, searches, strict=False):
        first_stage = code_index.search(query, settings.candidates)
        given = {candidate.chunk.id for candidate in first_stage}
        ranked = [candidate.chunk.id for candidate in found.rerank.candidates]
        assert set(ranked) == given
        assert len(ranked) == len(given) == settings.candidates

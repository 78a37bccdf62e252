"""A thousand searches as users would make them, once for memory and cache alike."""

import random
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeAlias

import pytest

from l9gate.pytest_plugin.fixtures import MemoryGrowth
from neural_tools.counts import Statistics
from neural_tools.index import CodeIndex
from neural_tools.reranker import Reranker
from neural_tools.search import Searcher, SearchResult
from neural_tools.settings import Settings

SEED = 20261122
SEARCHES = 1000
READINGS = 10
WARM_UP = 24  # opens the connections and starts the threads
AT_ONCE = 8
ZIPF_EXPONENT = 0.7  # of how popular a question is: of 500, some three in five are repeats

Mix: TypeAlias = tuple[tuple[SearchResult, ...], Statistics, int]


@pytest.fixture(scope="session")
def query_mix(queries: tuple[str, ...]) -> tuple[str, ...]:
    """Questions as a Zipf law draws them: few of them often, most once or never."""
    chance = random.Random(SEED)  # noqa: S311 - a workload, no secret
    by_rank = chance.sample(queries, len(queries))
    weights = [1 / rank**ZIPF_EXPONENT for rank in range(1, len(by_rank) + 1)]
    return tuple(chance.choices(by_rank, weights, k=WARM_UP + SEARCHES))


@pytest.fixture(scope="session")
def sustained_mix(
    code_index: CodeIndex,
    settings: Settings,
    query_mix: tuple[str, ...],
    memory_growth: MemoryGrowth,
) -> Mix:
    """Eight users ask all questions with the cache on; memory is read after every hundred."""
    with Reranker(settings) as reranker, ThreadPoolExecutor(AT_ONCE) as threads:
        users = _Users(Searcher(code_index, reranker), threads, query_mix)
        growth_bytes = memory_growth(
            "sustained", users.ask_next, SEARCHES, warmup=WARM_UP, readings=READINGS
        )
        return users.results(), reranker.statistics(), growth_bytes


@pytest.fixture(scope="session")
def mixed_searches(sustained_mix: Mix) -> tuple[SearchResult, ...]:
    """What every user saw, in the order of `query_mix`."""
    return sustained_mix[0]


@pytest.fixture(scope="session")
def mixed_counts(sustained_mix: Mix) -> Statistics:
    """What the re-ranker counted meanwhile."""
    return sustained_mix[1]


@pytest.fixture(scope="session")
def mixed_growth_bytes(sustained_mix: Mix) -> int:
    """By how much the process grew meanwhile, results that are kept here included."""
    return sustained_mix[2]


class _Users:
    """Eight people who search; each asks the next question when one is answered."""

    def __init__(
        self, searcher: Searcher, threads: ThreadPoolExecutor, questions: tuple[str, ...]
    ) -> None:
        self._searcher = searcher
        self._threads = threads
        self._questions = questions
        self._asked: list[Future[SearchResult]] = []

    def ask_next(self, number: int) -> None:
        """Start the next search; where memory is read next, wait until all are answered."""
        if number >= AT_ONCE:
            self._asked[number - AT_ONCE].result()
        self._asked.append(self._threads.submit(self._searcher.search, self._questions[number]))
        done = len(self._asked) - WARM_UP
        if done >= 0 and done % (SEARCHES // READINGS) == 0:
            for search in self._asked[-AT_ONCE:]:
                search.result()

    def results(self) -> tuple[SearchResult, ...]:
        """Return what came of every search."""
        return tuple(search.result() for search in self._asked)

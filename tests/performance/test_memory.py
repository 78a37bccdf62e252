"""L3-08, E-07, C-07: memory after ten operations, and after a thousand, against after warm-up."""

from collections.abc import Callable

import pytest

from l9gate.pytest_plugin.fixtures import MemoryGrowth
from neural_tools.search import Searcher, SearchResult

pytestmark = pytest.mark.benchmark

LIMIT_BYTES = 50_000_000
OPERATIONS = 10
WARM_UP = 5
DEGRADED_SHARE = 0.05


def test_ten_searches_do_not_grow_memory(
    open_searcher: Callable[..., Searcher],
    queries: tuple[str, ...],
    memory_growth: MemoryGrowth,
    record_property: Callable[[str, object], None],
) -> None:
    """L3-08: with the cache off, so that each of them does all the work there is."""
    searcher = open_searcher(cache_ttl_s=0.0)
    results: list[SearchResult] = []

    def search(number: int) -> None:
        results.append(searcher.search(queries[number]))

    grown_bytes = memory_growth("ten_operations", search, OPERATIONS, warmup=WARM_UP)
    record_property("growth_bytes", grown_bytes)
    assert grown_bytes < LIMIT_BYTES
    assert not any(result.degraded for result in results)
    assert len({result.request_id for result in results}) == WARM_UP + OPERATIONS


def test_a_thousand_searches_do_not_grow_memory(
    mixed_searches: tuple[SearchResult, ...],
    mixed_growth_bytes: int,
    record_property: Callable[[str, object], None],
) -> None:
    """E-07: a search that fell back has not done the work whose memory is measured."""
    record_property("growth_bytes", mixed_growth_bytes)
    assert len(mixed_searches) >= 1000
    degraded = sum(search.degraded for search in mixed_searches)
    assert degraded / len(mixed_searches) <= DEGRADED_SHARE
    assert mixed_growth_bytes < LIMIT_BYTES

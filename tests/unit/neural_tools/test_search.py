import asyncio
from collections.abc import Callable

import httpx2
import pytest

from neural_tools.corpus import Chunk
from neural_tools.index import CodeIndex
from neural_tools.reranker import Reranker
from neural_tools.search import Searcher

Open = Callable[..., Reranker]
Build = Callable[..., httpx2.Response]


@pytest.fixture(scope="module")
def index() -> CodeIndex:
    names = ["parse_header", "parse_line", "parse_body", "parse_all", "close"]
    return CodeIndex.build([Chunk(id=n, name=n, path="m.py", code="pass") for n in names])


def test_a_search_returns_hits_in_the_order_of_the_model(
    index: CodeIndex, open_reranker: Open, answer: Build
) -> None:
    """S-01."""
    searcher = Searcher(index, open_reranker(answer(["c4", "c2"])))
    result = searcher.search("parse", top=3)
    assert [(hit.rank, hit.chunk.name) for hit in result.hits] == [
        (1, "parse_all"),
        (2, "parse_line"),
        (3, "parse_header"),
    ]
    assert (result.degraded, result.reason, result.cached, result.mock) == (False, None) + (
        False,
    ) * 2
    assert (result.model, result.request_id) == ("claude-haiku-5-5", "req_ok")
    assert result.latency_s >= 0
    assert searcher.search("parse", top=3).cached
    assert searcher.statistics().hits == 1


def test_a_degraded_search_says_so_and_keeps_the_first_stage(
    index: CodeIndex, open_reranker: Open, refusal: Build
) -> None:
    """S-04, L2-10."""
    searcher = Searcher(index, open_reranker(refusal(529, "overloaded_error")))
    result = searcher.search("parse")
    assert (result.degraded, result.reason) == (True, "overloaded")
    expected = [candidate.chunk.id for candidate in index.search("parse", 10)]
    assert [hit.chunk.id for hit in result.hits] == expected


@pytest.mark.parametrize(("query", "top"), [("", 5), ("zebra", 5), ("parse", 0)])
def test_nothing_found_is_an_empty_result(
    index: CodeIndex, open_reranker: Open, answer: Build, query: str, top: int
) -> None:
    """T-01: empty."""
    assert Searcher(index, open_reranker(answer())).search(query, top=top).hits == ()


def test_an_asynchronous_search_does_the_same(
    index: CodeIndex, open_reranker: Open, answer: Build
) -> None:
    searcher = Searcher(index, open_reranker(answer(["c4", "c2"])))
    result = asyncio.run(searcher.asearch("parse", top=1))
    assert [hit.chunk.name for hit in result.hits] == ["parse_all"]


def test_more_hits_than_the_model_may_see_are_filled_up_from_the_first_stage(
    index: CodeIndex, open_reranker: Open, answer: Build
) -> None:
    searcher = Searcher(index, open_reranker(answer(["c2", "c1"]), candidates=2))
    names = [hit.chunk.name for hit in searcher.search("parse", top=4).hits]
    assert names == ["parse_line", "parse_header", "parse_body", "parse_all"]

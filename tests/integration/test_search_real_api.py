"""S-01, T-02: whole searches over real code, as users start them."""

import asyncio
import json
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from click.testing import CliRunner

import neural_tools
from neural_tools.cli import main
from neural_tools.index import CodeIndex
from neural_tools.search import Searcher, SearchResult
from neural_tools.settings import Settings

pytestmark = pytest.mark.integration

PATIENCE = {"NEURAL_TOOLS_DEADLINE_S": "30", "NEURAL_TOOLS_ATTEMPTS": "5"}
JUDGED = 80  # questions whose answer is known
TOP = 10


def _run_json(*command: str) -> dict[str, object]:
    ended = CliRunner().invoke(main, [*command, "--json"], env=PATIENCE)
    assert ended.exit_code == 0, ended.stderr
    document = json.loads(ended.stdout)
    assert isinstance(document, dict)
    return document


@pytest.mark.parametrize("number", range(400, 404))
def test_command_prints_hits_that_a_model_ranked(
    index_folder: Path,
    code_index: CodeIndex,
    queries: tuple[str, ...],
    settings: Settings,
    number: int,
) -> None:
    found = _run_json("search", queries[number], "--index", str(index_folder), "--top", "20")
    assert (found["query"], found["degraded"], found["cached"]) == (queries[number], False, False)
    assert str(found["model"]).startswith(settings.model)
    assert found["request_id"]
    hits = found["hits"]
    assert isinstance(hits, list)
    expected = {candidate.chunk.id for candidate in code_index.search(queries[number], 20)}
    assert {hit["id"] for hit in hits} == expected
    assert [hit["rank"] for hit in hits] == list(range(1, len(expected) + 1))


def test_smoke_source_tree_is_indexed_and_searched(tmp_path: Path) -> None:
    """C-12: the shortest way through everything; `-k smoke` selects it."""
    folder = str(tmp_path / "index")
    source = str(Path(neural_tools.__file__).parent)
    indexed = _run_json("index", source, "--out", folder)
    assert isinstance(indexed["functions"], int)
    assert indexed["functions"] > 50
    found = _run_json("search", "read the retry-after header of a response", "--index", folder)
    hits = found["hits"]
    assert isinstance(hits, list)
    assert "parse_retry_after" in {hit["name"] for hit in hits}
    assert (found["degraded"], bool(found["request_id"])) == (False, True)


def test_doctor_finds_that_the_model_takes_what_we_ask() -> None:
    """L4-06: lifecycle, structured outputs, thinking and effort, as the API itself states them."""
    checks = _run_json("doctor")["checks"]
    assert isinstance(checks, list)
    assert [check for check in checks if not check["fine"]] == []
    assert {"lifecycle", "structured outputs"} <= {check["name"] for check in checks}


def test_streamed_answer_ranks_as_a_whole_one(
    open_searcher: Callable[..., Searcher],
    queries: tuple[str, ...],
    assert_ranked: Callable[[SearchResult], None],
) -> None:
    searcher = open_searcher(stream=True)
    for query in queries[410:413]:
        result = searcher.search(query, 20)
        assert_ranked(result)
        assert len(result.hits) == 20
    counts = searcher.statistics()
    assert counts.answers == 3
    assert counts.input_tokens > counts.output_tokens > 0


def test_searches_of_one_event_loop_run_side_by_side(
    open_searcher: Callable[..., Searcher],
    queries: tuple[str, ...],
    assert_ranked: Callable[[SearchResult], None],
) -> None:
    searcher = open_searcher()

    async def search_all() -> list[SearchResult]:
        return await asyncio.gather(*(searcher.asearch(query) for query in queries[414:418]))

    results = asyncio.run(search_all())
    for result in results:
        assert_ranked(result)
    assert len({result.request_id for result in results}) == 4


@pytest.mark.live_only
def test_model_ranks_better_than_words_do(
    open_searcher: Callable[..., Searcher], queries: tuple[str, ...], relevant: dict[str, str]
) -> None:
    """S-01: nDCG@10 over the first 80 questions is higher than that of the first stage."""
    searcher = open_searcher()
    asked = queries[:JUDGED]
    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(searcher.search, asked))
    first_stage = [
        _gain(
            [candidate.chunk.id for candidate in searcher.index.search(query, TOP)], relevant[query]
        )
        for query in asked
    ]
    ranked = [
        _gain([hit.chunk.id for hit in result.hits], relevant[query])
        for query, result in zip(asked, results, strict=True)
    ]
    assert sum(ranked) > sum(first_stage)


def _gain(ids: list[str], wanted: str) -> float:
    """Return nDCG@10 where exactly one document is relevant."""
    return 1 / math.log2(ids.index(wanted) + 2) if wanted in ids[:TOP] else 0.0

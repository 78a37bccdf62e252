"""The application over real code and real questions, set up as the environment says.

Everything is lazy: a layer that asks for none of it pays for none of it.
"""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from neural_tools.call import Outside
from neural_tools.corpus import read_jsonl
from neural_tools.index import CodeIndex
from neural_tools.reranker import Reranker
from neural_tools.search import Searcher, SearchResult
from neural_tools.settings import Mode, Settings

_DATA = Path(__file__).parent / "data" / "code_search" / "pydoc_dev"
PATIENCE_S = 30.0  # for tests of anything but latency: a slow answer is no wrong answer


@pytest.fixture(scope="session")
def queries() -> tuple[str, ...]:
    """500 real questions: first sentences of docstrings that the corpus does not hold."""
    lines = (_DATA / "queries.jsonl").read_text(encoding="utf-8").splitlines()
    return tuple(json.loads(line)["query"] for line in lines)


@pytest.fixture(scope="session")
def code_index() -> CodeIndex:
    """8,000 real functions; building takes less than a second."""
    return CodeIndex.build(read_jsonl(_DATA / "corpus.jsonl").chunks)


@pytest.fixture(scope="session")
def index_folder(code_index: CodeIndex, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same index on disk."""
    folder = tmp_path_factory.mktemp("index") / "pydoc"
    code_index.save(folder)
    return folder


@pytest.fixture(scope="session")
def settings() -> Settings:
    """What the environment says, as the deployed application would read it."""
    found = Settings.from_environment(os.environ)
    if found.mode is not Mode.REAL:
        pytest.fail("ANTHROPIC_API_KEY is unset or blank: nothing was tested")
    return found


@pytest.fixture(scope="session")
def patient_settings(settings: Settings) -> Settings:
    """The same with a deadline that only a broken API misses."""
    return replace(settings, deadline_s=PATIENCE_S, attempts=5)


@pytest.fixture
def open_searcher(
    code_index: CodeIndex, patient_settings: Settings
) -> Iterator[Callable[..., Searcher]]:
    """Make searchers of one's own; settings as keywords, patient ones unless told otherwise."""
    with ExitStack() as opened:

        def build(outside: Outside | None = None, **changes: object) -> Searcher:
            changed = replace(patient_settings, **changes)  # type: ignore[arg-type]
            reranker = Reranker(changed, outside)
            return Searcher(code_index, opened.enter_context(reranker))

        yield build


@pytest.fixture(scope="session")
def assert_ranked(settings: Settings) -> Callable[[SearchResult], None]:
    """Check that a model ranked a result, and that the API gave an id to the request."""

    def check(result: SearchResult) -> None:
        assert (result.degraded, result.reason, result.mock) == (False, None, False)
        assert result.request_id
        assert (result.model or "").startswith(settings.model)
        assert len(result.hits) == len({hit.chunk.id for hit in result.hits}) > 0
        assert [hit.rank for hit in result.hits] == list(range(1, len(result.hits) + 1))

    return check

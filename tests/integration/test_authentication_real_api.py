"""L2-07, C-03: a refusal that lasts until somebody acts is raised and never looks like a result."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from neural_tools.cli import main
from neural_tools.errors import (
    ConfigurationError,
    KeyRefusedError,
    ModelNotFoundError,
    RequestRefusedError,
)
from neural_tools.search import Searcher, SearchResult
from neural_tools.settings import Settings

pytestmark = pytest.mark.integration

WRONG_KEY = "sk-ant-invalid-0000000000"
NO_MODEL = "claude-no-such-model"
ALWAYS_THINKS = "claude-opus-5-5"  # refuses `thinking: disabled`, which is what we ask for


@pytest.mark.expects_error("authentication_error")
@pytest.mark.scenario("authentication")
def test_wrong_key_is_an_error_and_no_ranking(
    open_searcher: Callable[..., Searcher], queries: tuple[str, ...], settings: Settings
) -> None:
    searcher = open_searcher(api_key=WRONG_KEY)
    with pytest.raises(KeyRefusedError, match="401 authentication_error") as refused:
        searcher.search(queries[0])
    assert WRONG_KEY not in str(refused.value)
    assert settings.key_variables in str(refused.value.hint)


@pytest.mark.expects_error("authentication_error")
@pytest.mark.scenario("authentication")
def test_wrong_key_counts_as_refused_and_never_as_fallback(
    open_searcher: Callable[..., Searcher], queries: tuple[str, ...]
) -> None:
    searcher = open_searcher(api_key=WRONG_KEY)
    for query in queries[:2]:
        with pytest.raises(KeyRefusedError):
            searcher.search(query)
    counts = searcher.statistics()
    assert (counts.refused, counts.operations, counts.answers) == (2, 2, 0)
    assert counts.fallbacks == {}


@pytest.mark.expects_error("authentication_error")
@pytest.mark.scenario("authentication")
def test_command_with_a_wrong_key_prints_no_hits(
    index_folder: Path, queries: tuple[str, ...], settings: Settings
) -> None:
    """P-04."""
    names = settings.key_variables.split(" or ")
    command = ["search", queries[0], "--index", str(index_folder), "--json"]
    ended = CliRunner().invoke(main, command, env=dict.fromkeys(names, WRONG_KEY))
    assert ended.exit_code != 0
    assert ended.stdout == ""
    assert ended.stderr.startswith("neural-tools: the API refused the request: 401")
    assert "hint: check the key" in ended.stderr
    assert "Traceback" not in ended.output


def test_key_of_the_environment_is_accepted(
    open_searcher: Callable[..., Searcher],
    queries: tuple[str, ...],
    assert_ranked: Callable[[SearchResult], None],
) -> None:
    """The other tests of this file would also pass where nobody is let in."""
    assert_ranked(open_searcher().search(queries[0]))


@pytest.mark.expects_error("not_found_error")
def test_unknown_model_is_an_error_that_names_it(
    open_searcher: Callable[..., Searcher], queries: tuple[str, ...]
) -> None:
    searcher = open_searcher(model=NO_MODEL)
    with pytest.raises(ModelNotFoundError, match="404 not_found_error") as refused:
        searcher.search(queries[0])
    assert NO_MODEL in str(refused.value.hint)
    assert searcher.statistics().refused == 1


@pytest.mark.expects_error("invalid_request_error")
def test_request_that_the_model_does_not_take_is_an_error(
    open_searcher: Callable[..., Searcher], queries: tuple[str, ...]
) -> None:
    searcher = open_searcher(model=ALWAYS_THINKS)
    with pytest.raises(RequestRefusedError, match="400 invalid_request_error") as refused:
        searcher.search(queries[0])
    assert "request req_" in str(refused.value)


@pytest.mark.expects_error("authentication_error", "not_found_error")
@pytest.mark.parametrize("changes", [{"api_key": WRONG_KEY}, {"model": NO_MODEL}])
def test_refusal_is_neither_retried_nor_remembered(
    open_searcher: Callable[..., Searcher], queries: tuple[str, ...], changes: dict[str, str]
) -> None:
    searcher = open_searcher(**changes)
    for _ in range(2):
        with pytest.raises(ConfigurationError):
            searcher.search(queries[0])
    counts = searcher.statistics()
    assert (counts.refused, counts.hits) == (2, 0)
    assert searcher.reranker.cache_statistics().entries == 0

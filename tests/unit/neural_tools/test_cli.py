import json
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest
from click.testing import CliRunner, Result

from neural_tools import cli, doctor
from neural_tools.call import Outside
from neural_tools.doctor import Check
from neural_tools.reranker import Reranker
from neural_tools.settings import Settings

Build = Callable[..., httpx2.Response]
World = Callable[..., Outside]
Run = Callable[..., Result]

VARIABLES = ("ANTHROPIC_API_KEY", "STAGING_API_KEY", "PROD_API_KEY", "ANTHROPIC_BASE_URL")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in an empty folder; variables as keywords."""
    monkeypatch.chdir(tmp_path)
    for name in (*VARIABLES, "L9GATE_ENV", "NEURAL_TOOLS_STRICT"):
        monkeypatch.delenv(name, raising=False)

    def call(*arguments: str, **environ: str) -> Result:
        return CliRunner().invoke(cli.main, arguments, env=environ)

    return call


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "m.py").write_text("def parse_a(): ...\ndef parse_b(): ...\ndef other(): ...\n")
    return folder


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch, outside: World) -> Callable[..., None]:
    """Put an API in memory behind the command."""

    def play(*steps: httpx2.Response | Exception) -> None:
        monkeypatch.setattr(
            "neural_tools.reranker.Reranker",
            lambda settings: Reranker(settings, outside(*steps)),
        )

    return play


def test_index_then_search_in_mock_mode_is_labelled_in_text_and_json(run: Run, tree: Path) -> None:
    """V-01."""
    assert run("index", str(tree)).exit_code == 0
    text = run("search", "parse a", L9GATE_ENV="development", ANTHROPIC_API_KEY="")
    assert text.exit_code == 0
    assert "MOCK" in text.stderr
    assert all(line.startswith("mock") for line in text.stdout.splitlines())
    document = json.loads(run("search", "parse a", "--json", L9GATE_ENV="development").stdout)
    assert (document["mock"], document["degraded"], document["model"]) == (True, False, None)
    assert document["hits"][0]["name"] == "parse_a"


def test_a_real_search_prints_the_order_of_the_model(
    run: Run, tree: Path, api: Callable[..., None], answer: Build
) -> None:
    """S-01."""
    api(answer(["c2", "c1"]))
    run("index", str(tree))
    result = run("search", "parse", ANTHROPIC_API_KEY="k")
    assert result.stdout.split() == ["1", "m.py:2", "parse_b", "2", "m.py:1", "parse_a"]
    assert "ranked by claude-haiku-5-5" in result.stderr


def test_a_degraded_search_is_labelled_in_text_and_json(
    run: Run, tree: Path, api: Callable[..., None], refusal: Build
) -> None:
    """S-04."""
    api(refusal(529, "overloaded_error"))
    run("index", str(tree))
    result = run("search", "parse", ANTHROPIC_API_KEY="k")
    assert result.exit_code == 0
    assert "DEGRADED (overloaded)" in result.stderr
    assert result.stdout.startswith("degraded")
    document = json.loads(run("search", "parse", "--json", ANTHROPIC_API_KEY="k").stdout)
    assert (document["degraded"], document["reason"]) == (True, "overloaded")


def test_a_search_without_a_key_is_one_clear_line(run: Run, tree: Path) -> None:
    """C-04, P-04."""
    run("index", str(tree))
    result = run("search", "parse", ANTHROPIC_API_KEY=" ")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.splitlines()[0].startswith("neural-tools: no API key")
    assert "ANTHROPIC_API_KEY" in result.stderr
    assert "hint: " in result.stderr


def test_a_refused_key_is_one_clear_line_and_no_result(
    run: Run, tree: Path, api: Callable[..., None], refusal: Build
) -> None:
    """L2-07."""
    api(refusal(401, "authentication_error"))
    run("index", str(tree))
    result = run("search", "parse", ANTHROPIC_API_KEY="sk-wrong")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "401" in result.stderr
    assert "sk-wrong" not in result.stderr


def test_strict_mode_ends_with_an_error(
    run: Run, tree: Path, api: Callable[..., None], refusal: Build
) -> None:
    """C-03."""
    api(refusal(529, "overloaded_error"))
    run("index", str(tree))
    result = run("search", "parse", ANTHROPIC_API_KEY="k", NEURAL_TOOLS_STRICT="1")
    assert (result.exit_code, result.stdout) == (1, "")


def test_a_search_that_finds_nothing_says_so(
    run: Run, tree: Path, api: Callable[..., None], answer: Build
) -> None:
    api(answer())
    run("index", str(tree))
    result = run("search", "zebra", ANTHROPIC_API_KEY="k")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "nothing to rank" in result.stderr


def test_a_repeated_question_is_labelled_as_cached(answer: Build, outside: World) -> None:
    from neural_tools.corpus import Chunk
    from neural_tools.index import CodeIndex
    from neural_tools.search import Searcher

    found = CodeIndex.build([Chunk(id=n, name=n, path="p", code="x") for n in ("f_a", "f_b")])
    with Reranker(Settings(api_key="k"), outside(answer(["c1"]))) as reranker:
        searcher = Searcher(found, reranker)
        results = [searcher.search("f") for _ in range(2)]
    assert ["(cached)" in cli._label(result) for result in results] == [False, True]


def test_index_reports_what_it_left_out(run: Run, tree: Path) -> None:
    (tree / "binary.py").write_bytes(b"\0\1")
    (tree / "broken.py").write_text("def f(:\n")
    result = run("index", str(tree), "--json")
    document = json.loads(result.stdout)
    assert document["functions"] >= 3
    assert document["skipped"] == [{"path": "binary.py", "reason": "binary"}]
    assert document["with_syntax_errors"] == ["broken.py"]
    assert "binary.py" in result.stderr
    assert "syntax error" in result.stderr


def test_index_reads_json_lines(run: Run, tmp_path: Path) -> None:
    (tmp_path / "c.jsonl").write_text('{"id": "a", "code": "def f(): ..."}\n')
    result = run("index", "c.jsonl", "--out", "other")
    assert "1 functions of 1 files in other" in result.stdout


@pytest.mark.parametrize(
    "arguments",
    [("index", "nowhere"), ("index", "c.jsonl"), ("search", "x"), ("search", "x", "--index", ".")],
)
def test_a_wrong_path_is_one_clear_line(run: Run, arguments: tuple[str, ...]) -> None:
    result = run(*arguments, ANTHROPIC_API_KEY="k")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("neural-tools: ")
    assert "Traceback" not in result.stderr


def test_an_empty_query_is_wrong_use(run: Run) -> None:
    """T-01: empty."""
    result = run("search", "  ")
    assert result.exit_code == 2
    assert "empty" in result.stderr


def test_the_doctor_exits_by_what_it_finds(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    result = run("doctor", L9GATE_ENV="development")
    assert (result.exit_code, result.stdout.split()[:2]) == (0, ["fine", "mode"])
    bad = Check(name="thinking", is_fine=False, detail="no")
    monkeypatch.setattr(doctor, "diagnose", lambda _: [bad])
    result = run("doctor", "--json", ANTHROPIC_API_KEY="k")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["checks"][0] == {
        "name": "thinking",
        "fine": False,
        "detail": "no",
    }
    assert run("doctor").exit_code == 1


@pytest.mark.parametrize("arguments", [("--help",), ("index", "-h"), ("search", "-h")])
def test_help_is_there(run: Run, arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert result.exit_code == 0
    assert "Usage" in result.stdout

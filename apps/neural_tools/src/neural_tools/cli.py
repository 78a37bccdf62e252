"""The command `neural-tools`: data to stdout, words about it to stderr."""

import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from neural_tools.corpus import Corpus, read_jsonl, read_tree
from neural_tools.errors import NeuralToolsError
from neural_tools.index import CodeIndex
from neural_tools.settings import Settings

if TYPE_CHECKING:
    from neural_tools.search import SearchResult

DEFAULT_INDEX = Path(".neural-tools")


class OneLine(click.ClickException):
    """An error as one clear line and, after a blank line, a hint."""

    def __init__(self, error: NeuralToolsError) -> None:
        super().__init__(str(error))
        self.hint = error.hint

    def show(self, file: object = None) -> None:  # noqa: ARG002 - click's signature
        """Print to stderr."""
        click.echo(f"neural-tools: {self.message}", err=True)
        if self.hint:
            click.echo(f"\nhint: {self.hint}", err=True)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="neural-tools")
def main() -> None:
    """Search Python code; a Claude model ranks what was found."""


@main.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), default=DEFAULT_INDEX, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def index(path: Path, out: Path, as_json: bool) -> None:
    """Index the functions of PATH: a folder, a .py file or a corpus in JSON lines."""
    started_s = time.perf_counter()
    try:
        corpus = read_jsonl(path) if path.suffix == ".jsonl" else read_tree(path)
        CodeIndex.build(corpus.chunks).save(out)
    except NeuralToolsError as error:
        raise OneLine(error) from error
    _print_indexed(corpus, out, time.perf_counter() - started_s, as_json=as_json)


@main.command()
@click.argument("query")
@click.option(
    "--index", "folder", type=click.Path(path_type=Path), default=DEFAULT_INDEX, show_default=True
)
@click.option("--top", type=click.IntRange(1, 100), default=10, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def search(query: str, folder: Path, top: int, as_json: bool) -> None:
    """Find functions that answer QUERY, best first."""
    if not query.strip():
        raise click.UsageError("the query is empty")
    try:
        settings = Settings.from_environment(os.environ)
        found = CodeIndex.load(folder)
        result = _search(found, settings, query, top)
    except NeuralToolsError as error:
        raise OneLine(error) from error
    if as_json:
        click.echo(json.dumps(_document(query, result)))
    else:
        _print_hits(result)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def doctor(as_json: bool) -> None:
    """Compare the settings with what the API says about the model."""
    from neural_tools.doctor import diagnose

    try:
        checks = diagnose(Settings.from_environment(os.environ))
    except NeuralToolsError as error:
        raise OneLine(error) from error
    if as_json:
        rows = [{"name": c.name, "fine": c.is_fine, "detail": c.detail} for c in checks]
        click.echo(json.dumps({"checks": rows}))
    else:
        for check in checks:
            click.echo(f"{'fine ' if check.is_fine else 'wrong'}  {check.name}  {check.detail}")
    sys.exit(0 if all(check.is_fine for check in checks) else 1)


def _search(found: CodeIndex, settings: Settings, query: str, top: int) -> "SearchResult":
    # The SDK takes two seconds to import; `--help`, `index` and a missing key need not wait.
    from neural_tools.reranker import Reranker
    from neural_tools.search import Searcher

    with Reranker(settings) as reranker:
        return Searcher(found, reranker).search(query, top)


def _print_indexed(corpus: Corpus, out: Path, duration_s: float, *, as_json: bool) -> None:
    for skipped in corpus.skipped:
        click.echo(f"skipped  {skipped.path}  {skipped.reason}", err=True)
    for path in corpus.with_syntax_errors:
        click.echo(f"syntax error  {path}  (its functions were read as far as possible)", err=True)
    if as_json:
        document = {
            "index": str(out),
            "functions": len(corpus.chunks),
            "files": corpus.files,
            "skipped": [{"path": s.path, "reason": s.reason} for s in corpus.skipped],
            "with_syntax_errors": corpus.with_syntax_errors,
            "duration_s": round(duration_s, 3),
        }
        click.echo(json.dumps(document))
    else:
        click.echo(
            f"{len(corpus.chunks):,} functions of {corpus.files:,} files in {out} "
            f"({duration_s:.1f} s)"
        )


def _label(result: "SearchResult") -> str:
    if result.mock:
        return "MOCK: this order is invented, no model was asked"
    if result.degraded:
        return f"DEGRADED ({result.reason}): first-stage order, not ranked by a model"
    if result.cached:
        return f"ranked by {result.model} (cached)"
    return f"ranked by {result.model}" if result.model else "nothing to rank"


def _print_hits(result: "SearchResult") -> None:
    click.echo(f"{_label(result)}  {result.latency_s:.2f} s", err=True)
    mark = "mock  " if result.mock else "degraded  " if result.degraded else ""
    for hit in result.hits:
        chunk = hit.chunk
        click.echo(f"{mark}{hit.rank:>3}  {chunk.path}:{chunk.start_line}  {chunk.name}")


def _document(query: str, result: "SearchResult") -> dict[str, object]:
    return {
        "query": query,
        "degraded": result.degraded,
        "reason": result.reason,
        "mock": result.mock,
        "cached": result.cached,
        "model": result.model,
        "request_id": result.request_id,
        "latency_s": round(result.latency_s, 4),
        "hits": [
            {
                "rank": hit.rank,
                "id": hit.chunk.id,
                "name": hit.chunk.name,
                "path": hit.chunk.path,
                "start_line": hit.chunk.start_line,
                "end_line": hit.chunk.end_line,
                "score": round(hit.score, 4),
            }
            for hit in result.hits
        ],
    }

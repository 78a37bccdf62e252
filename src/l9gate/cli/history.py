"""`l9gate history`: the runs of this project."""

import json

import click

from l9gate.cli.project import format_option, runs_root
from l9gate.store.history import HistoryEntry, read_history


@click.command("history")
@format_option
@click.option("--most", type=click.IntRange(1), default=20, show_default=True, help="How many.")
def command(format_name: str, most: int) -> None:
    """List the runs of this project, newest first.

    Each with what it was, and the first line of its report.
    """
    entries = read_history(runs_root())[:most]
    if format_name == "json":
        rows = [{"run": entry.path.name, "headline": _headline(entry)} for entry in entries]
        click.echo(json.dumps(rows, indent=2))
        return
    for entry in entries:
        click.echo(f"{entry.path.name}  {_what(entry)}\n    {_headline(entry)}")
    if not entries:
        click.echo("no runs yet; start one with `l9gate run`", err=True)


def _what(entry: HistoryEntry) -> str:
    if entry.manifest is None:
        return "unreadable"
    manifest = entry.manifest
    revision = (manifest.git_revision or "no git")[:10] + ("+" if manifest.git_dirty else "")
    asked = ", ".join((*manifest.layers, *manifest.sources))
    return f"{manifest.kind} · {manifest.environment} · {asked} · {revision}"


def _headline(entry: HistoryEntry) -> str:
    if entry.error is not None:
        return str(entry.error)
    report = entry.path / "report.txt"
    if not report.is_file():
        return "not judged: `l9gate judge` does"
    with report.open(encoding="utf-8") as file:
        return file.readline().strip()

"""`l9gate watch`: the alert rules over a run."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec

from l9gate import gate
from l9gate.cli.project import find_runs, format_option, policy_option
from l9gate.evidence.records import Alert


@click.command("watch")
@click.argument("run", required=False)
@policy_option
@format_option
def command(run: str | None, policy: Path | None, format_name: str) -> None:
    """Evaluate the alert rules of the policy over the newest run, or RUN.

    A window slides over the run; each change of a rule's state is printed, and written to
    alerts.jsonl beside the evidence. Alerts inform; they never change a verdict.
    """
    path = find_runs((run,) if run else ())[0]
    changes = gate.watch(path, policy)
    if format_name == "json":
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(changes), indent=2) + b"\n")
        return
    for change in changes:
        click.echo(_line(change))
    click.echo(f"{len(changes)} changes of state, also in {path / 'alerts.jsonl'}", err=True)


def _line(change: Alert) -> str:
    at = datetime.fromtimestamp(change.at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    observed = "no value" if change.observed is None else f"{change.observed:.4g}"
    return (
        f"{at}  {change.rule}  {change.before} → {change.after}  {observed} (n={change.samples:,})"
    )

"""`l9gate judge`: evidence and a policy to a verdict, again and again the same."""

import sys
from pathlib import Path

import click
from msgspec.json import format as indented

from l9gate import gate
from l9gate.cli.output import show_judgement
from l9gate.cli.project import find_runs, format_option, policy_option
from l9gate.report.rollup import render_rollup, rollup_json


@click.command("judge")
@click.argument("runs", nargs=-1, metavar="[RUN]...")
@policy_option
@format_option
def command(runs: tuple[str, ...], policy: Path | None, format_name: str) -> None:
    """Judge the newest run, or RUN; several runs of one package are pooled.

    Runs of several packages are rolled up into one table, worst first. Reads folders, sends
    nothing, writes nothing: the same folder and policy give the same bytes.

    Exit status: 0 kept, 1 not ready, 2 unproven, 65 a run cannot be read, 78 wrong policy.
    """
    judgements = gate.judge_packages(find_runs(runs), policy)
    worst = judgements[0]
    if len(judgements) == 1:
        show_judgement(worst, format_name)
    elif format_name == "json":
        documents = [judgement.document for judgement in judgements]
        sys.stdout.buffer.write(indented(rollup_json(documents), indent=2) + b"\n")
    else:
        click.echo(render_rollup([judgement.document for judgement in judgements]), nl=False)
    sys.exit(worst.verdict.exit_code)

"""`l9gate report`: a run's report in one format."""

from pathlib import Path

import click

from l9gate import gate
from l9gate.cli.output import show_judgement
from l9gate.cli.project import find_runs, policy_option


@click.command("report")
@click.argument("run", required=False)
@click.option(
    "--format",
    "format_name",
    type=click.Choice(["text", "json", "html", "junit", "sarif", "hdr"]),
    default="text",
    show_default=True,
    help="JSON follows document.schema.json; HTML is one file, JUnit for CI, SARIF for code hosts, "
    "hdr an HdrHistogram log of latencies under load.",
)
@policy_option
def command(run: str | None, format_name: str, policy: Path | None) -> None:
    """Print the report of the newest run, or of RUN.

    Like `l9gate judge`, but always with status 0: it shows, and `judge` decides.
    """
    show_judgement(gate.judge(find_runs((run,) if run else ()), policy), format_name)

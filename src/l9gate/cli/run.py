"""`l9gate run`: run layers of tests, then judge them."""

import os
import sys
from pathlib import Path

import click

from l9gate import gate
from l9gate.cli.output import file_reports, show_judgement
from l9gate.cli.project import format_option, parse_layers, policy_option, require_settings
from l9gate.store.environments import environment_name


@click.command("run")
@click.argument("layers", nargs=-1, metavar="[LAYER]...")
@click.option("--rehearse", is_flag=True, help="Against the local simulator: no key, no cost.")
@click.option("--env", "environment", default=None, help="development, staging, production …")
@click.option(
    "-k", "narrowed", default=None, metavar="EXPR", help="Only tests that match (pytest)."
)
@click.option("--seed", type=int, default=1, show_default=True, help="Of everything random.")
@policy_option
@format_option
def command(
    *,
    layers: tuple[str, ...],
    rehearse: bool,
    environment: str | None,
    narrowed: str | None,
    seed: int,
    policy: Path | None,
    format_name: str,
) -> None:
    """Run layers of tests, watch every API call they make, and judge what was seen.

    LAYER is unit, integration, performance, contract or all (the default). Only `all` can be
    ready to ship. The report goes to stdout and beside the evidence, progress to stderr.

    Exit status: 0 kept, 1 not ready, 2 unproven, 69 key or endpoint missing (nothing was tested).
    """
    settings = require_settings()
    request = gate.RunRequest(
        settings=settings,
        layers=parse_layers(layers),
        environment=settings.environment(environment_name(os.environ, environment)),
        is_rehearsal=rehearse,
        seed=seed,
        policy=policy,
        narrowed=narrowed,
    )
    judgement = gate.run(request, os.environ, lambda line: click.echo(line, err=True))
    file_reports(judgement)
    show_judgement(judgement, format_name)
    sys.exit(judgement.verdict.exit_code)

"""`l9gate run`: run layers of tests, then judge them."""

import os
import sys
from pathlib import Path

import click

from l9gate import gate
from l9gate.cli.output import file_reports, show_judgement
from l9gate.cli.project import (
    budget_option,
    environment_option,
    format_option,
    parse_layers,
    policy_option,
    rehearse_option,
    require_settings,
    seed_option,
    stopping_option,
)
from l9gate.measure.sequential import Stopping
from l9gate.proxy.process import ProxyPlan
from l9gate.store.caps import parse_budget
from l9gate.store.environments import environment_name


@click.command("run")
@click.argument("layers", nargs=-1, metavar="[LAYER]...")
@rehearse_option
@environment_option
@click.option(
    "-k", "narrowed", default=None, metavar="EXPR", help="Only tests that match (pytest)."
)
@budget_option
@seed_option
@click.option("--proxy", is_flag=True, help="Record other programs' calls, too, by a proxy.")
@click.option(
    "--proxy-port",
    type=click.IntRange(1, 65535),
    help="The proxy's port, for a service that runs already; implies --proxy.",
)
@click.option(
    "--otlp-port",
    type=click.IntRange(1, 65535),
    help="Take spans of a service there, over OTLP/HTTP; implies --proxy.",
)
@stopping_option
@policy_option
@format_option
def command(
    *,
    layers: tuple[str, ...],
    rehearse: bool,
    environment: str | None,
    narrowed: str | None,
    budget: str | None,
    seed: int,
    proxy: bool,
    proxy_port: int | None,
    otlp_port: int | None,
    stopping: str | None,
    policy: Path | None,
    format_name: str,
) -> None:
    """Run layers of tests, watch every API call they make, and judge what was seen.

    LAYER is unit, integration, performance, contract or all (the default). Only `all` can be
    ready to ship. The report goes to stdout and beside the evidence, progress to stderr.

    Exit status: 0 kept, 1 not ready, 2 unproven, 69 key or endpoint missing, 75 no
    money for the first call (nothing was tested).
    """
    settings = require_settings()
    plan = ProxyPlan(port=proxy_port or 0, otlp_port=otlp_port)
    request = gate.RunRequest(
        settings=settings,
        layers=parse_layers(layers),
        environment=settings.environment(environment_name(os.environ, environment)),
        is_rehearsal=rehearse,
        seed=seed,
        policy=policy,
        narrowed=narrowed,
        budget_usd=None if budget is None else parse_budget(budget),
        proxy=plan if proxy or proxy_port or otlp_port else None,
        stopping=None if stopping is None else Stopping(stopping),
    )
    judgement = gate.run(request, os.environ, lambda line: click.echo(line, err=True))
    file_reports(judgement)
    show_judgement(judgement, format_name)
    sys.exit(judgement.verdict.exit_code)

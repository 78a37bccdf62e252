"""`l9gate control`: which tests pass although the API cannot serve them."""

import os
import sys
from pathlib import Path

import click

from l9gate import gate
from l9gate.cli.project import environment_option, format_option
from l9gate.report.control import render_control, render_control_json
from l9gate.store.environments import environment_name
from l9gate.store.settings import read_settings


@click.command("control", context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, metavar="[-- PYTEST_ARGUMENT...]", type=click.UNPROCESSED)
@click.option(
    "--minutes",
    type=click.FloatRange(min=0.1),
    default=None,
    help="For everything [default: 2; with layers 6]; what is not reached is named.",
)
@click.option(
    "--test-seconds",
    type=click.FloatRange(min=0.1),
    default=None,
    help="For one test [default: 20; with layers 60]; a longer one proves nothing.",
)
@environment_option
@click.option("--again", is_flag=True, help="Also if nothing has changed since the last time.")
@format_option
def command(
    *,
    arguments: tuple[str, ...],
    minutes: float | None,
    test_seconds: float | None,
    environment: str | None,
    again: bool,
    format_name: str,
) -> None:
    """Run your tests against a dead endpoint, one that refuses every key, one that answers garbage.

    A test that talks to the API must fail there; one that passes proves nothing when it passes.
    Needs no key, no settings and no change to your files, sends nothing over the network and
    costs nothing. With [tool.l9gate] the real layers are run and the result is kept as evidence.

    Exit status: 0 no test survives, 1 some do, 2 unproven, 69 there is no pytest.
    """
    settings = read_settings(Path.cwd())
    request = gate.ControlRequest(
        root=Path.cwd() if settings is None or not settings.layers else settings.root,
        settings=settings,
        environment=None if settings is None else environment_name(os.environ, environment),
        minutes=minutes,
        test_limit_s=test_seconds,
        arguments=arguments,
        is_again=again,
    )
    result = gate.control(request, os.environ, lambda line: click.echo(line, err=True))
    if format_name == "json":
        document = render_control_json(result.control, result.seconds, result.exit_code)
        sys.stdout.buffer.write(document)
    else:
        click.echo(render_control(result.control, result.seconds), nl=False)
    if result.file is not None:
        click.echo(f"kept as evidence: {result.file}", err=True)
    sys.exit(result.exit_code)

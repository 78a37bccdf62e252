"""`l9gate load`: a rate of calls for a while, then a verdict."""

import os
import re
import sys
from contextlib import suppress
from pathlib import Path
from typing import Unpack

import click

from l9gate import gate
from l9gate.cli.load_engine import ENGINE_OPTIONS, EngineOptions, manifest_of, read_place
from l9gate.cli.output import file_reports, show_judgement
from l9gate.cli.project import (
    budget_option,
    environment_option,
    format_option,
    load_factor_option,
    options,
    policy_option,
    rehearse_option,
    require_settings,
    seed_option,
)
from l9gate.errors import UsageError
from l9gate.evidence.load import Entry
from l9gate.gate.load import LoadRequest, load
from l9gate.measure.sequential import Stopping
from l9gate.sources.load.plan import Engine
from l9gate.store.caps import parse_budget
from l9gate.store.environments import environment_name
from l9gate.store.settings import Settings

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|min|h)?")
_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600}
DEFAULT_RATE = "poisson 1/s"
_EACH_S = 1.0  # between two bare calls, where something else than a bare call is measured


class Options(EngineOptions):
    """What the command line may say, under the names of the options."""

    rate: str
    duration: str
    model: str | None
    stream: bool
    workload: str | None
    app: str | None
    timeout: str
    warm_up: int
    control_every: str | None
    stopping: str | None
    proxy: str | None
    rehearse: bool
    load_factor: float
    latency: Path | None
    environment: str | None
    budget: str | None
    seed: int
    policy: Path | None
    format_name: str


_OPTIONS = (
    click.option(
        "--rate",
        default=DEFAULT_RATE,
        show_default=True,
        metavar="ARRIVALS",
        help="`constant 5/s`, `poisson 30/min`, `ramp 1/s..20/s`, `closed 8` (users), `recorded`.",
    ),
    click.option("--duration", default="60s", show_default=True, help="Such as 90s, 5min or 1h."),
    click.option("--model", default=None, help="Which one to call; the project's by default."),
    click.option("--stream", is_flag=True, help="Ask for streams; a workload says so itself."),
    click.option(
        "--workload",
        default=None,
        metavar="FILE|NAME",
        help="JSON lines of request bodies, or a generator `package.module:function`.",
    ),
    click.option(
        "--entry",
        type=click.Choice([entry.value for entry in Entry]),
        default=Entry.WIRE.value,
        show_default=True,
        help="Send bytes, or call the application (`app`), or its SDK (`sdk`).",
    ),
    click.option(
        "--app", default=None, metavar="NAME", help="Async callable `package.module:function`."
    ),
    click.option("--timeout", default="60s", show_default=True, help="Of one call."),
    click.option("--warm-up", type=click.IntRange(min=0), default=0, help="Calls before it."),
    click.option(
        "--control-every",
        default=None,
        metavar="TIME",
        help="Bare calls in between tell the API from the application; 0 for none.",
    ),
    click.option(
        "--stopping",
        type=click.Choice([rule.value for rule in Stopping]),
        default=None,
        help="`anytime` ends it as soon as everything asked is decided.",
    ),
    click.option("--proxy", default=None, metavar="URL", help="An HTTP proxy to go through."),
)


@click.command("load")
@options(*_OPTIONS, *ENGINE_OPTIONS)
@rehearse_option
@load_factor_option
@click.option(
    "--latency",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Of the simulator: TOML file with the pace of models.",
)
@environment_option
@budget_option
@seed_option
@policy_option
@format_option
def command(**options: Unpack[Options]) -> None:
    """Send calls at a rate, whatever becomes of those before, and judge what came of them.

    Latency counts from when a call was due. A load alone is kept or not, and never ready; the
    report goes to stdout and beside the evidence, progress to stderr.

    Exit status: 0 kept, 1 not ready, 2 unproven, 69 key or endpoint missing, 75 no money for the
    first call, 130 interrupted (what was measured is kept).
    """
    if options["engine"] == Engine.KUBERNETES:
        click.echo(manifest_of(make_request(require_settings(), options), options), nl=False)
        return
    request = make_request(require_settings(), options)
    judgement = load(request, os.environ, _say)
    file_reports(judgement)
    show_judgement(judgement, options["format_name"])
    sys.exit(judgement.verdict.exit_code)


def _say(line: str) -> None:
    with suppress(BrokenPipeError):  # nobody reads the progress: that ends no load
        click.echo(line, err=True)


def make_request(settings: Settings, options: Options) -> LoadRequest:
    """Return what a command line asks for.

    Raises:
        UsageError: a time is none, or the application's name is missing.
    """
    entry = Entry(options["entry"])
    app = options["app"] or settings.load.app
    workload = options["workload"] or settings.load.workload
    if entry is Entry.APP and app is None:
        raise UsageError(
            "`--entry app` needs to know what to call",
            hint="add `--app package.module:function`, or `app` to [tool.l9gate.load]",
        )
    is_bare = entry is Entry.WIRE and workload is None
    every_s = 0.0 if is_bare else _EACH_S
    if options["control_every"] is not None:
        every_s = parse_time_s(options["control_every"], "--control-every")
    budget, stopping = options["budget"], options["stopping"]
    return LoadRequest(
        run=gate.RunRequest(
            settings=settings,
            layers=(),
            environment=settings.environment(environment_name(os.environ, options["environment"])),
            is_rehearsal=options["rehearse"],
            seed=options["seed"],
            policy=options["policy"],
            budget_usd=None if budget is None else parse_budget(budget),
            stopping=None if stopping is None else Stopping(stopping),
            model=options["model"],
            load_factor=options["load_factor"],
            latency=options["latency"],
        ),
        rate=options["rate"],
        duration_s=parse_time_s(options["duration"], "--duration"),
        stream=options["stream"],
        workload=workload,
        entry=entry,
        app=app,
        timeout_s=parse_time_s(options["timeout"], "--timeout"),
        warm_up=options["warm_up"],
        control_every_s=every_s or None,
        proxy=options["proxy"],
        place=read_place(options),
    )


def parse_time_s(text: str, option: str) -> float:
    """Return the seconds that a text such as `5min` stands for.

    Raises:
        UsageError: it stands for none.
    """
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        raise UsageError(f"{option}: `{text}` is no time", hint="write `90s`, `5min` or `1h`")
    return float(found[1]) * _SECONDS[found[2] or "s"]

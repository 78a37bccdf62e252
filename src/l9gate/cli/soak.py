"""`l9gate soak`: a steady load for a long time, a process watched beside it, then a verdict."""

import os
import sys
from pathlib import Path
from typing import TypedDict, Unpack

import click

from l9gate.cli.load import parse_time_s
from l9gate.cli.output import file_reports, show_judgement
from l9gate.cli.project import (
    budget_option,
    environment_option,
    find_runs,
    format_option,
    load_factor_option,
    policy_option,
    rehearse_option,
    require_settings,
    seed_option,
)
from l9gate.errors import ExitCode
from l9gate.evidence.load import Entry
from l9gate.gate.soak import resume_soak, soak
from l9gate.gate.soak_asked import SoakAsked
from l9gate.measure.sequential import Stopping
from l9gate.store.caps import parse_budget
from l9gate.store.environments import environment_name


class Options(TypedDict):
    """What the command line may say, under the names of the options."""

    minutes: float
    rate: str
    model: str | None
    stream: bool
    workload: str | None
    entry: str
    app: str | None
    timeout: str
    warm_up: int
    pid: int | None
    command_line: str | None
    url: str | None
    disk: Path | None
    every: str | None
    attribute: bool
    resume: str | None
    stopping: str | None
    rehearse: bool
    load_factor: float
    time_factor: float
    token_lifetime: str | None
    environment: str | None
    budget: str | None
    seed: int
    policy: Path | None
    format_name: str


@click.command("soak")
@click.option(
    "--minutes",
    type=click.FloatRange(min=0, min_open=True, max=525_600),
    default=10.0,
    show_default=True,
    help="How long; less than 10 prove no absence of leaks.",
)
@click.option(
    "--rate",
    default="poisson 1/s",
    show_default=True,
    metavar="ARRIVALS",
    help="As for `l9gate load`, such as `constant 5/s` or `closed 8`.",
)
@click.option("--model", default=None, help="Which one to call; the project's by default.")
@click.option("--stream", is_flag=True, help="Ask for streams; a workload says so itself.")
@click.option(
    "--workload",
    default=None,
    metavar="FILE|NAME",
    help="JSON lines of request bodies, or a generator `package.module:function`.",
)
@click.option(
    "--entry",
    type=click.Choice([entry.value for entry in Entry]),
    default=Entry.WIRE.value,
    show_default=True,
    help="Send bytes, or call the application (`app`), or its SDK (`sdk`), in this process.",
)
@click.option(
    "--app", default=None, metavar="NAME", help="Async callable `package.module:function`."
)
@click.option("--timeout", default="60s", show_default=True, help="Of one call.")
@click.option("--warm-up", type=click.IntRange(min=0), default=0, help="Calls before it.")
@click.option("--pid", type=click.IntRange(min=1), help="Watch this process and its children.")
@click.option(
    "--command",
    "command_line",
    metavar="WORDS",
    help="Start this, watch it with its children, and end it; Python there tells of its tasks.",
)
@click.option("--url", default=None, help="Send the load there; `--command` is waited for there.")
@click.option(
    "--disk",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Watch the size of this folder, too.",
)
@click.option("--every", default=None, metavar="TIME", help="Between two readings.")
@click.option(
    "--attribute",
    is_flag=True,
    help="If memory leaks, start the command once more and name who allocates.",
)
@click.option("--resume", default=None, metavar="RUN", help="Go on with an interrupted soak.")
@click.option(
    "--stopping",
    type=click.Choice([rule.value for rule in Stopping]),
    default=None,
    help="`anytime` ends it as soon as a leak is certain.",
)
@rehearse_option
@load_factor_option
@click.option(
    "--time-factor",
    type=click.FloatRange(min=0, min_open=True),
    default=12.0,
    show_default=True,
    help="Of the simulator: cached prompts and tokens age so much faster.",
)
@click.option(
    "--token-lifetime",
    default=None,
    metavar="TIME",
    help="Of the simulator: of access tokens (`sk-ant-oat…`), from their first use.",
)
@environment_option
@budget_option
@seed_option
@policy_option
@format_option
def command(**options: Unpack[Options]) -> None:
    """Keep up a load for a long time, watch a process beside it, and find what only grows.

    Memory, descriptors, threads, asyncio tasks and latency are told from a warm-up that comes to
    rest. Ctrl-C keeps and judges what was measured; `--resume RUN` goes on with it.

    Exit status: 0 kept, 1 not ready, 2 unproven, 69 key or endpoint missing, 75 no money for the
    first call, 130 interrupted.
    """
    settings = require_settings()
    if options["resume"] is None:
        result = soak(settings, read_asked_for(options), os.environ, _say, options["policy"])
    else:
        (path,) = find_runs((options["resume"],))
        result = resume_soak(path, settings, os.environ, _say)
    file_reports(result.judgement)
    show_judgement(result.judgement, options["format_name"])
    sys.exit(ExitCode.INTERRUPTED if result.is_interrupted else result.judgement.verdict.exit_code)


def read_asked_for(options: Options) -> SoakAsked:
    """Return what a command line asks for.

    Raises:
        UsageError: a time is none.
    """
    every, lifetime = options["every"], options["token_lifetime"]
    budget, stopping = options["budget"], options["stopping"]
    return SoakAsked(
        duration_s=60 * options["minutes"],
        environment=environment_name(os.environ, options["environment"]),
        rate=options["rate"],
        model=options["model"],
        stream=options["stream"],
        workload=options["workload"],
        entry=Entry(options["entry"]),
        app=options["app"],
        timeout_s=parse_time_s(options["timeout"], "--timeout"),
        warm_up=options["warm_up"],
        pid=options["pid"],
        command=options["command_line"],
        url=options["url"],
        disk=None if options["disk"] is None else str(options["disk"]),
        every_s=None if every is None else parse_time_s(every, "--every"),
        attribute=options["attribute"],
        is_rehearsal=options["rehearse"],
        load_factor=options["load_factor"],
        time_factor=options["time_factor"],
        token_lifetime_s=None if lifetime is None else parse_time_s(lifetime, "--token-lifetime"),
        budget_usd=None if budget is None else parse_budget(budget),
        stopping=None if stopping is None else Stopping(stopping),
        seed=options["seed"],
    )


def _say(line: str) -> None:
    click.echo(line, err=True)

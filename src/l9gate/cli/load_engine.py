"""Options of `l9gate load` about where it is carried out, and the manifest for a cluster."""

import os
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypedDict

import click

from l9gate.drive.order import WHOLE, Share
from l9gate.errors import UsageError
from l9gate.evidence.load import Entry, Source
from l9gate.gate.load import NOWHERE, LoadRequest, order_of
from l9gate.gate.target import caps_of_run
from l9gate.measure.clock import SystemClock
from l9gate.sources.load.kubernetes import Pods, job_of, render_yaml
from l9gate.sources.load.plan import Engine, Place

_SHARE = re.compile(r"(\d{1,4})/(\d{1,4})")
_PULL_S = 300.0  # from the printing of a manifest to the first call: pods have to run by then


class EngineOptions(TypedDict):
    """What the command line may say of it."""

    entry: str
    workers: int
    engine: str
    cluster: str
    share: str | None
    starts_at: str | None
    image: str | None
    secret: str
    claim: str


ENGINE_OPTIONS = (
    click.option(
        "--workers",
        type=click.IntRange(1, 256),
        default=1,
        show_default=True,
        help="Processes that share it, each with a core of its own.",
    ),
    click.option(
        "--engine",
        type=click.Choice([one.value for one in Engine]),
        default=Engine.LOCAL.value,
        show_default=True,
        help="Who runs the workers; `kubernetes` prints the manifest of a Job and sends nothing.",
    ),
    click.option(
        "--cluster", default="auto", show_default=True, metavar="ADDRESS", help="Of Ray's head."
    ),
    click.option(
        "--share", default=None, metavar="I/N", help="Send only the calls of shard I, from 0, of N."
    ),
    click.option(
        "--starts-at", default=None, metavar="TIME", help="When the first call is due, RFC 3339."
    ),
    click.option("--image", default=None, help="For kubernetes: with l9gate and the project."),
    click.option("--secret", default="l9gate", show_default=True, help="For kubernetes."),
    click.option(
        "--claim",
        default="l9gate-runs",
        show_default=True,
        help="For kubernetes: a volume that takes the runs of all pods.",
    ),
)


def parse_share(text: str) -> Share:
    """Return the part of a load that a text such as `0/4` stands for.

    Raises:
        UsageError: it stands for none.
    """
    found = _SHARE.fullmatch(text.strip())
    if found is None or int(found[1]) >= int(found[2]):
        raise UsageError(
            f"--share: `{text}` is no part of a load", hint="write `0/4` for the first of four"
        )
    return Share(shard=int(found[1]), shards=int(found[2]))


def parse_moment_s(text: str) -> float:
    """Return the seconds since the epoch of a time in RFC 3339.

    Raises:
        UsageError: it is none, or has no zone.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise UsageError(
            f"--starts-at: `{text}` is no time", hint="write it like `2026-11-22T20:15:00Z`"
        )
    return moment.timestamp()


def read_place(options: EngineOptions) -> Place:
    """Return where a load is carried out, and by how many.

    Raises:
        UsageError: what is asked for does not go together.
    """
    share, starts_at = options["share"], options["starts_at"]
    place = Place(
        workers=options["workers"],
        engine=Engine(options["engine"]),
        cluster=options["cluster"],
        share=WHOLE if share is None else parse_share(share),
        starts_s=None if starts_at is None else parse_moment_s(starts_at),
    )
    is_one = place.workers == 1 and place.engine is Engine.LOCAL
    if place.share is not WHOLE and not is_one:
        raise UsageError(
            "--share: one process sends one part", hint="leave out --workers, --engine"
        )
    entry = Entry(options["entry"])
    if entry is not Entry.WIRE and not is_one:
        raise UsageError(
            f"`--entry {entry}` runs in one process",
            hint="leave out --workers and --engine: of an application one process is measured",
        )
    return place


def manifest_of(request: LoadRequest, options: EngineOptions) -> str:
    """Return the Job whose pods carry a load out, as YAML; nothing is sent.

    Raises:
        UsageError: no image is named, or a rehearsal is asked for.
        PlanError: pods cannot carry such a load out.
        BudgetError: its model has no known price.
    """
    image = options["image"]
    if image is None:
        raise UsageError(
            "`--engine kubernetes` needs an image",
            hint="name one with `--image` that holds l9gate, the settings and the workload",
        )
    if request.run.is_rehearsal:
        raise UsageError("pods cannot rehearse: the simulator is on this machine")
    starts_s = request.place.starts_s
    if starts_s is None:
        starts_s = SystemClock().now_s() + _PULL_S
    settings = request.run.settings
    runs = os.path.relpath(settings.runs, settings.root)
    pods = Pods(image=image, secret=options["secret"], claim=options["claim"], runs=runs)
    order = order_of(request, NOWHERE)
    return render_yaml(job_of(order, words_of(request, starts_s), pods, request.place.workers))


def words_of(request: LoadRequest, starts_s: float) -> tuple[str, ...]:
    """Return the words of `l9gate load` for one pod, but for its share; it spends an equal part.

    Raises:
        BudgetError: the model has no known price.
    """
    moment = datetime.fromtimestamp(starts_s, UTC).isoformat(timespec="seconds")
    given = {
        "--env": request.run.environment.name,
        "--rate": request.rate,
        "--duration": f"{request.duration_s:g}s",
        "--seed": str(request.run.seed),
        "--model": request.model,
        "--timeout": f"{request.timeout_s:g}s",
        "--warm-up": str(request.warm_up),
        "--control-every": f"{request.control_every_s or 0:g}s",
        "--starts-at": moment,
        "--workload": request.workload,
        "--proxy": request.proxy,
        "--policy": None if request.run.policy is None else str(request.run.policy),
    }
    run = replace(request.run, sources=(Source.LOAD,), model=request.model)
    budget_usd = caps_of_run(run).per_run_usd
    if budget_usd is not None:
        given["--budget"] = f"{budget_usd / request.place.workers:.6f}"
    words = [word for name, text in given.items() if text is not None for word in (name, text)]
    return (*words, "--stream") if request.stream else tuple(words)

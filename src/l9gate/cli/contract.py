"""`l9gate contract`: learn what an endpoint answers, and notice what it answers otherwise."""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TypedDict, Unpack

import click

from l9gate.cli.project import environment_option, find_runs, options
from l9gate.contract import RULES, Impact, render_baseline
from l9gate.errors import ExitCode, UsageError, WriteError
from l9gate.gate.baselines import compare_baselines, find_lost_probes
from l9gate.gate.contract import apply_waivers, check, learn, place_lines, read_baseline
from l9gate.gate.probing import Probed, ProbeRequest, probe
from l9gate.gate.relying import rely, see_newest, see_run
from l9gate.gate.upgrade import check_versions, foretell_bodies, foretell_run
from l9gate.report.contract import (
    ContractLine,
    ContractReport,
    render_contract_json,
    render_contract_sarif,
    render_contract_text,
)
from l9gate.sources.probe.questions import questions_for
from l9gate.store.caps import parse_budget
from l9gate.store.environments import environment_name
from l9gate.store.run import open_run
from l9gate.store.settings import Settings, default_settings, read_settings
from l9gate.store.waivers import read_waivers
from l9gate.wire.headers import CURRENT_API_VERSION, PREVIOUS_API_VERSION

_FILE = click.Path(dir_okay=False, path_type=Path)
_LEAST, _MOST = 3, 20
_format = click.option(
    "--format",
    "format_name",
    type=click.Choice(["text", "json", "sarif"]),
    default="text",
    show_default=True,
    help="What stdout gets.",
)
_all = click.option("--all", "shows_all", is_flag=True, help="Also what breaks nobody.")
_baseline = click.option(
    "--baseline", type=_FILE, help="This file [default: of the settings: l9gate-contract.json]."
)
_TARGET = (
    environment_option,
    click.option("--url", default=None, help="Another endpoint: a gateway, a local server."),
    click.option("--model", default=None, help="Ask this one [default: of the settings]."),
    click.option("--rehearse", is_flag=True, help="Ask the simulator; costs nothing."),
    click.option("--seed", default=1, show_default=True, help="Of the simulator."),
    click.option("--budget", default=None, metavar="USD", help="Spend no more than this."),
)


class Target(TypedDict):
    """Whom to ask, under the names of the options."""

    environment: str | None
    url: str | None
    model: str | None
    rehearse: bool
    seed: int
    budget: str | None


@click.group("contract")
def command() -> None:
    """Notice what the API, or a gateway in front of it, answers otherwise than promised.

    A few dozen small requests ask for every kind of answer and of refusal: under a minute, a few
    cents. `l9gate explain CODE` says what a difference means.

    \b
    Try it:  l9gate contract check --rehearse
             l9gate contract check --url http://127.0.0.1:4000
    """  # noqa: D301  # click wants the character itself


@command.command("baseline")
@options(*_TARGET)
@_baseline
@click.option(
    "--repeats",
    type=click.IntRange(_LEAST, _MOST),
    default=_LEAST,
    show_default=True,
    help="How often each question is asked.",
)
@click.option("--accept", is_flag=True, help="Replace a baseline that is there.")
@click.option("--run", default=None, help="Rely on the models that this run's calls asked for.")
def baseline_command(
    baseline: Path | None, repeats: int, run: str | None, *, accept: bool, **target: Unpack[Target]
) -> None:
    """Learn what an endpoint answers, and write it to a file for review.

    What differs among the repeats is noise. A promise that the endpoint breaks stays broken: the
    differences are listed, and only a waiver with an owner silences them.

    Exit status: 0 written, 2 written without some probes, 64 the file is there already, 69 key or
    endpoint.
    """
    settings = _settings()
    path = baseline or settings.contract_baseline
    before = read_baseline(path) if path.exists() else None
    if before is not None and not accept:
        raise UsageError(f"{path} is there already", hint="`--accept` replaces it; review the diff")
    request = _request(settings, target, repeats)
    seen = None if run is None else see_run(*find_runs((run,)))
    probed = probe(request, os.environ, _say)
    models = (request.asked_model, *(seen.models if seen else ()))
    learnt, missing = learn(probed.answers, before, models)
    try:
        path.write_text(render_baseline(learnt), encoding="utf-8")
    except OSError as error:
        raise WriteError(f"{path} cannot be written: {error.strerror}") from error
    for why in missing:
        _say(f"not in it: {why}")
    if seen is not None and seen.advice is not None:
        _say(seen.advice)
    report = _checked(settings, request, probed, None)
    _say(f"{path}: {len(learnt.probes)} probes of {probed.place}, {repeats} repeats each")
    broken = len(report.open_lines(Impact.BREAKING))
    if broken:
        _say(f"{broken} promises are broken there; `l9gate contract check` names them")
    sys.exit(ExitCode.UNPROVEN if missing else ExitCode.READY)


@command.command("check")
@options(*_TARGET)
@_baseline
@_format
@_all
def check_command(
    baseline: Path | None, format_name: str, *, shows_all: bool, **target: Unpack[Target]
) -> None:
    """Ask now, and compare with what everybody is promised and with the baseline, if there is one.

    Exit status: 0 nothing is breaking, 1 something is, 2 something could not be told (no answer, an
    expired waiver), 69 key or endpoint.
    """
    settings = _settings()
    request = _request(settings, target, repeats=1)
    path = baseline or settings.contract_baseline
    if baseline is not None or path.exists():
        read_baseline(path)  # before anything is sent and paid for
    waivers = read_waivers(settings.contract_waivers, [rule.code for rule in RULES])
    probed = probe(request, os.environ, _say)
    report = _checked(settings, request, probed, path if path.exists() else None)
    today = datetime.now(UTC).date()
    place = _shown(settings.contract_waivers, settings)
    _show(apply_waivers(report, waivers, today, place), format_name, shows_all=shows_all)


@command.command("diff")
@click.argument("older", type=_FILE)
@click.argument("newer", type=_FILE)
@_format
@_all
def diff_command(older: Path, newer: Path, format_name: str, *, shows_all: bool) -> None:
    """Compare two baselines.

    Exit status: 0 nothing is breaking, 1 something is, 2 the newer one lacks probes, 65 one cannot
    be read.
    """
    was, now = read_baseline(older), read_baseline(newer)
    text = newer.read_text(encoding="utf-8")
    lost = tuple(f"{name}: not in {newer.name}" for name in find_lost_probes(was, now))
    report = ContractReport(
        what=f"{older.name} and {newer.name}",
        count=len({*was.probes, *now.probes}) + len({*was.documents, *now.documents}),
        unit="probes and documents",
        lines=place_lines(compare_baselines(was, now), str(newer), text),
        unproven=lost,
    )
    _show(report, format_name, shows_all=shows_all)


@command.command("upgrade-report")
@click.argument("run", required=False)
@click.option(
    "--from", "older", default=PREVIOUS_API_VERSION, show_default=True, help="Sent today."
)
@click.option("--to", "newer", default=CURRENT_API_VERSION, show_default=True, help="Sent then.")
@click.option(
    "--bodies",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Request bodies of this application, one JSON object a line.",
)
@_format
def upgrade_command(
    run: str | None, older: str, newer: str, bodies: Path | None, format_name: str
) -> None:
    """Say which of this application's requests a newer version of the API refuses; sends nothing.

    A run holds no bodies, but of every request what the newest version would refuse of it: it tells
    whose requests break, and how many. `--bodies` tells the same of a file, by line.

    Exit status: 0 nothing is refused, 1 something is, 2 it cannot be told.
    """
    upgrade = check_versions(older, newer)
    if bodies is not None and run is not None:
        raise UsageError("a run and `--bodies`: only one can be asked about")
    if bodies is not None:
        report = foretell_bodies(bodies, upgrade)
    else:
        (path,) = find_runs((run,) if run else ())
        with open_run(path).read() as log:
            report = foretell_run(log, path.name, upgrade)
    _show(report, format_name, shows_all=False)


def _settings() -> Settings:
    return read_settings(Path.cwd()) or default_settings(Path.cwd())


def _request(settings: Settings, target: Target, repeats: int) -> ProbeRequest:
    if target["rehearse"] and target["url"] is not None:
        raise UsageError("`--rehearse` asks the simulator, `--url` another endpoint: choose one")
    budget = target["budget"]
    return ProbeRequest(
        settings=settings,
        environment=settings.environment(environment_name(os.environ, target["environment"])),
        url=target["url"],
        model=target["model"],
        repeats=repeats,
        seed=target["seed"],
        is_rehearsal=target["rehearse"],
        budget_usd=None if budget is None else parse_budget(budget),
    )


def _checked(
    settings: Settings, request: ProbeRequest, probed: Probed, path: Path | None
) -> ContractReport:
    accepted = None if path is None else read_baseline(path)
    place = "" if path is None else _shown(path, settings)
    relying = rely(settings, accepted, place, see_newest(settings))
    questions = questions_for(request.asked_model)
    today = datetime.now(UTC).date()
    found, unproven = check(probed.answers, questions, relying.baseline, today)
    if path is None:
        lines = tuple(ContractLine(subject=name, drift=drift) for name, drift in found)
        remarks: tuple[str, ...] = ("no baseline: compared with what everybody is promised",)
    else:
        lines = place_lines(found, place, path.read_text(encoding="utf-8"))
        remarks = ()
    return ContractReport(
        what=probed.place,
        count=len({answer.probe for answer in probed.answers}),
        unit="probes",
        lines=relying.explain(lines),
        unproven=unproven,
        remarks=remarks,
        is_rehearsal=request.is_rehearsal,
    )


def _show(report: ContractReport, format_name: str, *, shows_all: bool) -> None:
    if format_name == "json":
        text = render_contract_json(report)
    elif format_name == "sarif":
        text = render_contract_sarif(report)
    else:
        text = render_contract_text(report, shows_all=shows_all)
    click.echo(text, nl=False)
    sys.exit(report.exit_code)


def _shown(path: Path, settings: Settings) -> str:
    return str(path.relative_to(settings.root) if path.is_relative_to(settings.root) else path)


def _say(line: str) -> None:
    click.echo(line, err=True)

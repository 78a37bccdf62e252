"""`l9gate doctor`: this machine, this project and its endpoint, one line each."""

import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, date, datetime
from importlib.metadata import distributions
from pathlib import Path

import click

from l9gate import gate
from l9gate.cli.project import environment_option, format_option
from l9gate.criteria.policy import default_policy_text, parse_policy, read_policy
from l9gate.errors import ExitCode, L9gateError, MissingKeyError
from l9gate.gate.checkup import (
    BAD,
    NOTE,
    OK,
    Check,
    check_greeting,
    check_mocks,
    check_model,
    check_plugins,
)
from l9gate.net.greeting import greet
from l9gate.observe.mocks import find_blind_mocks
from l9gate.observe.seam import Seam
from l9gate.observe.watch import HttpRequest
from l9gate.store.environments import environment_name
from l9gate.store.revision import read_versions
from l9gate.store.settings import Settings, read_settings


@click.command("doctor")
@environment_option
@click.option("--live", is_flag=True, help="Also ask the endpoint: three free requests.")
@format_option
def command(environment: str | None, *, live: bool, format_name: str) -> None:
    """Check this machine, this project and, with --live, its endpoint.

    Packages that clash, the observer's self-test, settings, policy, disk, keys (never printed) and
    the model's retirement; with --live also clock, model and rate limits as the endpoint tells
    them. Needs neither configuration nor key. Exit status 69 if anything is bad, else 0.
    """
    checks = list(_checks(environment, live=live))
    if format_name == "json":
        click.echo(json.dumps([asdict(check) for check in checks], indent=2))
    else:
        for check in checks:
            click.echo(f"{check.state:<5} {check.what:<14} {check.found}")
            if check.hint:
                click.echo(f"{'':<20} hint: {check.hint}")
    bad = any(check.state == BAD for check in checks)
    sys.exit(ExitCode.DEPENDENCY if bad else 0)


def _checks(option: str | None, *, live: bool) -> Iterator[Check]:
    yield Check(OK, "python", f"{platform.python_version()} on {platform.system()}")
    versions = read_versions("l9gate", "anthropic", "httpx2", "httpx", "requests", "aiohttp")
    versions |= read_versions("pytest", "pytest-xdist")
    yield Check(OK, "installed", ", ".join(f"{name} {found}" for name, found in versions.items()))
    yield _attempt("seam", _check_seam)
    yield from check_plugins(distributions())
    yield from check_mocks(find_blind_mocks())
    try:
        settings = read_settings(Path.cwd())
    except L9gateError as error:
        yield Check(BAD, "settings", str(error), error.hint)
        return
    if settings is None:
        yield Check(NOTE, "settings", "none here or above", "`l9gate init` writes some")
        return
    yield _check_layers(settings)
    yield _attempt("policy", lambda: _check_policy(settings))
    yield _check_folder(settings)
    if settings.model is not None and not live:
        yield check_model(settings.model, _today())
    yield from _check_environment(settings, environment_name(os.environ, option), live=live)


class _Nobody:
    def begin(self, request: HttpRequest) -> None:
        """Watch nothing."""


def _check_seam() -> str:
    seam, nobody = Seam(), _Nobody()
    seam.install(nobody)
    try:
        names = seam.import_installed()
    finally:
        seam.remove(nobody)
    if not names:
        return "no HTTP library that the SDK could use is installed: there are no calls to observe"
    return f"self-test passed: calls of {', '.join(names)} clients are seen"


def _check_layers(settings: Settings) -> Check:
    absent = [
        f"{layer}: {path}"
        for layer, declared in settings.layers.items()
        for path in declared.paths
        if not (settings.root / path).exists()
    ]
    found = f"{settings.file.name}: layers {', '.join(settings.layers) or 'none'}"
    if absent or not settings.layers:
        return Check(BAD, "settings", f"{found}; no such path: {', '.join(absent) or '-'}")
    return Check(OK, "settings", found)


def _check_policy(settings: Settings) -> str:
    chosen = settings.policy
    rules = read_policy(chosen) if chosen else parse_policy(default_policy_text())
    return f"{chosen or 'the one l9gate ships'}: {len(rules.criteria)} criteria"


def _check_folder(settings: Settings) -> Check:
    nearest = next(place for place in (settings.runs, *settings.runs.parents) if place.exists())
    try:
        with tempfile.TemporaryFile(dir=nearest) as file:
            file.write(bytes(4096))
    except OSError as error:
        return Check(BAD, "runs", f"{settings.runs}: {error.strerror}", "free or unlock the disk")
    return Check(OK, "runs", f"{settings.runs} can be written")


def _check_environment(settings: Settings, name: str, *, live: bool) -> Iterator[Check]:
    try:
        environment = settings.environment(name)
        url = environment.url(os.environ)
        environment.key(os.environ)
    except MissingKeyError as error:
        yield Check(NOTE, "key", str(error).removesuffix("; nothing was tested"), error.hint)
        return
    except L9gateError as error:
        yield Check(BAD, "environment", str(error), error.hint)
        return
    yield Check(OK, "key", f"environment `{name}` has one (not shown)")
    if not live:
        yield Check(NOTE, "endpoint", f"{url}: not asked", "`l9gate doctor --live` asks it")
        return

    def ask() -> str:
        gate.require_endpoint(settings, name, os.environ)
        return f"{url} answered and accepted the key"

    check = _attempt("endpoint", ask)
    yield check
    if check.state == OK:
        yield from _check_live(url, environment.key(os.environ), settings.model)


def _check_live(url: str, key: str, model: str | None) -> Iterator[Check]:
    if model is None:
        yield Check(NOTE, "model", "none is declared", "write `model = …` into the settings")
        return
    try:
        greeting = greet(url, key, model)
    except OSError as error:
        yield Check(NOTE, "endpoint", f"a second question had no answer: {error}")
        return
    yield from check_greeting(greeting, model, _today())


def _today() -> date:
    return datetime.now(UTC).date()


def _attempt(what: str, look: Callable[[], str]) -> Check:
    try:
        return Check(OK, what, look())
    except L9gateError as error:
        return Check(BAD, what, str(error), error.hint)

"""`l9gate plan`: what a run would take and could decide; sends nothing."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import msgspec

from l9gate.cli.project import format_option, parse_layers, policy_option, require_settings
from l9gate.gate.forecast import Forecast, LayerForecast, Prospect, in_words, plan
from l9gate.gate.request import RunRequest
from l9gate.measure.clock import SystemClock
from l9gate.store.caps import parse_budget
from l9gate.store.environments import environment_name
from l9gate.wire.prices import in_dollars

_NOBODY_KNOWS = "?"
_ANSWERS = {True: "yes", False: "no", None: "not known"}


@click.command("plan")
@click.argument("layers", nargs=-1, metavar="[LAYER]...")
@click.option("--env", "environment", default=None, help="development, staging, production …")
@click.option("--budget", default=None, metavar="USD", help="What the run may spend.")
@policy_option
@format_option
def command(
    *,
    layers: tuple[str, ...],
    environment: str | None,
    budget: str | None,
    policy: Path | None,
    format_name: str,
) -> None:
    """Say what a run would need, take and could decide, from the last one; sends nothing.

    For every criterion: the samples it needs, those to be expected, how likely they show it kept,
    minutes and dollars. Without an earlier run it says what is not known.
    """
    settings = require_settings()
    request = RunRequest(
        settings=settings,
        layers=parse_layers(layers),
        environment=settings.environment(environment_name(os.environ, environment)),
        policy=policy,
        budget_usd=None if budget is None else parse_budget(budget),
    )
    forecast = plan(request, SystemClock())
    if format_name == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(forecast), indent=2))
    else:
        click.echo("\n".join(_lines(forecast)))


def _lines(forecast: Forecast) -> Iterator[str]:
    decidable = [one for one in forecast.prospects if one.decidable]
    yield (
        f"plan for environment {forecast.environment}: {in_words(forecast)}; "
        f"{len(decidable)} of {len(forecast.prospects)} criteria can be decided"
    )
    yield f"{forecast.budget}; prices of {forecast.prices_as_of}; nothing was sent"
    if forecast.left_today_usd is not None:
        yield f"{in_dollars(forecast.left_today_usd)} of the day's limit is left"
    for warning in forecast.warnings:
        yield f"warning: {warning}"
    yield ""
    yield from _table(("layer", "tests", "calls", "min", "dollars", "paid for", "as in"), (
        _layer_row(one) for one in forecast.layers
    ))  # fmt: skip
    yield ""
    head = ("criterion", "role", "needs", "expected", "kept", "min", "dollars", "can be decided")
    yield from _table(head, (_row(one) for one in forecast.prospects))
    yield ""
    yield "needs: the fewest samples that can show it; min and dollars are for these"
    yield "kept: how likely it is to be shown kept at the rate seen, and in brackets how likely"
    yield "      allowing for how little is known of that rate"
    unknown = sorted({text for one in forecast.prospects for text in one.outlook.unknown})
    yield from (f"not known: {text}" for text in unknown)


def _layer_row(one: LayerForecast) -> tuple[str, ...]:
    kind = "" if one.kind is None else f" ({one.kind})"
    return (
        one.layer,
        _count(one.tests),
        _count(one.calls),
        _number(one.minutes),
        _NOBODY_KNOWS if one.usd is None else in_dollars(one.usd),
        "-" if not one.layer.is_real else _ANSWERS[one.fits],
        f"{one.run}{kind}" if one.run else "no earlier run",
    )


def _row(one: Prospect) -> tuple[str, ...]:
    outlook = one.outlook
    needs = "-" if outlook.needs is None else f"{outlook.needs:,} {outlook.basis}"
    if outlook.needs_s is not None:
        needs = f"{outlook.needs_s:g} s"
    if outlook.needs_likely is not None and outlook.needs_likely != outlook.needs:
        needs += f" ({outlook.needs_likely:,} for 80 %)"
    is_sampled = outlook.needs is not None
    return (
        outlook.criterion,
        outlook.role,
        needs,
        f"{_count(outlook.expected)}",
        _chance(outlook.chance, outlook.cautious_chance),
        _number(outlook.minutes) if is_sampled else "-",
        "-" if not is_sampled else _dollars(outlook.usd),
        f"{_ANSWERS[one.decidable]}: {one.why}"
        if one.decidable is False
        else _ANSWERS[one.decidable],
    )


def _chance(at_rate: float | None, cautious: float | None) -> str:
    if at_rate is None:
        return "-"
    return f"{at_rate:.0%}" if cautious is None else f"{at_rate:.0%} ({cautious:.0%})"


def _count(number: int | None) -> str:
    return _NOBODY_KNOWS if number is None else f"{number:,}"


def _number(number: float | None) -> str:
    return _NOBODY_KNOWS if number is None else f"{number:,.1f}"


def _dollars(usd: float | None) -> str:
    return _NOBODY_KNOWS if usd is None else in_dollars(usd)


def _table(head: Sequence[str], rows: Iterator[Sequence[str]]) -> Iterator[str]:
    cells = [head, *rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    for row in cells:
        padded = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        yield "  ".join(padded).rstrip()

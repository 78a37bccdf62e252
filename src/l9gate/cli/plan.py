"""`l9gate plan`: what a run would take and could decide; sends nothing."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import msgspec

from l9gate.cli.load import DEFAULT_RATE, parse_time_s
from l9gate.cli.project import (
    environment_option,
    format_option,
    parse_layers,
    policy_option,
    require_settings,
    stopping_option,
)
from l9gate.criteria.load_outlook import LoadSize
from l9gate.drive.arrivals import count_planned, parse_arrivals
from l9gate.errors import UsageError
from l9gate.evidence.load import Source
from l9gate.gate.forecast import (
    Forecast,
    LayerForecast,
    LoadForecast,
    Prospect,
    forecast_load,
    in_words,
    plan,
)
from l9gate.gate.load import CHEAPEST_MODEL
from l9gate.gate.request import RunRequest
from l9gate.measure.clock import SystemClock
from l9gate.measure.sequential import Stopping
from l9gate.store.caps import parse_budget
from l9gate.store.environments import environment_name
from l9gate.wire.prices import in_dollars

_NOBODY_KNOWS = "?"
_ANSWERS = {True: "yes", False: "no", None: "not known"}


@click.command("plan")
@click.argument("layers", nargs=-1, metavar="[LAYER]...")
@environment_option
@click.option("--budget", default=None, metavar="USD", help="What the run may spend.")
@click.option("--rate", default=None, metavar="ARRIVALS", help="Plan a load: `poisson 5/s`.")
@click.option("--duration", default="60s", show_default=True, help="Of that load.")
@click.option("--model", default=None, help="Of that load; the project's by default.")
@click.option(
    "--tokens",
    type=click.IntRange(min=0),
    nargs=2,
    default=(1000, 100),
    show_default=True,
    metavar="IN OUT",
    help="Of one call of that load.",
)
@stopping_option
@policy_option
@format_option
def command(
    *,
    layers: tuple[str, ...],
    environment: str | None,
    budget: str | None,
    rate: str | None,
    duration: str,
    model: str | None,
    tokens: tuple[int, int],
    stopping: str | None,
    policy: Path | None,
    format_name: str,
) -> None:
    """Say what a run would need, take and could decide, from the last one; sends nothing.

    For every criterion: the samples it needs, those to be expected, how likely they show it kept,
    minutes and dollars. Without an earlier run it says what is not known. With `load`, `soak`, or
    --rate it says the same of a load: calls, minutes, dollars, how many of them may be wrong, and
    whether it is long enough for a soak.
    """
    settings = require_settings()
    request = RunRequest(
        settings=settings,
        layers=parse_layers(tuple(word for word in layers if word not in set(Source))),
        environment=settings.environment(environment_name(os.environ, environment)),
        policy=policy,
        budget_usd=None if budget is None else parse_budget(budget),
        stopping=None if stopping is None else Stopping(stopping),
    )
    found: Forecast | LoadForecast
    if set(layers) & set(Source):
        rate = rate or DEFAULT_RATE
    if rate is None:
        found = plan(request, SystemClock())
        lines = _lines(found)
    else:
        used = model or settings.model or CHEAPEST_MODEL
        found = forecast_load(request, _size_of(rate, duration, used, tokens))
        lines = _load_lines(found)
    if format_name == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2))
    else:
        click.echo("\n".join(lines))


def _size_of(rate: str, duration: str, model: str, tokens: tuple[int, int]) -> LoadSize:
    duration_s = parse_time_s(duration, "--duration")
    calls = count_planned(parse_arrivals(rate, duration_s), 1, 0, 1)
    if not calls:
        raise UsageError(
            f"--rate: how many calls `{rate}` makes is not known beforehand",
            hint="name a rate, such as `poisson 5/s`",
        )
    return LoadSize(
        calls=calls,
        duration_s=duration_s,
        model=model,
        input_tokens=tokens[0],
        output_tokens=tokens[1],
    )


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
    yield from _anytime(forecast)
    unknown = sorted({text for one in forecast.prospects for text in one.outlook.unknown})
    yield from (f"not known: {text}" for text in unknown)


def _load_lines(forecast: LoadForecast) -> Iterator[str]:
    decidable = [one for one in forecast.prospects if one.is_decidable]
    price = "unknown dollars" if forecast.usd is None else in_dollars(forecast.usd)
    yield (
        f"load plan for environment {forecast.environment}: {forecast.calls:,} calls of "
        f"{forecast.model} in {forecast.minutes:.1f} min for about {price}; "
        f"{len(decidable)} of {len(forecast.prospects)} criteria can be decided"
    )
    yield f"prices of {forecast.prices_as_of}; stopping {forecast.stopping}; nothing was sent"
    yield ""
    head = (
        "criterion",
        "role",
        "condition",
        "needs",
        "min",
        "dollars",
        "kept up to",
        "broken from",
    )
    yield from _table(head, (
        (
            one.criterion,
            one.role,
            one.condition,
            "-" if one.needs is None else f"{one.needs:,} {one.basis}",
            _number(one.minutes),
            _dollars(one.usd),
            "too few calls" if one.allowed is None else f"{one.allowed:,} wrong",
            "-" if one.breaks is None else f"{one.breaks:,} wrong",
        )
        for one in forecast.prospects
    ))  # fmt: skip
    yield ""
    yield "needs: the fewest samples that can show it, all of them good; one call is one sample"
    yield "between `kept up to` and `broken from` it is unproven, and more calls would decide it"
    if forecast.soak_minutes is not None:
        verdict = "too short" if forecast.minutes < forecast.soak_minutes else "long enough"
        yield (
            f"as a soak (`l9gate soak`) it sends and costs the same, and is {verdict}: trends need "
            f"{forecast.soak_minutes:g} min"
        )


def _anytime(forecast: Forecast) -> Iterator[str]:
    """Yield how long each criterion takes where the run may stop as soon as it is decided."""
    known = [one.outlook for one in forecast.prospects if one.outlook.anytime]
    if not known:
        return
    yield ""
    yield "at any time: samples until decided on average, at a true share of wrong ones of"
    head = ("criterion", "share", "samples", "kept", "broken")
    yield from _table(head, (
        (
            outlook.criterion,
            f"{100 * one.wrong_share:.3g} %",
            f"{one.mean_n:,.0f}",
            f"{one.kept:.0%}",
            f"{one.broken:.0%}",
        )
        for outlook in known
        for one in outlook.anytime
    ))  # fmt: skip
    most = known[0].anytime[0].most
    yield f"a run is not stopped once it is kept; after {most:,} samples nobody waits any longer"


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

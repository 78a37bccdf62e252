"""Load as lines of text: what was planned, what came of each arm, how the client fared."""

from collections.abc import Sequence

from l9gate.criteria.criterion import Interval
from l9gate.criteria.load_client import MAX_CPU_SHARE, MAX_LAG_SHARE
from l9gate.criteria.load_summary import ArmSummary, LoadSummary, SpanSummary, Spread
from l9gate.report.quantity import render_quantity
from l9gate.wire.messages import Usage
from l9gate.wire.prices import in_dollars

_HEAD = ("arm", "calls", "rate", "p50", "p95", "p99", "ttft p95", "stall p95", "failed")
_NOTHING = "-"


def render_load(summary: LoadSummary) -> list[str]:
    """Return the lines of a report: a line about each span, a table of arms, what went wrong."""
    lines = [line for span in summary.spans for line in render_span(span)]
    if summary.arms:
        lines += ["", *render_table(load_table(summary.arms))]
        confidence = _confidence(summary.arms)
        if confidence is not None:
            lines.append(f"in brackets: the {render_quantity(confidence, '%')} bounds on each side")
    return lines + render_asides(summary.arms)


def load_table(arms: Sequence[ArmSummary]) -> list[tuple[str, ...]]:
    """Return the head of a table and a row for each arm."""
    return [_HEAD, *(_row(arm, arms) for arm in arms)]


def name_of(arm: ArmSummary, arms: Sequence[ArmSummary]) -> str:
    """Return what tells an arm from the others of a report."""
    parts = [
        arm.span if len({one.span for one in arms}) > 1 else "",
        str(arm.arm),
        (arm.model or "any model") if len({one.model for one in arms}) > 1 else "",
        ("streams" if arm.stream else "whole") if len({one.stream for one in arms}) > 1 else "",
    ]
    return " ".join(part for part in parts if part)


def render_span(span: SpanSummary) -> list[str]:
    """Return what was planned, how the client fared, and what that makes of the numbers."""
    planned = "as many as fit" if span.planned is None else f"{span.planned:,} planned"
    sent = "" if span.sent_share is None else f", {render_quantity(span.sent_share, '%')} sent"
    sent = ", ended once it was decided" if span.is_decided else sent
    seconds = "" if span.duration_s is None else f" for {render_quantity(span.duration_s, 's')}"
    shards = f", {span.shards} workers" if span.shards > 1 else ""
    cpu = _share(span.cpu_share, MAX_CPU_SHARE)
    lag = _share(span.lag_share, MAX_LAG_SHARE)
    lines = [
        f"{span.span}: {span.arrivals}{seconds}, {planned}{sent}{shards}; entry {span.entry}, "
        f"timeout {render_quantity(span.timeout_s, 's')}",
        f"client: core {cpu} busy at worst, lag {lag} of the p99 at worst",
    ]
    return lines if span.limit is None else [*lines, f"unproven: {span.limit}"]


def _share(share: float | None, limit: float) -> str:
    if share is None:
        return "not watched"
    return f"{render_quantity(share, '%', 2)} (limit {render_quantity(limit, '%')})"


def _row(arm: ArmSummary, arms: Sequence[ArmSummary]) -> tuple[str, ...]:
    rate = _NOTHING if arm.rate_per_s is None else render_quantity(arm.rate_per_s, "/s")
    latencies = [_quantile(arm.latency, at) for at in range(3)]
    failed = f"{arm.failed:,}"
    if arm.calls:
        failed += f" ({render_quantity(arm.failed / arm.calls, '%', 2)})"
    return (
        name_of(arm, arms),
        f"{arm.calls:,}",
        rate,
        *latencies,
        _quantile(arm.ttft, 1),
        _quantile(arm.stall, 1),
        failed,
    )


def _quantile(spread: Spread, at: int) -> str:
    if not spread.quantiles:
        return _NOTHING
    found = spread.quantiles[at]
    return f"{render_quantity(found.value_s, 's')} ({_bounds(found.interval)})"


def _bounds(interval: Interval) -> str:
    low = "?" if interval.low is None else render_quantity(interval.low, "s")
    high = "?" if interval.high is None else render_quantity(interval.high, "s")
    return f"{low}…{high}"


def _confidence(arms: Sequence[ArmSummary]) -> float | None:
    told = [one.interval.confidence for arm in arms for one in arm.latency.quantiles]
    return told[0] if told else None


def render_asides(arms: Sequence[ArmSummary]) -> list[str]:
    """Return what went wrong in each arm, and what it used."""
    lines = []
    for arm in arms:
        name = name_of(arm, arms)
        wrong = {word: count for word, count in arm.ends.items() if word != "ok"}
        if wrong:
            told = ", ".join(f"{count:,} {word}" for word, count in wrong.items())
            lines.append(f"{name}: {told}")
        if arm.unproven:
            lines.append(f"{name}: {arm.unproven:,} answers without request id or usage")
        if arm.usage is not None:
            cost = "at an unknown price" if arm.cost_usd is None else in_dollars(arm.cost_usd)
            lines.append(f"{name}: {_tokens(arm.usage)}, {cost}")
    return lines


def _tokens(usage: Usage) -> str:
    """Return what was used; what the API's prompt cache read and wrote is no part of the input."""
    told = f"{usage.input_tokens:,} input, {usage.output_tokens:,} output tokens"
    read, written = usage.cache_read_input_tokens, usage.cache_creation_input_tokens
    if not (read or written):
        return told
    return f"{told}, {read:,} read from and {written:,} written to the prompt cache"


def render_table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows of cells as lines, in columns."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]

"""H-01 … H-05 as lines of text."""

from l9gate.criteria.health import Health, Quantiles
from l9gate.criteria.prompt_cache import PromptCacheUse
from l9gate.report.quantity import render_quantity

_NOTHING = "no evidence"


def render_health(health: Health, *, is_rehearsal: bool) -> list[str]:
    """Return the lines; a value without evidence says so and is never shown as 0."""
    verb = "live it would cost" if is_rehearsal else "spent"
    return [
        f"H-01  latency of calls  {_quantiles(health.latency)}",
        f"H-01  latency of operations  {_quantiles(health.operation_latency)}",
        f"H-02  error rate  {_rate(health.error_rate)} of {health.calls:,} calls, "
        f"{_rate(health.attempt_error_rate)} of {health.attempts:,} attempts"
        f"{_counts(health.errors_by_type)}",
        f"H-03  cache of the application  hits {_rate(health.cache_hit_rate)} "
        f"of {health.cache_lookups:,} look-ups, {_stale(health)}; avoided "
        f"{health.calls_avoided:,} calls, {health.tokens_avoided:,} tokens "
        f"({_rate(health.cache_efficiency)}), {_dollars(health.cost_avoided_usd)}, "
        f"{_seconds(health.time_avoided_s)}",
        f"H-03  prompt cache of the API  {_prompt_cache(health.prompt_cache)}",
        f"H-04  quota used  {_quota(health.quota_utilisation)}",
        f"H-05  fallback rate  {_rate(health.fallback_rate)} of {health.operations:,} operations"
        f"{_counts(health.fallbacks_by_reason)}",
        f"      {verb}  {health.input_tokens:,} input and {health.output_tokens:,} output tokens, "
        f"{_dollars(health.cost_usd)}",
    ]


def _quantiles(quantiles: Quantiles) -> str:
    if quantiles.p50_s is None or quantiles.p95_s is None or quantiles.p99_s is None:
        return f"{_NOTHING} (n={quantiles.n:,})"
    p50, p95, p99 = (
        render_quantity(value, "s") for value in (quantiles.p50_s, quantiles.p95_s, quantiles.p99_s)
    )
    return f"p50 {p50}, p95 {p95}, p99 {p99} (n={quantiles.n:,})"


def _stale(health: Health) -> str:
    if health.aged_hits == 0:
        return "no hit tells its age"
    return f"{health.stale_hits:,} of {health.aged_hits:,} that tell their age stale"


def _prompt_cache(use: PromptCacheUse) -> str:
    left = f"; {use.short:,} more have a prompt too short to be cached" if use.short else ""
    if use.requests == 0:
        return f"no request could be cached{left}"
    idle = f", {use.idle:,} without effect" if use.idle else ""
    return (
        f"read {_rate(use.read_share)} of {use.input_tokens:,} input tokens of {use.requests:,} "
        f"requests with a breakpoint{idle}; read/(read+written) {_rate(use.efficiency)}, "
        f"saved {_dollars(use.saved_usd)}{left}"
    )


def _seconds(value: float | None) -> str:
    return "no time known" if value is None else render_quantity(value, "s")


def _rate(rate: float | None) -> str:
    return _NOTHING if rate is None else render_quantity(rate, "%")


def _counts(counts: dict[str, int]) -> str:
    if not counts:
        return ""
    ordered = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    return ": " + ", ".join(f"{name} {count:,}" for name, count in ordered)


def _dollars(cost_usd: float | None) -> str:
    return "at an unknown price" if cost_usd is None else f"{cost_usd:,.4f} USD"


def _quota(utilisation: dict[str, float]) -> str:
    if not utilisation:
        return _NOTHING
    return ", ".join(
        f"{bucket} {render_quantity(share, '%')}" for bucket, share in sorted(utilisation.items())
    )

"""Production health as numbers (H-01 … H-05), computed from evidence."""

import msgspec


class Quantiles(msgspec.Struct, frozen=True, kw_only=True):
    """Nearest-rank percentiles of a sample, in seconds; None where the sample is empty."""

    n: int
    p50_s: float | None
    p95_s: float | None
    p99_s: float | None


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """H-01 … H-05 of one run or window; a rate without a denominator is None, never 0."""

    latency: Quantiles  # H-01: successful, uncached, non-fallback calls; timeouts are +infinity
    operation_latency: Quantiles  # end to end, as the application reports it (C-14)
    calls: int
    attempts: int
    error_rate: float | None  # H-02, after retries
    attempt_error_rate: float | None
    errors_by_type: dict[str, int]  # error type → calls that ended with it
    cache_lookups: int
    cache_hit_rate: float | None  # H-03
    calls_avoided: int
    tokens_avoided: int
    cost_avoided_usd: float | None  # None: a model without a known price
    quota_utilisation: dict[str, float]  # H-04: worst 1 - remaining/limit per bucket
    operations: int
    fallback_rate: float | None  # H-05
    fallbacks_by_reason: dict[str, int]
    input_tokens: int
    output_tokens: int
    cost_usd: float | None

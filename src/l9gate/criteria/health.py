"""Production health as numbers (H-01 … H-05), computed from evidence."""

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec

from l9gate.criteria.caches import (
    avoided_s,
    avoided_tokens,
    avoided_usd,
    efficiency_of,
    hits_of,
    is_stale,
    lookups_of,
    models_of,
    tells_age,
)
from l9gate.criteria.calls import error_type_of, has_failed
from l9gate.criteria.criterion import Scope
from l9gate.criteria.excerpt import Excerpt, is_on_route
from l9gate.criteria.prompt_cache import PromptCacheUse, measure_prompt_cache
from l9gate.criteria.proof import MESSAGES_ROUTE
from l9gate.criteria.rest import prices_of
from l9gate.criteria.samples import (
    Observation,
    fallback_signals,
    latencies_of,
    observe_operation_latency,
)
from l9gate.evidence.log import EvidenceLog
from l9gate.evidence.records import Exchange
from l9gate.measure.intervals import nearest_rank
from l9gate.wire.messages import total_input_tokens
from l9gate.wire.prices import PriceList, total_usd


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
    cache_lookups: int  # H-03: of the application's own cache
    cache_hit_rate: float | None
    calls_avoided: int
    tokens_avoided: int
    cost_avoided_usd: float | None  # None: a model without a known price
    time_avoided_s: float | None  # hits times (median miss - median hit)
    cache_efficiency: float | None  # tokens avoided by tokens avoided and used
    aged_hits: int  # told how old the remembered answer was
    stale_hits: int  # of them, older than their time to live
    prompt_cache: PromptCacheUse  # H-03: of the API's prompt cache, another thing
    quota_utilisation: dict[str, float]  # H-04: worst 1 - remaining/limit per bucket
    operations: int
    fallback_rate: float | None  # H-05
    fallbacks_by_reason: dict[str, int]
    input_tokens: int
    output_tokens: int
    cost_usd: float | None


def measure_health(log: EvidenceLog, scope: Scope) -> Health:
    """Return the health of what was seen in the run's kind, tests about failures left out.

    Tokens and cost count everything that was sent, those tests included: it was paid for.
    """
    excerpt = Excerpt(log, scope)
    calls = [call for call in excerpt.calls if is_on_route(call.last, MESSAGES_ROUTE)]
    attempts = [attempt for call in calls for attempt in call.attempts]
    lookups, hits = lookups_of(excerpt), hits_of(excerpt)
    operations = fallback_signals(excerpt)
    fallbacks = Counter(one.fallback for one in operations if one.fallback is not None)
    sent = [one for one in log.of(Exchange) if one.origin is scope.kind]
    usages = [one.usage for one in sent if one.usage is not None]
    prices = prices_of(log)
    return Health(
        latency=_quantiles(latencies_of(calls)),
        operation_latency=_quantiles(observe_operation_latency(excerpt)),
        calls=len(calls),
        attempts=len(attempts),
        error_rate=_share(sum(has_failed(call.last) for call in calls), len(calls)),
        attempt_error_rate=_share(sum(has_failed(one) for one in attempts), len(attempts)),
        errors_by_type=_sorted_counts(
            Counter(error_type_of(call.last) for call in calls if has_failed(call.last))
        ),
        cache_lookups=len(lookups),
        cache_hit_rate=_share(len(hits), len(lookups)),
        calls_avoided=len(hits),
        tokens_avoided=avoided_tokens(hits),
        cost_avoided_usd=avoided_usd(hits, models_of(excerpt), prices),
        time_avoided_s=avoided_s(lookups),
        cache_efficiency=efficiency_of(hits, attempts) if lookups else None,
        aged_hits=sum(tells_age(one) for one in hits),
        stale_hits=sum(is_stale(one) for one in hits),
        prompt_cache=measure_prompt_cache(attempts, prices),
        quota_utilisation=_quota_utilisation(
            [attempt for call in excerpt.calls for attempt in call.attempts]
        ),
        operations=len(operations),
        fallback_rate=_share(fallbacks.total(), len(operations)),
        fallbacks_by_reason=_sorted_counts(fallbacks),
        input_tokens=sum(total_input_tokens(usage) for usage in usages),
        output_tokens=sum(usage.output_tokens for usage in usages),
        cost_usd=_cost_usd(sent, prices),
    )


def _quantiles(observations: Sequence[Observation]) -> Quantiles:
    ordered = sorted(one.value for one in observations)
    if not ordered:
        return Quantiles(n=0, p50_s=None, p95_s=None, p99_s=None)
    p50_s, p95_s, p99_s = (nearest_rank(ordered, q) for q in (0.50, 0.95, 0.99))
    return Quantiles(n=len(ordered), p50_s=p50_s, p95_s=p95_s, p99_s=p99_s)


def _share(part: float, whole: int) -> float | None:
    return part / whole if whole else None


def _sorted_counts(counts: Mapping[str, int]) -> dict[str, int]:
    """Return the counts, the most frequent first, so that equal evidence gives equal bytes."""
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _cost_usd(sent: Sequence[Exchange], prices: PriceList) -> float | None:
    """Return what all exchanges cost; None if one is of a model without a known price."""
    return total_usd(
        None if one.model is None else prices.cost_usd(one.model, one.usage)
        for one in sent
        if one.usage is not None
    )


def _quota_utilisation(sent: Sequence[Exchange]) -> dict[str, float]:
    """Return for every bucket the worst share that was used up."""
    worst: dict[str, float] = {}
    for one in sent:
        for name, value in one.rate_limit.items():
            bucket, _, what = name.rpartition("-")
            limit = _number(value)
            remaining = _number(one.rate_limit.get(f"{bucket}-remaining", ""))
            if what != "limit" or not limit or remaining is None:
                continue
            worst[bucket] = max(worst.get(bucket, 0.0), 1 - remaining / limit)
    return dict(sorted(worst.items()))


def _number(text: str) -> float | None:
    return float(text) if text.isascii() and text.isdigit() else None

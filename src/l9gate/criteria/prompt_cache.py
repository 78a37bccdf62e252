"""What the API's prompt cache is worth, by the usage of every answer.

The application's own cache is another thing: see `caches`.
"""

from collections.abc import Iterable, Iterator

import msgspec

from l9gate.criteria.excerpt import Excerpt
from l9gate.criteria.readings import Reading
from l9gate.criteria.samples import Observation
from l9gate.evidence.records import Exchange
from l9gate.wire.messages import Usage, total_input_tokens
from l9gate.wire.models import cacheable_from_tokens
from l9gate.wire.prices import PriceList, total_usd


class PromptCacheUse(msgspec.Struct, frozen=True, kw_only=True):
    """What the prompt cache did for the requests that it could do something for.

    Such a request has a breakpoint, or usage that says what was read or written, and a prompt that
    is long enough for its model.
    """

    requests: int
    hits: int  # of them, read something
    idle: int  # of them, neither read nor wrote although the whole prompt is long enough
    short: int  # left out: with a breakpoint, but a prompt too short to be cached
    input_tokens: int  # of these requests in all
    read_tokens: int
    written_tokens: int
    read_share: float | None  # of the input tokens; None without a request
    efficiency: float | None  # read by read and written; None where the cache did neither
    saved_usd: float | None  # against no cache, dearer writes taken off; None: no known price


def measure_prompt_cache(exchanges: Iterable[Exchange], prices: PriceList) -> PromptCacheUse:
    """Return what the prompt cache did for these exchanges; those without usage say nothing."""
    asked = list(_asked(exchanges))
    served = [(one, usage) for one, usage in asked if not _is_short(one, usage)]
    total = sum(total_input_tokens(usage) for _, usage in served)
    read = sum(usage.cache_read_input_tokens for _, usage in served)
    written = sum(usage.cache_creation_input_tokens for _, usage in served)
    return PromptCacheUse(
        requests=len(served),
        hits=sum(usage.cache_read_input_tokens > 0 for _, usage in served),
        idle=sum(not _has_moved(usage) for _, usage in served),
        short=len(asked) - len(served),
        input_tokens=total,
        read_tokens=read,
        written_tokens=written,
        read_share=read / total if total else None,
        efficiency=read / (read + written) if read + written else None,
        saved_usd=total_usd(_saved_usd(one.model, usage, prices) for one, usage in served),
    )


def observe_prompt_cache_hit(excerpt: Excerpt) -> list[Observation]:
    """Return for every request that can be cached whether it read anything from the cache."""
    return [
        Observation(one.ended_s, 1.0 if usage.cache_read_input_tokens else 0.0)
        for one, usage in _asked(excerpt.attempts)
        if not _is_short(one, usage)
    ]


def read_prompt_cache_share(excerpt: Excerpt) -> Reading:
    """Return which share of the input tokens of requests that can be cached was read from it."""
    use = measure_prompt_cache(excerpt.attempts, excerpt.prices)
    return _reading(use, use.read_share)


def read_prompt_cache_efficiency(excerpt: Excerpt) -> Reading:
    """Return tokens read from the prompt cache by tokens read and written."""
    use = measure_prompt_cache(excerpt.attempts, excerpt.prices)
    return _reading(use, use.efficiency)


def read_prompt_cache_saved(excerpt: Excerpt) -> Reading:
    """Return the dollars that the prompt cache saved; below zero where writes cost more."""
    use = measure_prompt_cache(excerpt.attempts, excerpt.prices)
    return _reading(use, use.saved_usd if use.requests else None)


def _reading(use: PromptCacheUse, value: float | None) -> Reading:
    """Return a number with what there is to know of requests that were left out, and idle ones."""
    notes = (
        (use.short, f"left out: {use.short:,} with a prompt too short to be cached"),
        (use.idle, f"{use.idle:,} neither read nor wrote: a breakpoint too early, or no cache"),
        (not use.requests and not use.short, "no request has a cache breakpoint"),
    )
    note = "; ".join(words for count, words in notes if count) or None
    return Reading(value=value, n=use.requests, note=note)


def _asked(exchanges: Iterable[Exchange]) -> Iterator[tuple[Exchange, Usage]]:
    """Yield the answers to requests with a breakpoint, and those that tell of the cache anyway."""
    for one in exchanges:
        if one.usage is not None and (one.cache_ttl_s is not None or _has_moved(one.usage)):
            yield one, one.usage


def _has_moved(usage: Usage) -> bool:
    """Whether the prompt cache did anything."""
    return usage.cache_read_input_tokens > 0 or usage.cache_creation_input_tokens > 0


def _is_short(exchange: Exchange, usage: Usage) -> bool:
    """Whether a whole prompt is shorter than what its model caches, and was not cached."""
    least = cacheable_from_tokens(exchange.model or "")
    return not _has_moved(usage) and total_input_tokens(usage) < least


def _saved_usd(model: str | None, usage: Usage, prices: PriceList) -> float | None:
    plain = Usage(input_tokens=total_input_tokens(usage), output_tokens=usage.output_tokens)
    without = None if model is None else prices.cost_usd(model, plain)
    paid = None if model is None else prices.cost_usd(model, usage)
    return None if without is None or paid is None else without - paid

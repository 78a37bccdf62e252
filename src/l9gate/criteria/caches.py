"""What the application's own cache is worth: calls, tokens, dollars and seconds that it avoided.

A hit is a call that never happened, which only the application can tell. The API's prompt cache is
another thing: see `prompt_cache`.
"""

import statistics
from collections.abc import Iterable, Sequence

from l9gate.criteria.excerpt import Excerpt
from l9gate.criteria.readings import Reading
from l9gate.evidence.records import CacheState, Exchange, Signal
from l9gate.wire.messages import Usage, total_input_tokens
from l9gate.wire.prices import PriceList, total_usd

_CLOCK_DIGITS = 6


def lookups_of(excerpt: Excerpt) -> list[Signal]:
    """Return the operations that asked the application's cache."""
    return [one for one in excerpt.signals() if one.cache is not CacheState.OFF]


def hits_of(excerpt: Excerpt) -> list[Signal]:
    """Return the operations that the application's cache answered."""
    return [one for one in excerpt.signals() if one.cache is CacheState.HIT]


def read_avoided_calls(excerpt: Excerpt) -> Reading:
    """Return how many calls the application's cache made unnecessary: one a hit."""
    lookups = lookups_of(excerpt)
    return Reading(value=float(len(hits_of(excerpt))) if lookups else None, n=len(lookups))


def read_avoided_tokens(excerpt: Excerpt) -> Reading:
    """Return how many tokens, in and out, hits made unnecessary, as the application tells."""
    lookups = lookups_of(excerpt)
    tokens = avoided_tokens(hits_of(excerpt))
    return Reading(value=float(tokens) if lookups else None, n=len(lookups))


def read_avoided_usd(excerpt: Excerpt) -> Reading:
    """Return what the avoided tokens would have cost."""
    lookups = lookups_of(excerpt)
    usd = avoided_usd(hits_of(excerpt), models_of(excerpt), excerpt.prices)
    note = "no price: hits of several models, or of one without a price, tell no `model`"
    return Reading(
        value=usd if lookups else None, n=len(lookups), note=note if usd is None else None
    )


def read_avoided_s(excerpt: Excerpt) -> Reading:
    """Return the seconds that hits saved their users in all; see `avoided_s`."""
    lookups = lookups_of(excerpt)
    hits = [one for one in lookups if one.cache is CacheState.HIT]
    return Reading(
        value=avoided_s(lookups),
        n=len(lookups),
        note=f"{len(hits):,} hits x (median miss - median hit)" if hits else None,
    )


def read_cache_efficiency(excerpt: Excerpt) -> Reading:
    """Return avoided tokens by avoided and used ones."""
    lookups = lookups_of(excerpt)
    share = efficiency_of(hits_of(excerpt), excerpt.attempts) if lookups else None
    return Reading(value=share, n=len(lookups))


def read_stale_hits(excerpt: Excerpt) -> Reading:
    """Return how many hits served an answer beyond its time to live, of those that tell."""
    hits = hits_of(excerpt)
    told = [one for one in hits if tells_age(one)]
    stale = [one for one in told if is_stale(one)]
    silent = len(hits) - len(told)
    return Reading(
        value=float(len(stale)) if told else None,
        n=len(told),
        note=f"{silent:,} of {len(hits):,} hits do not tell `age_s` and `ttl_s`"
        if silent
        else None,
        evidence=tuple(
            f"{one.operation}: {one.age_s:g} s old, {one.ttl_s:g} s allowed"
            + ("" if one.owner is None else f" ({one.owner})")
            for one in stale
        ),
    )


def tells_age(hit: Signal) -> bool:
    """Whether the application said how old the answer was, and how old it may get."""
    return hit.age_s is not None and hit.ttl_s is not None


def is_stale(hit: Signal) -> bool:
    """Whether a hit served what the application meant to have forgotten."""
    return hit.age_s is not None and hit.ttl_s is not None and hit.age_s > hit.ttl_s


def avoided_tokens(hits: Iterable[Signal]) -> int:
    """Return the tokens, in and out, that hits made unnecessary."""
    return sum(one.avoided_input_tokens + one.avoided_output_tokens for one in hits)


def avoided_s(lookups: Sequence[Signal]) -> float | None:
    """Return hits times what one saves: the median of misses minus the median of hits, in seconds.

    Degraded answers are neither. None without a hit or a miss to compare it with, 0 if there were
    look-ups and no hit.
    """
    whole = [one for one in lookups if one.fallback is None]
    hits = [one.duration_s for one in whole if one.cache is CacheState.HIT]
    misses = [one.duration_s for one in whole if one.cache is CacheState.MISS]
    if not misses:
        return None
    if not hits:
        return 0.0
    saved_s = statistics.median(misses) - statistics.median(hits)
    return round(len(hits) * saved_s, _CLOCK_DIGITS)


def avoided_usd(hits: Iterable[Signal], models: set[str], prices: PriceList) -> float | None:
    """Return what the avoided tokens would have cost, at the price of the model that a hit names.

    One that names none is priced as the one model in use; None if there are several, or no price.
    """
    only = next(iter(models)) if len(models) == 1 else None
    return total_usd(_avoided_usd(one, one.model or only, prices) for one in hits)


def efficiency_of(hits: Iterable[Signal], exchanges: Iterable[Exchange]) -> float | None:
    """Return avoided tokens by avoided tokens and those that calls used; None without any."""
    avoided = avoided_tokens(hits)
    used = sum(
        total_input_tokens(one.usage) + one.usage.output_tokens
        for one in exchanges
        if one.usage is not None
    )
    return avoided / (avoided + used) if avoided + used else None


def _avoided_usd(hit: Signal, model: str | None, prices: PriceList) -> float | None:
    usage = Usage(input_tokens=hit.avoided_input_tokens, output_tokens=hit.avoided_output_tokens)
    return None if model is None else prices.cost_usd(model, usage)


def models_of(excerpt: Excerpt) -> set[str]:
    """Return the models that calls asked for."""
    return {call.last.model for call in excerpt.calls if call.last.model is not None}

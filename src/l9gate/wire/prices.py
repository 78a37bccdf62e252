"""What a token costs, and since when we know."""

import msgspec

from l9gate.wire.messages import Usage
from l9gate.wire.models import find_model

_MTOK = 1_000_000
AS_OF = "2026-11-22"


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """List price of one model in US dollars for a million tokens, standard tier.

    Above `tier_above_input_tokens` of total input the whole request costs the long-prompt price.
    """

    input_usd_per_mtok: float
    output_usd_per_mtok: float
    cache_write_factor: float = 1.25  # of the input price, five minutes
    cache_write_1h_factor: float = 2.0
    cache_read_factor: float = 0.1
    tier_above_input_tokens: int | None = None
    long_input_usd_per_mtok: float = 0.0
    long_output_usd_per_mtok: float = 0.0
    as_of: str = AS_OF


def _flat(input_usd: float, output_usd: float, read_factor: float = 0.1) -> Price:
    return Price(
        input_usd_per_mtok=input_usd, output_usd_per_mtok=output_usd, cache_read_factor=read_factor
    )


# Mythos models are by invitation and have no list price.
_PRICES: dict[str, Price] = {
    "claude-fable-5-2": _flat(8, 40),
    "claude-fable-5-1": _flat(10, 50, 0.025),
    "claude-fable-5": _flat(10, 50),
    "claude-opus-5-5": _flat(4, 20, 0.05),
    "claude-opus-5": _flat(5, 25),
    "claude-sonnet-5-5": _flat(2, 10),
    "claude-sonnet-5": _flat(2, 10),
    "claude-haiku-5-5": Price(
        input_usd_per_mtok=0.10,
        output_usd_per_mtok=0.50,
        tier_above_input_tokens=100_000,
        long_input_usd_per_mtok=0.50,
        long_output_usd_per_mtok=2.50,
    ),
    "claude-opus-4-8": _flat(5, 25),
    "claude-opus-4-7": _flat(5, 25),
    "claude-opus-4-6": _flat(5, 25),
    "claude-sonnet-4-6": _flat(3, 15),
    "claude-opus-4-5-20251101": _flat(5, 25),
    "claude-sonnet-4-5-20250929": _flat(3, 15),
    "claude-haiku-4-5-20251001": _flat(1, 5),
}


def price_of(model: str) -> Price | None:
    """Return the price of a model by id or alias, None where none is known."""
    facts = find_model(model)
    return None if facts is None else _PRICES.get(facts.id)


def cost_usd(model: str, usage: Usage) -> float | None:
    """Return what an exchange costs in US dollars, None for a model without a known price.

    Cache writes count as five-minute ones: `Usage` does not tell them from one-hour writes.
    """
    price = price_of(model)
    if price is None:
        return None
    cached = usage.cache_read_input_tokens + usage.cache_creation_input_tokens
    tier = price.tier_above_input_tokens
    is_long = tier is not None and usage.input_tokens + cached > tier
    input_usd = price.long_input_usd_per_mtok if is_long else price.input_usd_per_mtok
    output_usd = price.long_output_usd_per_mtok if is_long else price.output_usd_per_mtok
    weighted_input = (
        usage.input_tokens
        + usage.cache_read_input_tokens * price.cache_read_factor
        + usage.cache_creation_input_tokens * price.cache_write_factor
    )
    return (weighted_input * input_usd + usage.output_tokens * output_usd) / _MTOK

"""What a token costs, and since when we know.

The numbers are those of section 14.1 of the reference sheet of the Messages API, the factors of
its sections 10, 11 and 14.1. What the sheet does not state (fast mode, server tools) is None here:
a budget refuses it until a project declares it in `[tool.l9gate.prices]`.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from fnmatch import fnmatchcase
from typing import Annotated

import msgspec

from l9gate.wire.messages import Usage
from l9gate.wire.models import find_model

_MTOK = 1_000_000
AS_OF = date(2026, 11, 22)
STALE_AFTER_DAYS = 60
_Usd = Annotated[float, msgspec.Meta(ge=0)]
_Factor = Annotated[float, msgspec.Meta(ge=0)]


class Price(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Price of one model in US dollars, as a project may write it.

    Above `tier_above_input_tokens` of total input the whole request costs the long-prompt price.
    """

    input_usd_per_mtok: _Usd
    output_usd_per_mtok: _Usd
    cache_write_factor: _Factor = 1.25  # of the input price, five minutes
    cache_write_1h_factor: _Factor = 2.0
    cache_read_factor: _Factor = 0.1
    tier_above_input_tokens: Annotated[int, msgspec.Meta(gt=0)] | None = None
    long_input_usd_per_mtok: _Usd = 0.0
    long_output_usd_per_mtok: _Usd = 0.0
    batch_factor: _Factor = 0.5
    us_factor: _Factor = 1.1  # of everything, with `inference_geo`
    fast_factor: _Factor | None = None  # of everything, with `speed = "fast"`
    server_tools_usd: _Usd | None = None  # at most, for those of one request, beside its tokens
    as_of: date | None = None

    def input_usd(self, *, is_long: bool) -> float:
        """Return what one input token costs in dollars."""
        usd = self.input_usd_per_mtok
        return (max(usd, self.long_input_usd_per_mtok) if is_long else usd) / _MTOK

    def output_usd(self, *, is_long: bool) -> float:
        """Return what one output token costs in dollars."""
        usd = self.output_usd_per_mtok
        return (max(usd, self.long_output_usd_per_mtok) if is_long else usd) / _MTOK

    def is_long(self, input_tokens: int) -> bool:
        """Whether a request with so many input tokens costs the long-prompt price."""
        return self.tier_above_input_tokens is not None and (
            input_tokens > self.tier_above_input_tokens
        )

    def cost_usd(self, usage: Usage) -> float:
        """Return what an exchange costs at standard speed, outside of a batch."""
        written, hour = usage.cache_creation_input_tokens, usage.cache_creation_1h_input_tokens
        hour = min(hour, written)
        is_long = self.is_long(usage.input_tokens + usage.cache_read_input_tokens + written)
        weighted_input = (
            usage.input_tokens
            + usage.cache_read_input_tokens * self.cache_read_factor
            + (written - hour) * self.cache_write_factor
            + hour * self.cache_write_1h_factor
        )
        return weighted_input * self.input_usd(is_long=is_long) + (
            usage.output_tokens * self.output_usd(is_long=is_long)
        )


def _flat(input_usd: float, output_usd: float, read_factor: float = 0.1) -> Price:
    return Price(
        input_usd_per_mtok=input_usd,
        output_usd_per_mtok=output_usd,
        cache_read_factor=read_factor,
        as_of=AS_OF,
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
        as_of=AS_OF,
    ),
    "claude-opus-4-8": _flat(5, 25),
    "claude-opus-4-7": _flat(5, 25),
    "claude-opus-4-6": _flat(5, 25),
    "claude-sonnet-4-6": _flat(3, 15),
    "claude-opus-4-5-20251101": _flat(5, 25),
    "claude-sonnet-4-5-20250929": _flat(3, 15),
    "claude-haiku-4-5-20251001": _flat(1, 5),
}


class PriceList(msgspec.Struct, frozen=True):
    """The shipped prices with a project's own over them; a name may hold `*`."""

    declared: dict[str, Price] = {}

    def find(self, model: str) -> Price | None:
        """Return the price of a model by id or alias, None where none is known.

        A declared name comes before a declared pattern, the longest pattern first, and any of them
        before what is shipped.
        """
        facts = find_model(model)
        names = (model,) if facts is None else (model, facts.id, *facts.aliases)
        for name in names:
            if name in self.declared:
                return self.declared[name]
        for pattern in sorted(self.declared, key=len, reverse=True):
            if any(fnmatchcase(name, pattern) for name in names):
                return self.declared[pattern]
        return None if facts is None else _PRICES.get(facts.id)

    def cost_usd(self, model: str, usage: Usage) -> float | None:
        """Return what an exchange costs, None for a model without a known price."""
        price = self.find(model)
        return None if price is None else price.cost_usd(usage)

    def dearest(self) -> Price:
        """Return a price that no known one exceeds, for what is expected to be refused."""
        known = [*_PRICES.values(), *self.declared.values()]
        return Price(
            input_usd_per_mtok=max(
                max(one.input_usd_per_mtok, one.long_input_usd_per_mtok) for one in known
            ),
            output_usd_per_mtok=max(
                max(one.output_usd_per_mtok, one.long_output_usd_per_mtok) for one in known
            ),
        )

    def stale(self, today: date) -> str | None:
        """Return a warning if prices are older than 60 days, None if they are not."""
        old = {
            name: price.as_of
            for name, price in {"the shipped prices": _flat(0, 0), **self.declared}.items()
            if price.as_of is not None and (today - price.as_of).days > STALE_AFTER_DAYS
        }
        if not old:
            return None
        named = ", ".join(
            f"{name} ({as_of}, {(today - as_of).days} days ago)" for name, as_of in old.items()
        )
        return (
            f"prices may have changed: {named}; check them and declare them in [tool.l9gate.prices]"
        )


_SHIPPED = PriceList()


def cost_usd(model: str, usage: Usage) -> float | None:
    """Return what an exchange costs at shipped prices, None for a model without one."""
    return _SHIPPED.cost_usd(model, usage)


def total_usd(amounts: Iterable[float | None]) -> float | None:
    """Return the sum of amounts; None if one of them is not known."""
    known = list(amounts)
    return None if None in known else sum(one for one in known if one is not None)


def price_lines(model: str, lacking: Mapping[str, str] | None = None) -> str:
    """Return the lines of TOML that declare a price, to be filled in by whoever knows it."""
    keys = lacking or {"input_usd_per_mtok": "0.00", "output_usd_per_mtok": "0.00"}
    lines = [
        f'[tool.l9gate.prices."{model}"]',
        *(f"{key} = {value}" for key, value in keys.items()),
    ]
    return "\n".join(lines)


def in_dollars(usd: float) -> str:
    """Return an amount as people read it: cents from a dollar on, fractions of them below."""
    return f"${usd:,.2f}" if usd >= 1 or usd == 0 else f"${usd:,.4f}"

"""`p95(latency_s) < 2000ms` → a parsed condition; pure.

    condition = subject operator limit
    subject   = "p" number "(" sample ")" | "rate(" rate ")" | scalar
    operator  = "<" | "<=" | ">" | ">=" | "=="
    limit     = number [ "ms" | "s" | "MB" | "bytes" | "%" | "/s" | "USD" ]

A limit without a unit is in the unit of its quantity; 1 MB is 1,000,000 bytes.
"""

import difflib
import math
import operator
import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from enum import StrEnum

import msgspec

from l9gate.criteria.quantities import BY_NAME, RATES, SAMPLES, AnyQuantity, PaceOf, Unit
from l9gate.errors import PolicyError

_CONDITION = re.compile(
    r"\s*(?:(?P<func>[A-Za-z_][A-Za-z0-9_.]*)\s*\(\s*(?P<inner>[A-Za-z0-9_.]+)\s*\)"
    r"|(?P<bare>[A-Za-z_][A-Za-z0-9_.]*))"
    r"\s*(?P<op><=|>=|==|<|>)\s*(?P<number>[0-9][0-9_]*(?:\.[0-9]+)?)\s*(?P<unit>[A-Za-z%/]*)\s*"
)
_QUANTILE = re.compile(r"p([0-9]{1,2}(?:\.[0-9]{1,6})?)")
_UNITS: dict[Unit, dict[str, Decimal]] = {
    Unit.SECONDS: {"": Decimal(1), "s": Decimal(1), "ms": Decimal("0.001")},
    Unit.BYTES: {"": Decimal(1), "bytes": Decimal(1), "MB": Decimal(1_000_000)},
    Unit.FRACTION: {"": Decimal(1), "%": Decimal("0.01")},
    Unit.COUNT: {"": Decimal(1)},
    Unit.PER_SECOND: {"": Decimal(1), "/s": Decimal(1)},
    Unit.DOLLARS: {"": Decimal(1), "USD": Decimal(1)},
}


class Operator(StrEnum):
    """How an observed number must stand to its limit."""

    BELOW = "<"
    AT_MOST = "<="
    ABOVE = ">"
    AT_LEAST = ">="
    EQUAL = "=="

    @property
    def wants_low(self) -> bool:
        """Whether lower numbers are better."""
        return self in (Operator.BELOW, Operator.AT_MOST)

    def holds(self, observed: float, limit: float) -> bool:
        """Whether the number stands so to its limit, exactly as written."""
        return _COMPARISONS[self](observed, limit)


_COMPARISONS: dict[Operator, Callable[[float, float], bool]] = {
    Operator.BELOW: operator.lt,
    Operator.AT_MOST: operator.le,
    Operator.ABOVE: operator.gt,
    Operator.AT_LEAST: operator.ge,
    Operator.EQUAL: operator.eq,
}


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """A quantity, how it must stand to which limit, and at which quantile if it is a sample."""

    quantity: str
    operator: Operator
    limit: float  # in the unit of the quantity: seconds, bytes, a fraction, a count
    quantile: float | None = None  # 0.95 for p95


def parse_condition(text: str) -> Condition:
    """Return the condition that a text states.

    Raises:
        PolicyError: it states none; the message quotes the text, the hint says what was meant.
    """
    match = _CONDITION.fullmatch(text)
    if match is None:
        raise PolicyError(
            f"`{text}`: no condition", hint="write one like `p95(latency_s) < 2000ms`"
        )
    name = match["inner"] or match["bare"]
    quantity = BY_NAME.get(name)
    if quantity is None:
        raise PolicyError(f"`{text}`: no such quantity", hint=suggest(name, BY_NAME))
    quantile = _parse_subject(text, match["func"], quantity)
    sign = Operator(match["op"])
    if sign is Operator.EQUAL and isinstance(quantity, (*SAMPLES, *RATES, PaceOf)):
        raise PolicyError(
            f"`{text}`: a sampled number is never shown to equal its limit",
            hint="use `<`, `<=`, `>` or `>=`",
        )
    limit = _parse_limit(text, match["number"], match["unit"], quantity.unit)
    return Condition(quantity=name, operator=sign, limit=limit, quantile=quantile)


def render_condition(condition: Condition) -> str:
    """Return the normalised text of a condition, which parses to an equal one."""
    quantity = BY_NAME[condition.quantity]
    subject = quantity.name
    if condition.quantile is not None:
        subject = f"p{_plain(Decimal(repr(condition.quantile)) * 100)}({subject})"
    elif isinstance(quantity, RATES):
        subject = f"rate({subject})"
    limit = Decimal(repr(condition.limit))
    is_share = quantity.unit is Unit.FRACTION
    shown = f"{_plain(limit * 100)}%" if is_share else _plain(limit)
    return f"{subject} {condition.operator} {shown}"


def suggest(word: str, known: Iterable[str]) -> str:
    """Return a hint that names the nearest known word, or all of them."""
    words = sorted(known)
    longer = [one for one in words if word and one.startswith(word)]
    near = longer or difflib.get_close_matches(word, words, n=1, cutoff=0.6)
    return f"did you mean `{near[0]}`?" if near else f"known are {', '.join(words)}"


def _parse_subject(text: str, func: str | None, quantity: AnyQuantity) -> float | None:
    """Return the quantile if the function fits the quantity."""
    if isinstance(quantity, SAMPLES):
        match = _QUANTILE.fullmatch(func or "")
        share = Decimal(match[1]) / 100 if match else Decimal(0)
        if share == 0:
            raise PolicyError(
                f"`{text}`: `{quantity.name}` is a sample",
                hint=f"write `p95({quantity.name})`, or another of p0.1 to p99.999",
            )
        return float(share)
    if isinstance(quantity, RATES):
        if func != "rate":
            raise PolicyError(
                f"`{text}`: `{quantity.name}` is a rate", hint=f"write `rate({quantity.name})`"
            )
        return None
    if func is not None:
        raise PolicyError(
            f"`{text}`: `{quantity.name}` is a single number", hint=f"write `{quantity.name}`"
        )
    return None


def _parse_limit(text: str, number: str, unit: str, of: Unit) -> float:
    units = _UNITS[of]
    if unit not in units:
        allowed = " or ".join(f"`{name}`" for name in units if name) or "a plain number"
        raise PolicyError(f"`{text}`: `{unit}` does not fit the quantity", hint=f"use {allowed}")
    limit = float(Decimal(number.replace("_", "")) * units[unit])
    if not math.isfinite(limit):
        raise PolicyError(f"`{text}`: the limit is too large", hint="nothing measured reaches it")
    if of is Unit.FRACTION and limit > 1:
        raise PolicyError(
            f"`{text}`: a share cannot be {number}{unit}", hint="write a percentage, e.g. `5%`"
        )
    return limit


def _plain(number: Decimal) -> str:
    """Return a number without exponent and without trailing zeros."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text

"""What the results of a batch say about its cost: JSON lines, one for each message."""

from collections.abc import Iterator

import msgspec

from l9gate.wire.messages import Usage, as_text, usage_of
from l9gate.wire.prices import PriceList


class _Message(msgspec.Struct, gc=False):
    model: object = None
    usage: object = None


class _Result(msgspec.Struct, gc=False):
    type: str
    message: _Message = msgspec.field(default_factory=_Message)


class _Line(msgspec.Struct, gc=False):
    result: _Result


_LINES = msgspec.json.Decoder(_Line)


def parse_batch_usage(body: bytes) -> list[tuple[str, Usage]] | None:
    """Return model and usage of every message that succeeded; what failed was not paid for.

    None if a line is no result, so that the cost is not known.
    """
    try:
        return list(_usages(body))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError):
        return None


def batch_cost_usd(body: bytes, prices: PriceList) -> float | None:
    """Return what the messages of a batch cost together, None if that cannot be told."""
    usages = parse_batch_usage(body)
    if usages is None:
        return None
    total_usd = 0.0
    for model, usage in usages:
        price = prices.find(model)
        if price is None:
            return None
        total_usd += price.cost_usd(usage) * price.batch_factor
    return total_usd


def _usages(body: bytes) -> Iterator[tuple[str, Usage]]:
    for line in body.splitlines():
        if not line.strip():
            continue
        result = _LINES.decode(line).result
        if result.type != "succeeded":
            continue
        model, usage = as_text(result.message.model), usage_of(result.message.usage)
        if model is None or usage is None:
            raise ValueError("a message without model or usage")
        yield model, usage

"""What deciding would take: calls, minutes, dollars, and how likely it is to end well."""

from collections.abc import Callable, Sequence

from l9gate.criteria.calls import Call
from l9gate.criteria.decision import Decision
from l9gate.wire.prices import PriceList

_SHIPPED = PriceList()


def describe_effort(
    decision: Decision,
    basis: str,
    calls: Sequence[Call] = (),
    prices: PriceList = _SHIPPED,
    price: Callable[[int], str | None] | None = None,
) -> str | None:
    """Return one clause such as "241 more calls (about 4 min, $0.03; 44% likely to be kept)".

    Args:
        decision: what would decide it, in samples.
        basis: what a sample is.
        calls: those that were seen, which tell pace and cost.
        prices: of models.
        price: says what so many samples take, where calls are kept otherwise.
    """
    if decision.more_s is not None:
        return f"{decision.more_s:.0f} more seconds at this pace"
    if decision.more is None:
        return None
    noun = f"more {basis}" if decision.n else basis
    details = [
        part
        for part in (
            price(decision.more) if price else _price_of_calls(decision.more, calls, prices),
            None if decision.chance is None else f"{decision.chance:.0%} likely to show it kept",
        )
        if part is not None
    ]
    shown = f"{decision.more:,} {noun}"
    return f"{shown} ({'; '.join(details)})" if details else shown


def mean_cost_usd(calls: Sequence[Call], prices: PriceList = _SHIPPED) -> float | None:
    """Return what one call costs on average; None if no usage or no price is known."""
    costs = []
    for call in calls:
        for attempt in call.attempts:
            if attempt.usage is None or attempt.model is None:
                continue
            cost = prices.cost_usd(attempt.model, attempt.usage)
            if cost is None:
                return None
            costs.append(cost)
    return sum(costs) / len(calls) if costs else None


def _price_of_calls(more: int, calls: Sequence[Call], prices: PriceList) -> str | None:
    """Return minutes at the pace seen and dollars at the mean cost, as far as they are known."""
    if len(calls) < 2:
        return None
    start_s = min(call.first.sent_s for call in calls)
    window_s = max(call.last.ended_s for call in calls) - start_s
    return describe_price(more, window_s / len(calls), mean_cost_usd(calls, prices))


def describe_price(calls: int, each_s: float, each_usd: float | None) -> str:
    """Return what further calls take, such as `about 4 min, $0.03`."""
    minutes = calls * each_s / 60
    parts = [f"about {minutes:.0f} min" if minutes >= 1 else "under 1 min"]
    if each_usd is not None:
        parts.append(f"${calls * each_usd:.2f}")
    return ", ".join(parts)

"""What a run cost, by layer, beside what it was allowed to."""

import msgspec

from l9gate.criteria.rest import last_budgets, prices_of
from l9gate.evidence.log import EvidenceLog
from l9gate.evidence.records import Exchange, Layer, LayerSpending, Origin
from l9gate.wire.prices import in_dollars


class Money(msgspec.Struct, frozen=True, kw_only=True):
    """The money of one run, or of several pooled: then the limits are those of the first."""

    kind: Origin  # in a rehearsal nothing was paid: it is what the calls would have cost
    caps_usd: dict[str, float]  # "run", "layer", "test", "day"; empty: no limit
    source: str  # of the limit of the run
    is_final: bool  # False: a run was killed, and only calls whose usage was seen are counted
    spent_usd: float  # settled calls at their cost, the others at the most that they can cost
    unsettled_usd: float
    unsettled_calls: int
    layers: tuple[LayerSpending, ...]
    refusal: str | None  # why no further call was sent
    hint: str | None
    prices_as_of: str
    warning: str | None


def build_money(log: EvidenceLog) -> Money | None:
    """Return what the evidence says about money, None if no account was kept."""
    budgets = last_budgets(log)
    if not budgets:
        return None
    first = budgets[0]
    refused = next((one for one in budgets if one.refusal is not None), first)
    is_final = all(one.is_final for one in budgets)
    told = [part for one in budgets for part in one.layers]
    parts = told if is_final else _seen(log, first.kind)
    layers = tuple(
        _sum(layer, [part for part in parts if part.layer is layer])
        for layer in (*Layer, None)
        if any(part.layer is layer for part in parts)
    )
    return Money(
        kind=first.kind,
        caps_usd=first.caps_usd,
        source=first.source,
        is_final=is_final,
        spent_usd=sum(part.spent_usd for part in layers),
        unsettled_usd=sum(part.unsettled_usd for part in layers),
        unsettled_calls=sum(part.unsettled_calls for part in layers),
        layers=layers,
        refusal=refused.refusal,
        hint=refused.hint,
        prices_as_of=first.prices_as_of,
        warning=first.warning,
    )


def render_money(money: Money) -> list[str]:
    """Return the lines of a report."""
    verb = "spent" if money.kind is Origin.LIVE else "nothing; live it would have cost"
    cap_usd = money.caps_usd.get("run")
    of = "" if cap_usd is None else f" of {in_dollars(cap_usd)} for the run ({money.source})"
    lines = [f"{verb} {in_dollars(money.spent_usd)}{of}; prices of {money.prices_as_of}"]
    lines += [
        f"{part.layer or 'no layer'}  {in_dollars(part.spent_usd)}  ({part.calls:,} calls)"
        for part in money.layers
    ]
    others = [
        f"{in_dollars(usd)} a {word}" for word, usd in money.caps_usd.items() if word != "run"
    ]
    if others:
        lines.append(f"further limits: {', '.join(others)}")
    if money.unsettled_calls:
        lines.append(
            f"{in_dollars(money.unsettled_usd)} of it is the most that "
            f"{money.unsettled_calls:,} calls can have cost whose usage nobody saw"
        )
    if not money.is_final:
        lines.append("the run did not end: only calls whose usage was seen are counted")
    if money.refusal is not None:
        lines.append(f"stopped: {money.refusal}")
        lines += f"hint: {money.hint}".splitlines()
    if money.warning is not None:
        lines.append(money.warning)
    return lines


def _seen(log: EvidenceLog, kind: Origin) -> list[LayerSpending]:
    """Return what the calls cost whose usage was seen, one by one."""
    prices = prices_of(log)
    costs = [
        (one.layer, prices.cost_usd(one.model, one.usage))
        for one in log.of(Exchange)
        if one.origin is kind and one.usage is not None and one.model is not None
    ]
    return [
        LayerSpending(layer=layer, calls=1, spent_usd=usd, unsettled_usd=0.0, unsettled_calls=0)
        for layer, usd in costs
        if usd is not None
    ]


def _sum(layer: Layer | None, parts: list[LayerSpending]) -> LayerSpending:
    return LayerSpending(
        layer=layer,
        calls=sum(part.calls for part in parts),
        spent_usd=sum(part.spent_usd for part in parts),
        unsettled_usd=sum(part.unsettled_usd for part in parts),
        unsettled_calls=sum(part.unsettled_calls for part in parts),
    )

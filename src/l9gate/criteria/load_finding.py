"""What a finding about load says beside its number: whose slowness it is, and what more costs."""

from collections.abc import Callable

import msgspec

from l9gate.criteria.criterion import Finding, State
from l9gate.criteria.decision import Decision, decide_quantile
from l9gate.criteria.effort import describe_price
from l9gate.criteria.excerpt import Excerpt
from l9gate.criteria.expression import Condition
from l9gate.criteria.load_client import what_to_do, why_limited
from l9gate.criteria.load_samples import rank_latency_of
from l9gate.criteria.load_view import LoadView
from l9gate.criteria.ranked import Ranked
from l9gate.criteria.rest import prices_of
from l9gate.evidence.load import Arm, CallEnd
from l9gate.measure.intervals import Rule
from l9gate.wire.prices import PriceList

_ABOUT_CLIENT = "load.client_"
_LATENCIES = frozenset({"load.latency_s", "load.service_s"})


def qualify(finding: Finding, condition: Condition, excerpt: Excerpt) -> Finding:
    """Return the finding as the client's health and the control arm leave it."""
    if condition.quantity.startswith(_ABOUT_CLIENT):
        return finding
    limited = why_limited(excerpt)
    if limited is not None:
        return msgspec.structs.replace(
            finding, state=State.UNPROVEN, reason=limited, decides=what_to_do(excerpt)
        )
    notes = [finding.reason, *_notes(finding, condition, excerpt)]
    return msgspec.structs.replace(finding, reason="; ".join(filter(None, notes)) or None)


def price_of_load(excerpt: Excerpt, samples: int) -> Callable[[int], str | None]:
    """Return what says how long, and for how many dollars, further samples would take."""
    view = excerpt.load
    calls = int(view.is_counted.sum())
    if calls < 2 or not samples:
        return lambda _: None
    window_s = float(view.ended_s[view.is_counted].max() - view.due_s.min())
    usd = cost_usd(view, prices_of(excerpt.log))

    def price(more: int) -> str:
        each_usd = None if usd is None else usd / calls
        return describe_price(round(more * calls / samples), window_s / calls, each_usd)

    return price


def cost_usd(view: LoadView, prices: PriceList) -> float | None:
    """Return what the calls in blocks cost; None if a usage or a price is not known."""
    total = 0.0
    for block in view.own_blocks:
        if block.usage is None and CallEnd.OK not in block.ends:
            continue  # nothing was answered whole, so nothing says what it used
        if block.usage is None or block.model is None:
            return None
        cost = prices.cost_usd(block.model, block.usage)
        if cost is None:
            return None
        total += cost
    return total


def whose_slowness(
    main: Ranked, control: Ranked, condition: Condition, alpha: float, rule: Rule
) -> str | None:
    """Return whether the API or the application is slow, where the main arm shows that one is.

    Both answers rest on exact bounds: what is neither shown slow nor shown fast is told as open.
    """
    if decide_quantile(main, condition, alpha, rule).state is not State.BROKEN:
        return None
    beside = decide_quantile(control, condition, alpha, rule)
    seen = f"{_in_words(beside, condition)} of {len(control):,} bare calls in between"
    if not len(control):
        return "no bare calls in between that tell the API from the application: --control-every"
    if beside.state is State.BROKEN:
        return f"the API is slow: so is the {seen}"
    if beside.state is State.KEPT:
        return f"the application or its workload is slow, not the API: the {seen} is not"
    return f"API or application: not shown, the {seen} is too few or too close to tell"


def _in_words(decision: Decision, condition: Condition) -> str:
    """Return the quantile with its bounds, such as `p95 0.41 s (0.38 s … 0.52 s)`."""
    name = f"p{100 * (condition.quantile or 0):g}"
    if decision.observed is None:
        return name
    interval = decision.interval
    low = None if interval is None else interval.low
    high = None if interval is None else interval.high
    bounds = " … ".join("?" if end is None else f"{end:.3g}" for end in (low, high))
    return f"{name} {decision.observed:.3g} s ({bounds})"


def _notes(finding: Finding, condition: Condition, excerpt: Excerpt) -> list[str]:
    view, notes = excerpt.load, []
    counted = "as errors" if bool(view.is_proven.any()) else "for nothing"
    foreign = int(view.is_foreign.sum())
    unproven = int(view.is_unproven.sum()) - foreign
    if unproven:
        notes.append(f"{unproven:,} answers without request id or usage count {counted}")
    if foreign:
        notes.append(f"{foreign:,} answers that say they come from elsewhere count {counted}")
    if condition.quantile is None:
        return notes
    ranked = rank_latency_of(view)
    timeouts = ranked.count_infinite()
    if condition.quantity in _LATENCIES and timeouts:
        notes.append(f"{timeouts:,} timeouts count as +infinity")
    notes += _mix(view, excerpt)
    is_broken = finding.state is State.BROKEN and condition.quantity in _LATENCIES
    if is_broken and excerpt.where.get("arm", Arm.MAIN) == Arm.MAIN:
        where = {key: excerpt.where[key] for key in ("span",) if key in excerpt.where}
        control = excerpt.load_log.view(excerpt.scope.kind, {**where, "arm": Arm.CONTROL})
        scope = excerpt.scope
        told = whose_slowness(ranked, rank_latency_of(control), condition, scope.alpha, scope.rule)
        notes += [] if told is None else [told]
    return notes


def _mix(view: LoadView, excerpt: Excerpt) -> list[str]:
    """Return what kinds of traffic one sample mixes."""
    notes = []
    models = {one.model for one in view.blocks}
    if len(models) > 1 and "model" not in excerpt.where:
        notes.append(f"{len(models)} models mixed; add where.model")
    if len({one.stream for one in view.blocks}) > 1 and "stream" not in excerpt.where:
        notes.append("streams and whole answers mixed; add where.stream")
    return notes

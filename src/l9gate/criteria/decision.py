"""Numbers against a limit: kept, broken or unproven; pure arithmetic on what was measured."""

import math
from collections.abc import Sequence

import msgspec

from l9gate.criteria.criterion import Interval, State
from l9gate.criteria.expression import Condition, Operator
from l9gate.criteria.ranked import Ranked
from l9gate.criteria.readings import Pace
from l9gate.criteria.soak_trends import Trending
from l9gate.measure.intervals import FIXED, Rule, most_under, nearest_rank, quantile_bounds
from l9gate.measure.sample_sizes import (
    chance_to_stay_within,
    samples_needed,
    samples_to_decide,
    window_to_decide,
)


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """A state, the number and interval it rests on, and what would settle it."""

    state: State
    observed: float | None
    n: int
    interval: Interval | None = None
    reason: str | None = None
    more: int | None = None  # further samples that would decide it, at the rate seen
    more_s: float | None = None  # further seconds, where time is what is missing
    chance: float | None = None  # how likely these samples show it kept


def decide_by_bounds(
    operator: Operator, limit: float, low: float | None, high: float | None
) -> State:
    """Return kept if the whole interval holds, broken if none of it does, else unproven."""
    kept_by, broken_by = (high, low) if operator.wants_low else (low, high)
    if kept_by is not None and operator.holds(kept_by, limit):
        return State.KEPT
    if broken_by is not None and not operator.holds(broken_by, limit):
        return State.BROKEN
    return State.UNPROVEN


def decide_quantile(
    values: Sequence[float], condition: Condition, alpha: float, rule: Rule = FIXED
) -> Decision:
    """Decide a quantile of a sample by its order statistics."""
    q = condition.quantile
    if q is None:
        raise ValueError(f"`{condition.quantity}` has no quantile")
    if not values:
        needed = samples_needed(q, alpha, rule=rule)
        return Decision(state=State.UNPROVEN, observed=None, n=0, reason="no samples", more=needed)
    ordered = values if isinstance(values, Ranked) else sorted(values)
    n = len(ordered)
    low, high = quantile_bounds(ordered, q, alpha, rule)
    state = decide_by_bounds(condition.operator, condition.limit, low, high)
    decision = Decision(
        state=state,
        observed=nearest_rank(ordered, q),
        n=n,
        interval=_interval(low, high, alpha),
    )
    if state is not State.UNPROVEN or not condition.operator.wants_low:
        return decision
    beyond = count_beyond(ordered, condition)
    needed = samples_needed(q, alpha, rule=rule)
    short = f"n={n}, a p{100 * q:g} needs at least {needed}" if n < needed else "too close to tell"
    return msgspec.structs.replace(
        decision, reason=short, **_outlook((beyond, n), 1 - q, alpha, rule)
    )


def decide_rate(k: int, n: int, condition: Condition, alpha: float, rule: Rule = FIXED) -> Decision:
    """Decide a rate by its bounds: Clopper & Pearson's, or those that are valid at any time."""
    wants_low, limit = condition.operator.wants_low, condition.limit
    if n == 0:
        against = limit if wants_low else 1 - limit
        more = samples_needed(1 - against, alpha, rule=rule) if 0 < against < 1 else None
        return Decision(state=State.UNPROVEN, observed=None, n=0, reason="no samples", more=more)
    low, high = rule.rate_lower(k, n, alpha), rule.rate_upper(k, n, alpha)
    state = decide_by_bounds(condition.operator, limit, low, high)
    decision = Decision(state=state, observed=k / n, n=n, interval=_interval(low, high, alpha))
    if state is not State.UNPROVEN:
        return decision
    wrong, against = (k, limit) if wants_low else (n - k, 1 - limit)
    return msgspec.structs.replace(
        decision, reason="too close to tell", **_outlook((wrong, n), against, alpha, rule)
    )


def decide_pace(
    pace: Pace, condition: Condition, alpha: float, min_window_s: float, rule: Rule = FIXED
) -> Decision:
    """Decide events per second by their bounds, once the window is long enough."""
    count, window_s = pace.count, pace.window_s
    if window_s <= 0 or window_s < min_window_s:
        return Decision(
            state=State.UNPROVEN,
            observed=count / window_s if window_s > 0 else None,
            n=count,
            reason=f"{window_s:g} s observed, sustained means {min_window_s:g} s",
            more_s=max(min_window_s - window_s, 0.0),
        )
    low, high = rule.pace_lower(count, window_s, alpha), rule.pace_upper(count, window_s, alpha)
    state = decide_by_bounds(condition.operator, condition.limit, low, high)
    total_s = None
    if state is State.UNPROVEN:
        total_s = window_to_decide(count, window_s, condition.limit, alpha, rule)
    return Decision(
        state=state,
        observed=count / window_s,
        n=count,
        interval=_interval(low, high, alpha),
        reason="too close to tell" if state is State.UNPROVEN else None,
        more_s=None if total_s is None else total_s - window_s,
    )


def decide_trend(
    trend: Trending, condition: Condition, alpha: float, min_window_s: float
) -> Decision:
    """Decide what rests on trends: both ends on one side, in a window long enough.

    In a shorter one a warm-up looks like a leak, and a leak like nothing.
    """
    if trend.value is None or trend.low is None or trend.high is None:
        return Decision(
            state=State.UNPROVEN, observed=trend.value, n=trend.n, reason="nothing was measured"
        )
    holds = {condition.operator.holds(end, condition.limit) for end in (trend.low, trend.high)}
    state = State.UNPROVEN
    if len(holds) == 1:
        state = State.KEPT if holds == {True} else State.BROKEN
    is_counted = trend.low == math.floor(trend.low) and trend.high == math.floor(trend.high)
    decision = Decision(
        state=state,
        observed=trend.value,
        n=trend.n,
        interval=None if is_counted else _interval(trend.low, trend.high, alpha),
        reason="too close to tell" if state is State.UNPROVEN else None,
    )
    if trend.window_s >= min_window_s:
        return decision
    return msgspec.structs.replace(
        decision,
        state=State.UNPROVEN,
        reason=f"{trend.window_s:.0f} s observed, at least {min_window_s:g} s are needed",
        more_s=min_window_s - trend.window_s,
    )


def decide_number(value: float | None, n: int, condition: Condition, min_n: int) -> Decision:
    """Decide a plain number exactly as the operator is written."""
    if value is None:
        return Decision(state=State.UNPROVEN, observed=None, n=n, reason="nothing was measured")
    if n < min_n:
        return Decision(
            state=State.UNPROVEN,
            observed=value,
            n=n,
            reason=f"n={n}, needs at least {min_n}",
            more=min_n - n,
        )
    state = State.KEPT if condition.operator.holds(value, condition.limit) else State.BROKEN
    return Decision(state=state, observed=value, n=n)


def count_beyond(values: Sequence[float], condition: Condition) -> int:
    """Return how many values do not stand to the limit as they should."""
    operator, limit = condition.operator, condition.limit
    if isinstance(values, Ranked):
        is_strict = not operator.holds(limit, limit)
        return values.count_beyond(limit, wants_low=operator.wants_low, is_strict=is_strict)
    return sum(not operator.holds(value, limit) for value in values)


def _outlook(
    seen: tuple[int, int], limit: float, alpha: float, rule: Rule
) -> dict[str, int | float | None]:
    """Return how many further samples decide a rate of wrong ones, and how likely for the good."""
    wrong, n = seen
    total = samples_to_decide(wrong, n, limit, alpha, rule)
    if total is None:
        return {}
    if wrong / n > limit:
        return {"more": total - n}
    allowed = most_under(total, limit, alpha, rule)
    return {"more": total - n, "chance": chance_to_stay_within(wrong, n, total, allowed)}


def _interval(low: float | None, high: float | None, alpha: float) -> Interval:
    return Interval(low=finite(low), high=finite(high), confidence=1 - alpha)


def finite(bound: float | None) -> float | None:
    """Return a bound, None for one that is open."""
    return None if bound is None or math.isinf(bound) else bound

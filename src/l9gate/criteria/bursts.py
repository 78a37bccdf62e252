"""Samples that came in bursts: each burst is a cluster, whose samples share their fate."""

from collections.abc import Sequence

from l9gate.criteria.criterion import Interval, Scope, State
from l9gate.criteria.decision import Decision, decide_by_bounds, finite
from l9gate.criteria.expression import Condition
from l9gate.criteria.samples import Observation
from l9gate.measure.clusters import ClusteredBounds, Clusters, Method
from l9gate.measure.intervals import nearest_rank


def number_bursts(at_s: Sequence[float], burst_s: float) -> list[int]:
    """Return the burst of each of these times, which rise; a longer wait begins the next one."""
    bursts, number = [], 0
    for place, now_s in enumerate(at_s):
        number += place > 0 and now_s - at_s[place - 1] > burst_s
        bursts.append(number)
    return bursts


def decide_bursts(
    observations: Sequence[Observation], burst_s: float, condition: Condition, scope: Scope
) -> tuple[Decision, str | None]:
    """Decide a quantile, or a rate, and say what the bursts make of the number of samples."""
    if not observations:
        return Decision(state=State.UNPROVEN, observed=None, n=0, reason="no samples"), None
    ordered = sorted(observations, key=lambda one: one.at_s)
    values = [one.value for one in ordered]
    clusters = Clusters(number_bursts([one.at_s for one in ordered], burst_s))
    if condition.quantile is None:
        observed = sum(values) / len(values)
        bounds = clusters.rate_bounds([value > 0 for value in values], scope.alpha, scope.rule)
    else:
        observed = nearest_rank(sorted(values), condition.quantile)
        bounds = clusters.quantile_bounds(values, condition.quantile, scope.alpha, scope.rule)
    state = decide_by_bounds(condition.operator, condition.limit, bounds.low, bounds.high)
    return Decision(
        state=state,
        observed=observed,
        n=len(values),
        interval=Interval(
            low=finite(bounds.low), high=finite(bounds.high), confidence=1 - scope.alpha
        ),
        reason="too close to tell" if state is State.UNPROVEN else None,
    ), _note(bounds)


def _note(bounds: ClusteredBounds) -> str:
    found = bounds.clustering
    text = f"in {found.clusters:,} bursts"
    if bounds.method is Method.WHOLE:
        return f"{text}, each of which counts as one"
    if bounds.method is Method.EXACT:
        return f"{text}, which make no difference"
    return f"{text}: they tell as much as {found.effective_n:,.0f} single ones"

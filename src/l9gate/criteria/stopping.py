"""Whether a measurement can stop: what is certain of each criterion while it goes on; pure.

A call that has not ended counts against whatever is about to be claimed: as a good one before
*broken*, as a wrong one before *kept*. So a claim stands whatever comes of it, and quick failures
that overtake slow answers break nothing.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from l9gate.criteria.around import Around
from l9gate.criteria.criterion import Criterion, Role, Scope, State
from l9gate.criteria.decision import count_beyond
from l9gate.criteria.excerpt import Excerpt
from l9gate.criteria.expression import Condition
from l9gate.criteria.quantities import (
    BY_NAME,
    RATES,
    CountedRate,
    RankedSample,
    Rate,
    Sample,
)
from l9gate.criteria.standing import Standing
from l9gate.criteria.threshold import Threshold
from l9gate.measure.sequential import Stopping

LEAST = 10  # samples before anything is claimed: a cold start is not the build's rate


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How the samples of one criterion stand so far."""

    n: int  # that have ended
    wrong: int  # of these, on the wrong side of the limit
    open: int = 0  # begun, and not ended, or perhaps tried again
    planned: int | None = None  # in all, where the number was fixed before


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What one look at the progress of one criterion says."""

    criterion: str
    role: Role
    state: State
    progress: Progress


def sampled(criteria: Iterable[Criterion], scope: Scope) -> list[tuple[Threshold, Role]]:
    """Return the criteria that counting can decide, with their roles in the run's environment.

    These are the ones on quantiles and rates. One that is waived is among them, since its waiver
    is void as soon as there is a sample.
    """
    found = []
    for criterion in criteria:
        inner, role = _inside(criterion, criterion.role, scope.environment)
        if not isinstance(inner, Threshold) or inner.burst_s is not None:
            continue  # what bursts tell is not known before they end
        if wrong_share(inner.condition) is not None:
            found.append((inner, role))
    return found


def _inside(criterion: Criterion, role: Role, environment: str) -> tuple[Criterion, Role]:
    if isinstance(criterion, Standing):
        role = criterion.role_in.get(environment, role)
    if isinstance(criterion, Around):
        return _inside(criterion.criterion, role, environment)
    return criterion, role


def wrong_share(condition: Condition) -> float | None:
    """Return the share of wrong samples that must be undercut; None where nothing is counted."""
    wants_low = condition.operator.wants_low
    if condition.quantile is not None:
        return 1 - condition.quantile if wants_low else condition.quantile
    if isinstance(BY_NAME[condition.quantity], RATES):
        return condition.limit if wants_low else 1 - condition.limit
    return None


def count_wrong(condition: Condition, values: Iterable[float]) -> int:
    """Return how many values are on the wrong side; of an event the value is 1 or 0."""
    if isinstance(BY_NAME[condition.quantity], RATES):
        return sum((value > 0) is condition.operator.wants_low for value in values)
    return sum(not condition.operator.holds(value, condition.limit) for value in values)


def progress_of(criterion: Threshold, excerpt: Excerpt, begun: int = 0) -> Progress | None:
    """Return how a criterion stands in an excerpt, while so many calls have not ended."""
    quantity = BY_NAME[criterion.condition.quantity]
    if isinstance(quantity, RankedSample):
        ranked = quantity.rank(excerpt)
        wrong = count_beyond(ranked, criterion.condition)
        return Progress(n=len(ranked), wrong=wrong, open=begun)
    if isinstance(quantity, CountedRate):
        happened, n = quantity.count(excerpt)
        wrong = happened if criterion.condition.operator.wants_low else n - happened
        return Progress(n=n, wrong=wrong, open=begun)
    if not isinstance(quantity, Sample | Rate):
        return None
    values = [one.value for one in quantity.observe(excerpt)]
    return Progress(n=len(values), wrong=count_wrong(criterion.condition, values), open=begun)


def look_at(condition: Condition, progress: Progress, scope: Scope) -> State:
    """Return what is certain by now.

    At any time that is what the evidence shows. Of a fixed number of samples it is what the whole
    number is going to show, however the rest of it turns out, so nothing is paid for stopping.
    """
    share = wrong_share(condition)
    total = progress.n + progress.open if scope.stopping is Stopping.ANYTIME else progress.planned
    if share is None or total is None or progress.n < LEAST or progress.n > total:
        return State.UNPROVEN
    if scope.rule.is_under(total - progress.wrong, total, 1 - share, scope.alpha):
        return State.BROKEN
    if scope.rule.is_under(progress.wrong + total - progress.n, total, share, scope.alpha):
        return State.KEPT
    return State.UNPROVEN


def look_at_all(
    criteria: Sequence[tuple[Threshold, Role]], progress: Mapping[str, Progress], scope: Scope
) -> list[Look]:
    """Return what is certain of every criterion whose progress is told, by its name."""
    return [
        Look(
            criterion=one.name,
            role=role,
            state=look_at(one.condition, progress[one.name], scope),
            progress=progress[one.name],
        )
        for one, role in criteria
        if one.name in progress
    ]


def why_stop(looks: Sequence[Look], *, once_kept: bool = False) -> str | None:
    """Return why nothing more has to be measured; None if something has.

    Args:
        looks: at all criteria that are sampled.
        once_kept: stop as well when every one of them is decided; nothing is left to be decided,
            though more samples would still narrow the intervals.
    """
    asked = [one for one in looks if one.role is not Role.ADVICE]
    for one in asked:
        if one.state is State.BROKEN:
            wrong, n = one.progress.wrong, one.progress.n
            return f"`{one.criterion}` is broken: {wrong:,} of {n:,} beyond its limit"
    if once_kept and asked and all(one.state is State.KEPT for one in asked):
        names = ", ".join(f"`{one.criterion}`" for one in asked)
        return f"{names} decided: kept"
    return None

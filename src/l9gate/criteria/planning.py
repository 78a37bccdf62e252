"""What a run can be expected to decide: samples needed, samples to come, and how likely *kept* is.

A quantile is under its limit exactly if the rate of values beyond it is under 1 - q, so quantiles
and rates are one question: of n samples, may so many be wrong (order statistics of Wilks 1941,
bounds of Clopper & Pearson 1934)? Paces follow Garwood (1936).
"""

from functools import lru_cache

import msgspec

from l9gate.criteria.criterion import Criterion, Role, Scope, State
from l9gate.criteria.effort import mean_cost_usd
from l9gate.criteria.excerpt import CALL_KEYS, Excerpt
from l9gate.criteria.quantities import BY_NAME, PaceOf
from l9gate.criteria.rest import prices_of
from l9gate.criteria.stopping import LEAST, progress_of, wrong_share
from l9gate.criteria.threshold import Threshold
from l9gate.criteria.waiver import NotApplicable
from l9gate.evidence.log import EvidenceLog, MemoryLog
from l9gate.evidence.records import Layer, Origin
from l9gate.measure.intervals import most_under
from l9gate.measure.sample_sizes import (
    chance_of_at_least,
    chance_to_stay_within,
    least_pace_count,
    samples_needed,
    samples_to_be_likely,
)
from l9gate.measure.sequential import Stopping
from l9gate.measure.stopping_times import StoppingBounds
from l9gate.measure.tails import chance_of_at_most

LIKELY = 0.8
GIVEN_UP = 2000  # samples that nobody waits for in a run


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What an earlier run says about one criterion."""

    run: str
    kind: Origin
    state: State
    n: int  # samples that it gave
    wrong: int | None  # of these, on the wrong side of the limit; None where nothing is sampled
    window_s: float | None  # of a pace
    s_per_sample: float | None
    usd_per_sample: float | None


class Assumed(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of a measurement that stops when it is decided, at an assumed true share."""

    wrong_share: float  # of samples on the wrong side of the limit
    mean_n: float  # samples until it is decided, or given up
    kept: float  # how likely it is shown kept
    broken: float
    most: int  # samples after which it is given up


class Outlook(msgspec.Struct, frozen=True, kw_only=True):
    """What one criterion needs, and what it can be expected to get."""

    criterion: str
    role: Role
    layers: tuple[Layer, ...]  # empty: the whole suite
    condition: str
    basis: str  # what is counted
    needs: int | None  # at least so many samples, all of them good; None: it is no sample
    needs_s: float | None  # a pace must be held for so long
    needs_likely: int | None  # to be kept with 80 % probability at the rate seen
    expected: int | None  # samples of a run like the last one; None: not known
    chance: float | None  # that they show it kept, if the rate seen is the true one
    cautious_chance: float | None  # the same, allowing for how little is known of that rate
    minutes: float | None  # for the samples that it needs, at the pace seen
    usd: float | None  # the same, at the cost seen
    seen: Seen | None
    unknown: tuple[str, ...]  # what is not known, and why
    anytime: tuple[Assumed, ...] = ()  # where the run may stop as soon as it is decided


def look_ahead(
    criterion: Criterion, scope: Scope, earlier: tuple[str, EvidenceLog, Scope] | None
) -> Outlook:
    """Return what can be said of a criterion before a run.

    Args:
        criterion: of the policy.
        scope: of the run to come.
        earlier: name, evidence and scope of the newest run that has the criterion's layers.
    """
    inner = criterion.criterion if isinstance(criterion, NotApplicable) else criterion
    known = inner if isinstance(inner, Threshold) else None
    seen = None if earlier is None else _seen(inner, *earlier)
    finding = inner.judge(MemoryLog(), scope)
    limit, needs = (None, None) if known is None else _needs(known, scope)
    is_pace = known is not None and isinstance(BY_NAME[known.condition.quantity], PaceOf)
    chances: tuple[float | None, float | None] = (None, None)
    if (
        seen is not None
        and seen.kind is Origin.LIVE
        and known is not None
        and scope.kind is seen.kind
    ):
        chances = _chances(known, seen, limit, scope)
    likely = None
    if limit is not None and seen is not None and seen.wrong is not None and seen.n:
        likely = samples_to_be_likely(seen.wrong / seen.n, limit, scope.alpha, LIKELY, scope.rule)
    return Outlook(
        criterion=criterion.name,
        role=criterion.role,
        layers=tuple(layer for layer in Layer if layer in criterion.layers),
        condition=finding.condition,
        basis=finding.basis,
        needs=needs,
        needs_s=known.min_window_s if known is not None and is_pace else None,
        needs_likely=likely if chances[0] is not None else None,
        expected=None if seen is None else seen.n,
        chance=chances[0],
        cautious_chance=chances[1],
        minutes=_times(needs, None if seen is None else seen.s_per_sample, 60),
        usd=_times(needs, None if seen is None else seen.usd_per_sample, 1),
        seen=seen,
        unknown=_unknown(seen, is_sampled=limit is not None or is_pace),
        anytime=_assume(limit, seen, scope) if scope.stopping is Stopping.ANYTIME else (),
    )


def _assume(limit: float | None, seen: Seen | None, scope: Scope) -> tuple[Assumed, ...]:
    """Return what to expect of builds that are perfect, good, as the last one, bad and broken."""
    if limit is None:
        return ()
    bounds = _bounds(limit, scope.alpha)
    shares = {0.0, limit / 2, min(2 * limit, 1.0), 1.0}
    if seen is not None and seen.kind is Origin.LIVE and seen.wrong is not None and seen.n:
        shares.add(seen.wrong / seen.n)
    return tuple(
        Assumed(
            wrong_share=share,
            mean_n=found.mean_n,
            kept=found.kept,
            broken=found.broken,
            most=found.most,
        )
        for share in sorted(shares)
        for found in (bounds.expect(share),)
    )


@lru_cache(maxsize=16)  # several criteria ask for the same share
def _bounds(limit: float, alpha: float) -> StoppingBounds:
    return StoppingBounds.of(limit, alpha, GIVEN_UP, first=LEAST)


def _needs(criterion: Threshold, scope: Scope) -> tuple[float | None, int | None]:
    """Return the rate of wrong samples that must be undercut, and the least number that can."""
    limit = wrong_share(criterion.condition)
    if limit is None or not 0 < limit < 1:
        return None, criterion.min_n or None
    return limit, samples_needed(1 - limit, scope.alpha, rule=scope.rule)


def _seen(criterion: Criterion, run: str, log: EvidenceLog, scope: Scope) -> Seen:
    """Return what a run says: how many samples, and how many of them were wrong."""
    finding = criterion.judge(log, scope)
    wrong = window_s = s_per_sample = usd_per_sample = None
    if isinstance(criterion, Threshold):
        excerpt = Excerpt(log, scope, criterion.layers, criterion.where)
        quantity = BY_NAME[criterion.condition.quantity]
        progress = progress_of(criterion, excerpt)
        if progress is not None:
            wrong = progress.wrong
        elif isinstance(quantity, PaceOf):
            window_s = quantity.read(excerpt).window_s
        if quantity.keys == CALL_KEYS and len(excerpt.calls) > 1 and finding.n:
            usd = mean_cost_usd(excerpt.calls, prices_of(log))
            calls_per_sample = len(excerpt.calls) / finding.n
            start_s = min(call.first.sent_s for call in excerpt.calls)
            took_s = max(call.last.ended_s for call in excerpt.calls) - start_s
            s_per_sample = took_s / finding.n
            usd_per_sample = None if usd is None else usd * calls_per_sample
    return Seen(
        run=run,
        kind=scope.kind,
        state=finding.state,
        n=finding.n,
        wrong=wrong,
        window_s=window_s,
        s_per_sample=s_per_sample,
        usd_per_sample=usd_per_sample,
    )


def _chances(
    criterion: Threshold, seen: Seen, limit: float | None, scope: Scope
) -> tuple[float | None, float | None]:
    """Return how likely as many samples again show it kept: at the rate seen, and cautiously."""
    if not seen.n:
        return None, None
    if seen.window_s is not None and seen.window_s > 0:
        if criterion.condition.operator.wants_low:
            return None, None
        least = least_pace_count(seen.window_s, criterion.condition.limit, scope.alpha, scope.rule)
        return chance_of_at_least(least, seen.n), None
    if limit is None or seen.wrong is None:
        return None, None
    allowed = most_under(seen.n, limit, scope.alpha, scope.rule)
    if allowed is None:
        return 0.0, 0.0
    at_rate = chance_of_at_most(allowed, seen.n, seen.wrong / seen.n)
    return at_rate, chance_to_stay_within(seen.wrong, seen.n, seen.n, allowed, fresh=True)


def _times(count: int | None, each: float | None, per: float) -> float | None:
    return None if count is None or each is None else count * each / per


def _unknown(seen: Seen | None, *, is_sampled: bool) -> tuple[str, ...]:
    if seen is None:
        return ("no earlier run has these layers: how many samples, minutes and dollars",)
    if is_sampled and seen.kind is not Origin.LIVE:
        return ("only a rehearsal was run, which says nothing about the API: how likely it is",)
    if is_sampled and not seen.n:
        return ("the earlier run gave no sample: how likely it is",)
    return ()

"""What is measured under load: samples in order, events that happen or do not, and paces."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from l9gate.criteria.excerpt import Excerpt
from l9gate.criteria.load_view import FAILURES, MADE_UP, LoadView
from l9gate.criteria.ranked import Ranked
from l9gate.criteria.readings import Pace, Reading
from l9gate.criteria.shortfall import calls_of_shards, cut_short, is_decided
from l9gate.evidence.load import CallEnd
from l9gate.measure.histogram import Histogram

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_CLOCK_DIGITS = 6  # differences of epoch times in doubles are exact to about half a microsecond
_REJECTIONS = (CallEnd.RATE_LIMITED, CallEnd.OVERLOADED)
Tally = tuple[int, int]  # how many of how many


def rank_latency(excerpt: Excerpt) -> Ranked:
    """Return how long whole answers took, from when the call was due; timeouts are +infinity."""
    return rank_latency_of(excerpt.load)


def rank_latency_of(view: LoadView) -> Ranked:
    """Return the same of a view."""
    return _ranked(view, "latency", lambda: _whole(view, view.ended_s - view.due_s))


def rank_lateness_of(view: LoadView) -> Ranked:
    """Return how late calls were sent, which nothing but the client decides."""
    return _ranked(view, "lateness", lambda: (view.sent_s - view.due_s)[view.is_counted])


def rank_service(excerpt: Excerpt) -> Ranked:
    """Return how long whole answers took, from when the call was sent; timeouts are +infinity."""
    view = excerpt.load
    return _ranked(view, "service", lambda: _whole(view, view.ended_s - view.sent_s))


def rank_ttft(excerpt: Excerpt) -> Ranked:
    """Return the seconds from due to first content of a stream; +infinity if none came in time."""
    view = excerpt.load
    return _ranked(view, "ttft", lambda: _first(view, view.first_token_s))


def rank_first_text(excerpt: Excerpt) -> Ranked:
    """Return the seconds from due to the first text of a stream that has text."""
    view = excerpt.load
    return _ranked(view, "first_text", lambda: _first(view, view.first_text_s))


def rank_gaps(excerpt: Excerpt) -> Ranked:
    """Return the seconds between content deltas; the gap in which a deadline fell is +infinity."""
    view = excerpt.load

    def values() -> "NDArray[np.float64]":
        import numpy as np

        counts, gaps = view.gaps()
        told = view.is_proven | view.is_timed_out
        open_gaps = int((view.is_timed_out & ~np.isnan(view.first_token_s)).sum())
        kept = gaps[np.repeat(told, counts)].astype(np.float64)
        return np.concatenate([kept, np.full(open_gaps, np.inf)])

    return _ranked(view, "gap", values)


def rank_stalls(excerpt: Excerpt) -> Ranked:
    """Return the longest gap of each stream; of one that a deadline ended it is +infinity."""
    view = excerpt.load

    def values() -> "NDArray[np.float64]":
        import numpy as np

        counts, gaps = view.gaps()
        has_gaps = counts > 0
        starts = np.concatenate([[0], np.cumsum(counts[has_gaps])[:-1]]).astype(np.int64)
        longest = np.zeros(len(counts))
        if len(gaps):
            longest[has_gaps] = np.maximum.reduceat(gaps.astype(np.float64), starts)
        began = view.is_timed_out & ~np.isnan(view.first_token_s)
        return np.concatenate([longest[view.is_proven & has_gaps], np.full(began.sum(), np.inf)])

    return _ranked(view, "stall", values)


def tally_error(excerpt: Excerpt) -> Tally:
    """Return how many calls ended in an error, of those that were sent."""
    beyond = excerpt.load.ends_beyond()
    failed = sum(beyond.get(end, 0) for end in FAILURES)
    return int(excerpt.load.is_failed.sum()) + failed, _sent(excerpt.load)


def tally_rejected(excerpt: Excerpt) -> Tally:
    """Return how many calls were turned away: 429 or 529."""
    return _tally(excerpt.load, _REJECTIONS)


def tally_timeout(excerpt: Excerpt) -> Tally:
    """Return how many calls a deadline ended."""
    return _tally(excerpt.load, (CallEnd.TIMED_OUT,))


def tally_degraded(excerpt: Excerpt) -> Tally:
    """Return how many operations of the application fell back, as it says itself."""
    return _tally(excerpt.load, (CallEnd.DEGRADED,))


def tally_cached(excerpt: Excerpt) -> Tally:
    """Return how many operations the application answered without a call, as it says itself."""
    return _tally(excerpt.load, (CallEnd.CACHED,))


def read_calls(excerpt: Excerpt) -> Reading:
    """Return how many calls were sent; `where.end` picks those that ended so."""
    sent = _sent(excerpt.load)
    any_sent = bool(excerpt.load_log.view(excerpt.scope.kind, _whole_arm(excerpt)).own_blocks)
    return Reading(value=float(sent) if any_sent else None, n=sent)


def read_load_pace(excerpt: Excerpt) -> Pace:
    """Return the whole answers and the time from the first call sent to the last one ended."""
    view = excerpt.load
    proven = view.is_proven
    count = int(proven.sum()) + view.ends_beyond().get(CallEnd.OK, 0)
    if not count:
        return Pace(count=0, window_s=0.0)
    sent = view.is_counted
    starts = [float(view.sent_s[sent].min())] if sent.any() else []
    ends = [float(view.ended_s[sent].max())] if sent.any() else []
    starts += [one.since_s for one in view.slices]
    ends += [one.until_s for one in view.slices]
    return Pace(count=count, window_s=round(max(ends) - min(starts), _CLOCK_DIGITS))


def read_sent_share(excerpt: Excerpt) -> Reading:
    """Return sent calls by planned ones; a closed loop plans as many as it sends."""
    span = excerpt.where.get("span")
    plans = [one for one in excerpt.load_log.plans if span in (None, one.span)]
    if not plans:
        return Reading(value=None, n=0, note="nothing was planned")
    open_ends = [
        why for one in {plan.span for plan in plans} for why in cut_short(one, excerpt.log)
    ]
    if open_ends:  # missing evidence, of which nobody knows what it would have shown
        return Reading(value=None, n=0, note="; ".join(sorted(open_ends)))
    sent = calls_of_shards(excerpt.log)
    of_plans = {(one.span, one.shard): one.planned for one in plans}
    if is_decided(excerpt.log):  # what is planned beyond a decision was not due
        of_plans = dict.fromkeys(of_plans)
    planned = sum(
        sent.get(shard, 0) if count is None else count for shard, count in of_plans.items()
    )
    done = sum(
        min(sent.get(shard, 0), sent.get(shard, 0) if count is None else count)
        for shard, count in of_plans.items()
    )
    note = None if done == planned else f"{planned - done:,} of {planned:,} calls were never sent"
    return Reading(value=done / planned if planned else None, n=planned, note=note)


def _whole_arm(excerpt: Excerpt) -> dict[str, str]:
    return {key: value for key, value in excerpt.where.items() if key != "end"}


def _sent(view: LoadView) -> int:
    beyond = sum(count for end, count in view.ends_beyond().items() if end is not CallEnd.NOT_PAID)
    return int(view.is_counted.sum()) + beyond


def _tally(view: LoadView, ends: tuple[CallEnd, ...]) -> Tally:
    import numpy as np

    among = view.is_sent if set(ends) <= set(MADE_UP) else view.is_counted
    rows = int((np.isin(view.ends, [int(end) for end in ends]) & among).sum())
    beyond = view.ends_beyond()
    total = sum(count for end, count in beyond.items() if end is not CallEnd.NOT_PAID)
    return rows + sum(beyond.get(end, 0) for end in ends), int(among.sum()) + total


def _whole(view: LoadView, took_s: "NDArray[np.float64]") -> "NDArray[np.float64]":
    """Return the durations of whole answers, and +infinity for every timeout."""
    import numpy as np

    return np.concatenate([took_s[view.is_proven], np.full(int(view.is_timed_out.sum()), np.inf)])


def _first(view: LoadView, at_s: "NDArray[np.float64]") -> "NDArray[np.float64]":
    """Return from due to a first of something in streams; what did not come in time never came."""
    import numpy as np

    came = view.is_stream & ~np.isnan(at_s) & (view.is_proven | view.is_timed_out)
    never = view.is_stream & np.isnan(at_s) & view.is_timed_out
    return np.concatenate([(at_s - view.due_s)[came], np.full(int(never.sum()), np.inf)])


def _ranked(view: LoadView, name: str, values: "Callable[[], NDArray[np.float64]]") -> Ranked:
    """Return the sample of that name in order, histograms included; it is put in order once."""
    import numpy as np

    if name in view.ranked:
        return view.ranked[name]
    merged = Histogram()
    infinite = 0
    for one in view.slices:
        if one.quantity == name and view.may_end(CallEnd.OK):
            merged.merge(Histogram.from_hdr(one.counts))
        if one.quantity == name and view.may_end(CallEnd.TIMED_OUT):
            infinite += one.infinite
    edges, counts = merged.steps() if view.slices else (None, None)
    view.ranked[name] = Ranked(
        np.round(values(), _CLOCK_DIGITS), edges=edges, counts=counts, infinite=infinite
    )
    return view.ranked[name]

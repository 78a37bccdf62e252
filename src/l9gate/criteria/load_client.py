"""Whether the load client itself kept up: a late or busy client measures itself."""

from l9gate.criteria.excerpt import Excerpt
from l9gate.criteria.load_samples import rank_latency_of, rank_lateness_of
from l9gate.criteria.load_view import LoadView
from l9gate.criteria.readings import Reading
from l9gate.evidence.load import ClientCheck, Entry
from l9gate.measure.intervals import nearest_rank

THE_CLIENT = "the client, not the API, was the limit"
MORE_PROCESSES = "more processes (--workers), or a lower --rate"
LESS_AT_ONCE = "a lower --rate: the application shares its process with the load"
MAX_CPU_SHARE = 0.85  # of its core; beyond it queues grow in the client
MAX_LAG_SHARE = 0.05  # of the p99 that it reports


def read_cpu_share(excerpt: Excerpt) -> Reading:
    """Return how busy the core of the client was in its worst stretch."""
    checks = _checks_of(excerpt)
    return Reading(value=max((one.cpu_share for one in checks), default=None), n=len(checks))


def read_lag_share(excerpt: Excerpt) -> Reading:
    """Return the client's worst lag by the p99 that is reported; None if none is."""
    checks = _checks_of(excerpt)
    span = excerpt.where.get("span")
    view = excerpt.load_log.view(excerpt.scope.kind, {} if span is None else {"span": span})
    lag_s, p99_s = _lag_s(checks, view), _p99_s(view)
    share = None if lag_s is None or not p99_s else lag_s / p99_s
    return Reading(value=share, n=len(checks))


def why_limited(excerpt: Excerpt) -> str | None:
    """Return why what was measured says more of the client than of the API; None if it does not.

    A client that nobody watched may have been the limit as well.
    """
    for span in sorted(excerpt.load.spans):
        checks = [one for one in excerpt.load_log.checks if one.span == span]
        if not checks:
            return f"nobody watched whether {THE_CLIENT}"
        busiest = max(one.cpu_share for one in checks)
        if busiest > MAX_CPU_SHARE:
            return f"{THE_CLIENT}: its core was {busiest:.0%} busy"
        view = excerpt.load_log.view(excerpt.scope.kind, {"span": span})
        lag_s, p99_s = _lag_s(checks, view), _p99_s(view)
        if p99_s is not None and lag_s is not None and lag_s > MAX_LAG_SHARE * p99_s:
            return f"{THE_CLIENT}: it was {1000 * lag_s:.3g} ms late, the p99 is {p99_s:.3g} s"
    return None


def what_to_do(excerpt: Excerpt) -> str:
    """Return what helps a client that was the limit."""
    spans = excerpt.load.spans
    entries = {one.entry for one in excerpt.load_log.plans if one.span in spans}
    return MORE_PROCESSES if entries <= {Entry.WIRE} else LESS_AT_ONCE


def _checks_of(excerpt: Excerpt) -> list[ClientCheck]:
    span = excerpt.where.get("span")
    return [one for one in excerpt.load_log.checks if span in (None, one.span)]


def _lag_s(checks: list[ClientCheck], view: LoadView) -> float | None:
    """Return the p99 of how late the client was: of its schedule, or of its loop at worst.

    Each call says how late it was sent; only those that merely histograms count leave the checks,
    whose p99 of a few calls is little more than the latest one.
    """
    if not checks:
        return None
    schedule_s = [one.schedule_lag_p99_s for one in checks] if view.slices else [_late_s(view)]
    return max(*schedule_s, *(one.loop_lag_p99_s for one in checks))


def _late_s(view: LoadView) -> float:
    """Return the p99 of how late single calls were sent."""
    late_s = rank_lateness_of(view)
    return nearest_rank(late_s, 0.99) if len(late_s) else 0.0


def _p99_s(view: LoadView) -> float | None:
    """Return the p99 of the main arm, in seconds; None without an answer or timeout.

    Where that is a timeout, it is the longest answer, or else the longest wait: no lag would be
    much beside infinity.
    """
    ranked = rank_latency_of(view)
    finite = len(ranked) - ranked.count_infinite()
    if finite:
        return min(nearest_rank(ranked, 0.99), ranked[finite - 1])
    waited_s = (view.ended_s - view.due_s)[view.is_timed_out]
    return float(waited_s.max()) if len(waited_s) else None

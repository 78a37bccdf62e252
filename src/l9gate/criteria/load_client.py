"""Whether the load client itself kept up: a late or busy client measures itself."""

from collections.abc import Callable, Iterable

from l9gate.criteria.excerpt import Excerpt
from l9gate.criteria.load_samples import rank_latency_of
from l9gate.criteria.load_view import LoadView
from l9gate.criteria.readings import Reading
from l9gate.evidence.load import ClientCheck
from l9gate.measure.intervals import nearest_rank

THE_CLIENT = "the client, not the API, was the limit"
WHAT_TO_DO = "share the load among processes: --workers 2 or more, or a lower --rate"
MAX_CPU_SHARE = 0.85  # of its core; beyond it queues grow in the client
MAX_LAG_SHARE = 0.05  # of the p99 that it reports


def read_cpu_share(excerpt: Excerpt) -> Reading:
    """Return how busy the core of the client was in its worst stretch."""
    checks = _checks_of(excerpt)
    return Reading(value=_worst(checks, lambda one: one.cpu_share), n=len(checks))


def read_lag_share(excerpt: Excerpt) -> Reading:
    """Return the client's worst lag by the p99 that is reported; None if none is."""
    checks = _checks_of(excerpt)
    lag_s, p99_s = _worst(checks, _lag_s), _p99_s(excerpt.load_log.view(excerpt.scope.kind, {}))
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
        lag_s = max(_lag_s(one) for one in checks)
        p99_s = _p99_s(excerpt.load_log.view(excerpt.scope.kind, {"span": span}))
        if p99_s is not None and lag_s > MAX_LAG_SHARE * p99_s:
            return f"{THE_CLIENT}: it was {1000 * lag_s:.3g} ms late, the p99 is {p99_s:.3g} s"
    return None


def _checks_of(excerpt: Excerpt) -> list[ClientCheck]:
    span = excerpt.where.get("span")
    return [one for one in excerpt.load_log.checks if span in (None, one.span)]


def _worst(checks: Iterable[ClientCheck], number: Callable[[ClientCheck], float]) -> float | None:
    return max(map(number, checks), default=None)


def _lag_s(check: ClientCheck) -> float:
    return max(check.schedule_lag_p99_s, check.loop_lag_p99_s)


def _p99_s(view: LoadView) -> float | None:
    """Return the p99 of the main arm, in seconds; None without a whole answer."""
    ranked = rank_latency_of(view)
    return nearest_rank(ranked, 0.99) if len(ranked) else None

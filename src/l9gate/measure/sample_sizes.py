"""How many samples, or seconds, decide something, and how likely it is that they do.

Whatever is asked can be asked of both rules: of a size that is fixed before, which is the default,
and of one that is looked at until it decides, which takes more.
"""

import math
from collections.abc import Callable

from l9gate.measure.intervals import FIXED, Rule, most_under
from l9gate.measure.tails import chance_of_at_most

SEARCH_LIMIT = 10_000_000


def samples_needed(q: float, alpha: float, exceedances: int = 0, rule: Rule = FIXED) -> int:
    """Return the least n that shows a quantile under its limit with so many values beyond it."""
    least = _least(lambda n: rule.is_under(exceedances, n, 1 - q, alpha), exceedances + 1)
    if least is None:
        raise ValueError(f"no sample of {SEARCH_LIMIT} shows the quantile {q}")
    return least


def samples_to_decide(k: int, n: int, limit: float, alpha: float, rule: Rule = FIXED) -> int | None:
    """Return the total n at which a rate seen as `k` of `n` would be decided against `limit`.

    It assumes that the rate goes on as seen; None if it is at the limit, or too close to it for
    ten million samples.
    """
    share = k / n if n else 0.0

    def shows_above(total: int) -> bool:
        return rule.is_under(total - math.floor(share * total), total, 1 - limit, alpha)

    def shows_below(total: int) -> bool:
        return rule.is_under(math.ceil(share * total), total, limit, alpha)

    if share == limit:
        return None
    return _least(shows_above if share > limit else shows_below, max(n, 1))


def window_to_decide(
    count: int, window_s: float, limit: float, alpha: float, rule: Rule = FIXED
) -> float | None:
    """Return the seconds in all after which a pace seen as `count` in `window_s` is decided.

    It assumes that the pace goes on as seen; None if it is at the limit or nothing was seen.
    """
    pace = count / window_s if window_s > 0 else 0.0

    def shows(total: int) -> bool:
        if pace > limit:
            return rule.pace_lower(total, total / pace, alpha) > limit
        return rule.pace_upper(total, total / pace, alpha) < limit

    if pace in (0.0, limit):
        return None
    total = _least(shows, max(count, 1))
    return None if total is None else total / pace


def chance_to_stay_within(
    k: int, n: int, total: int, allowed: int | None, *, fresh: bool = False
) -> float:
    """Return how likely at most so many of `total` are, at a rate seen as `k` of `n`.

    The rate is not known, so the chance averages over its Jeffreys posterior (a beta-binomial).

    Args:
        k: events seen.
        n: samples seen.
        total: samples that will be judged.
        allowed: the most that are wanted; None where even none is too many.
        fresh: none of those seen is among them, as in another run.
    """
    import numpy as np
    from scipy.special import betaln

    counted = 0 if fresh else k
    if allowed is None or allowed < counted:
        return 0.0
    more, a, b = total if fresh else total - n, k + 0.5, n - k + 0.5
    further = np.arange(min(allowed - counted, more) + 1)
    ways = -betaln(further + 1, more - further + 1) - np.log(more + 1)
    weights = betaln(further + a, more - further + b) - betaln(a, b)
    return min(float(np.exp(ways + weights).sum()), 1.0)


def chance_of_at_least(count: int, mean: float) -> float:
    """Return how likely at least `count` events are where `mean` are expected (Poisson)."""
    from scipy.special import pdtrc

    return 1.0 if count <= 0 else float(pdtrc(count - 1, mean))


def least_pace_count(window_s: float, limit: float, alpha: float, rule: Rule = FIXED) -> int:
    """Return the least number of events in a window that shows a pace above `limit`."""
    least = _least(lambda count: rule.pace_lower(count, window_s, alpha) > limit, 1)
    return SEARCH_LIMIT if least is None else least


def samples_to_be_likely(
    rate: float, limit: float, alpha: float, likely: float, rule: Rule = FIXED
) -> int | None:
    """Return the n at which a known rate is shown under `limit` with a probability of `likely`.

    It rises and falls a little with n: this is where it first holds, to within that. None if the
    rate is at the limit or above, or too close to it for ten million samples.
    """

    def is_likely(n: int) -> bool:
        allowed = most_under(n, limit, alpha, rule)
        return allowed is not None and chance_of_at_most(allowed, n, rate) >= likely

    return None if rate >= limit else _least(is_likely, 1)


def _least(shows: Callable[[int], bool], start: int) -> int | None:
    """Return the least n >= start that shows it, by doubling and halving."""
    high = start
    while not shows(high):
        high *= 2
        if high > SEARCH_LIMIT:
            return None
    low = max(high // 2, start - 1)
    while low + 1 < high:
        middle = (low + high) // 2
        low, high = (low, middle) if shows(middle) else (middle, high)
    return high

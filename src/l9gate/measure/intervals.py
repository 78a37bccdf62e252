"""Exact one-sided intervals for rates, quantiles and paces, and the samples that they need.

Every bound is exact: it is wrong at most `alpha` of the time, never only on average. Rates follow
Clopper & Pearson (1934), quantiles the order statistics of Wilks (1941), paces Garwood (1936).
scipy is imported where it is used, since `l9gate --help` must not wait for it, and only its special
functions: `scipy.stats` gives the same numbers for three times the start-up and twice the memory.
"""

import math
from collections.abc import Callable, Sequence

SEARCH_LIMIT = 10_000_000


def nearest_rank(ordered: Sequence[float], q: float) -> float:
    """Return the smallest value that at least a share `q` of a sorted sample does not exceed.

    Raises:
        ValueError: the sample is empty or `q` is not in (0, 1].
    """
    if not ordered or not 0 < q <= 1:
        raise ValueError(f"no rank: n={len(ordered)}, q={q}")
    rank = math.ceil(round(q * len(ordered), 9))
    return ordered[max(rank, 1) - 1]


def rate_lower(k: int, n: int, alpha: float) -> float:
    """Return the Clopper-Pearson lower bound of a rate after `k` of `n`; 0 for an empty sample."""
    from scipy.special import betaincinv

    return 0.0 if k == 0 else float(betaincinv(k, n - k + 1, alpha))


def rate_upper(k: int, n: int, alpha: float) -> float:
    """Return the Clopper-Pearson upper bound of a rate after `k` of `n`; 1 for an empty sample."""
    from scipy.special import betaincinv

    return 1.0 if k == n else float(betaincinv(k + 1, n - k, 1 - alpha))


def pace_lower(count: int, window_s: float, alpha: float) -> float:
    """Return the Garwood lower bound, per second, of a pace after `count` events."""
    from scipy.special import gammaincinv

    return 0.0 if count == 0 else float(gammaincinv(count, alpha)) / window_s


def pace_upper(count: int, window_s: float, alpha: float) -> float:
    """Return the Garwood upper bound, per second, of a pace after `count` events."""
    from scipy.special import gammaincinv

    return float(gammaincinv(count + 1, 1 - alpha)) / window_s


def most_under(n: int, limit: float, alpha: float) -> int | None:
    """Return the largest k of `n` whose rate is shown under `limit`; None if there is none."""
    low, high = -1, n
    while low + 1 < high:
        middle = (low + high) // 2
        low, high = (middle, high) if _at_most(middle, n, limit) <= alpha else (low, middle)
    return low if low >= 0 else None


def quantile_upper_rank(n: int, q: float, alpha: float) -> int | None:
    """Return the 1-based rank that bounds the quantile from above; None if `n` is too small."""
    beyond = most_under(n, 1 - q, alpha)
    return None if beyond is None else n - beyond


def quantile_lower_rank(n: int, q: float, alpha: float) -> int | None:
    """Return the 1-based rank that bounds the quantile from below; None if `n` is too small."""
    below = most_under(n, q, alpha)
    return None if below is None else below + 1


def quantile_bounds(
    ordered: Sequence[float], q: float, alpha: float
) -> tuple[float | None, float | None]:
    """Return lower and upper bound of a quantile of a sorted sample; None where n is too small.

    Entries may be +infinity, which stands for a value known only to be longer.
    """
    low = quantile_lower_rank(len(ordered), q, alpha)
    high = quantile_upper_rank(len(ordered), q, alpha)
    return (
        None if low is None else ordered[low - 1],
        None if high is None else ordered[high - 1],
    )


def samples_needed(q: float, alpha: float, exceedances: int = 0) -> int:
    """Return the least n that shows a quantile under its limit with so many values beyond it."""
    least = _least(lambda n: _at_most(exceedances, n, 1 - q) <= alpha, exceedances + 1)
    if least is None:
        raise ValueError(f"no sample of {SEARCH_LIMIT} shows the quantile {q}")
    return least


def samples_to_decide(k: int, n: int, limit: float, alpha: float) -> int | None:
    """Return the total n at which a rate seen as `k` of `n` would be decided against `limit`.

    It assumes that the rate goes on as seen; None if it is at the limit, or too close to it for
    ten million samples.
    """
    share = k / n if n else 0.0

    def shows_above(total: int) -> bool:
        return rate_lower(math.floor(share * total), total, alpha) > limit

    def shows_below(total: int) -> bool:
        return rate_upper(math.ceil(share * total), total, alpha) < limit

    if share == limit:
        return None
    return _least(shows_above if share > limit else shows_below, max(n, 1))


def window_to_decide(count: int, window_s: float, limit: float, alpha: float) -> float | None:
    """Return the seconds in all after which a pace seen as `count` in `window_s` is decided.

    It assumes that the pace goes on as seen; None if it is at the limit or nothing was seen.
    """
    pace = count / window_s if window_s > 0 else 0.0

    def shows(total: int) -> bool:
        if pace > limit:
            return pace_lower(total, total / pace, alpha) > limit
        return pace_upper(total, total / pace, alpha) < limit

    if pace in (0.0, limit):
        return None
    total = _least(shows, max(count, 1))
    return None if total is None else total / pace


def chance_to_stay_under(
    k: int, n: int, total: int, limit: float, alpha: float, *, fresh: bool = False
) -> float:
    """Return how likely a rate seen as `k` of `n` is shown under `limit` once there are `total`.

    The rate is not known, so the chance averages over its Jeffreys posterior (a beta-binomial).

    Args:
        k: events seen.
        n: samples seen.
        total: samples that will be judged.
        limit: of the rate.
        alpha: the risk of a wrong bound.
        fresh: none of those seen is among them, as in another run.
    """
    import numpy as np
    from scipy.special import betaln

    allowed = most_under(total, limit, alpha)
    counted = 0 if fresh else k
    if allowed is None or allowed < counted:
        return 0.0
    more, a, b = total if fresh else total - n, k + 0.5, n - k + 0.5
    further = np.arange(min(allowed - counted, more) + 1)
    ways = -betaln(further + 1, more - further + 1) - np.log(more + 1)
    weights = betaln(further + a, more - further + b) - betaln(a, b)
    return min(float(np.exp(ways + weights).sum()), 1.0)


def chance_of_at_most(k: int, n: int, rate: float) -> float:
    """Return how likely at most `k` of `n` are, each at a known rate."""
    return 1.0 if k >= n else _at_most(k, n, rate)


def chance_of_at_least(count: int, mean: float) -> float:
    """Return how likely at least `count` events are where `mean` are expected (Poisson)."""
    from scipy.special import pdtrc

    return 1.0 if count <= 0 else float(pdtrc(count - 1, mean))


def least_pace_count(window_s: float, limit: float, alpha: float) -> int:
    """Return the least number of events in a window that shows a pace above `limit`."""
    least = _least(lambda count: pace_lower(count, window_s, alpha) > limit, 1)
    return SEARCH_LIMIT if least is None else least


def samples_to_be_likely(rate: float, limit: float, alpha: float, likely: float) -> int | None:
    """Return the n at which a known rate is shown under `limit` with a probability of `likely`.

    It rises and falls a little with n: this is where it first holds, to within that. None if the
    rate is at the limit or above, or too close to it for ten million samples.
    """

    def is_likely(n: int) -> bool:
        allowed = most_under(n, limit, alpha)
        return allowed is not None and chance_of_at_most(allowed, n, rate) >= likely

    return None if rate >= limit else _least(is_likely, 1)


def _at_most(k: int, n: int, p: float) -> float:
    """Return the binomial chance of at most `k` of `n`."""
    from scipy.special import bdtr

    return float(bdtr(k, n, p))


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

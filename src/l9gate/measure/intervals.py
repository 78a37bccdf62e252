"""Exact one-sided intervals for rates, quantiles and paces.

Every bound is exact: it is wrong at most `alpha` of the time, never only on average. Rates follow
Clopper & Pearson (1934), quantiles the order statistics of Wilks (1941), paces Garwood (1936).
scipy is imported where it is used, since `l9gate --help` must not wait for it, and only its special
functions: `scipy.stats` gives the same numbers for three times the start-up and twice the memory.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from l9gate.measure.tails import chance_of_at_most


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


def is_under(k: int, n: int, limit: float, alpha: float) -> bool:
    """Whether `k` of `n` show a rate under `limit`, at the risk alpha."""
    return chance_of_at_most(k, n, limit) <= alpha


@dataclass(frozen=True, slots=True)
class Rule:
    """How bounds are drawn: exact for a size that was fixed before, or valid at any time."""

    rate_lower: Callable[[int, int, float], float]  # of k of n at alpha
    rate_upper: Callable[[int, int, float], float]
    pace_lower: Callable[[int, float, float], float]  # of a count in a window at alpha
    pace_upper: Callable[[int, float, float], float]
    is_under: Callable[[int, int, float, float], bool]  # k of n, a limit, at alpha


FIXED = Rule(rate_lower, rate_upper, pace_lower, pace_upper, is_under)


def most_under(n: int, limit: float, alpha: float, rule: Rule = FIXED) -> int | None:
    """Return the largest k of `n` whose rate is shown under `limit`; None if there is none."""
    low, high = -1, n
    while low + 1 < high:
        middle = (low + high) // 2
        is_shown = rule.is_under(middle, n, limit, alpha)
        low, high = (middle, high) if is_shown else (low, middle)
    return low if low >= 0 else None


def quantile_upper_rank(n: int, q: float, alpha: float, rule: Rule = FIXED) -> int | None:
    """Return the 1-based rank that bounds the quantile from above; None if `n` is too small."""
    beyond = most_under(n, 1 - q, alpha, rule)
    return None if beyond is None else n - beyond


def quantile_lower_rank(n: int, q: float, alpha: float, rule: Rule = FIXED) -> int | None:
    """Return the 1-based rank that bounds the quantile from below; None if `n` is too small."""
    below = most_under(n, q, alpha, rule)
    return None if below is None else below + 1


def quantile_bounds(
    ordered: Sequence[float], q: float, alpha: float, rule: Rule = FIXED
) -> tuple[float | None, float | None]:
    """Return lower and upper bound of a quantile of a sorted sample; None where n is too small.

    Entries may be +infinity, which stands for a value known only to be longer.
    """
    low = quantile_lower_rank(len(ordered), q, alpha, rule)
    high = quantile_upper_rank(len(ordered), q, alpha, rule)
    return (
        None if low is None else ordered[low - 1],
        None if high is None else ordered[high - 1],
    )

"""Bounds and decisions that stay valid however often, and whenever, one looks at the data.

A sample that is judged again after every value, until it says what one hopes for, breaks the risk
of exact intervals. Here evidence against a limit is the likelihood of the data, averaged over all
rates beyond the limit, divided by their likelihood at the limit. Where the limit is kept its mean
never exceeds 1, so it ever reaches 1 / alpha with a probability of at most alpha (Ville 1939;
Howard, Ramdas, McAuliffe & Sekhon 2021). The average is uniform, so it is an incomplete beta, or
gamma, function of two tallies: nothing is kept, and a look costs the same after a million values.
"""

import math
from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING

from l9gate.measure.intervals import FIXED, Rule
from l9gate.measure.tails import log_chance_of_at_most

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

HALVINGS = 60  # of an interval of rates: to the last bit of a double


class Stopping(StrEnum):
    """When a measurement may be judged."""

    FIXED = "fixed"  # once, at its end
    ANYTIME = "anytime"  # whenever somebody looks, so that it may stop when it is decided


def evidence_above(k: int, n: int, limit: float) -> float:
    """Return the logarithm of the evidence that a rate seen as `k` of `n` is above a limit.

    It is shown at the risk alpha as soon as this reaches ln(1 / alpha).
    """
    if limit >= 1:  # no rate is above it
        return -math.inf
    if limit <= 0 < k:
        return math.inf
    misses = n - k
    averaged = math.lgamma(k + 1) + math.lgamma(misses + 1) - math.lgamma(n + 2)
    averaged += log_chance_of_at_most(k, n + 1, limit) - math.log1p(-limit)
    return averaged - (k * math.log(limit) if k else 0.0) - misses * math.log1p(-limit)


def evidence_below(k: int, n: int, limit: float) -> float:
    """Return the logarithm of the evidence that a rate seen as `k` of `n` is below a limit."""
    return evidence_above(n - k, n, 1 - limit)


def evidence_above_each(
    k: "NDArray[np.int64] | int", n: "NDArray[np.int64] | int", limit: float
) -> "NDArray[np.float64]":
    """Return `evidence_above` of every pair of tallies, by scipy; -inf below any double."""
    import numpy as np
    from scipy.special import betaincc, betaln, xlog1py, xlogy

    hits, misses = np.asarray(k, dtype=np.float64), np.asarray(n, dtype=np.float64) - k
    if limit >= 1:  # no rate is above it
        return np.full(np.broadcast(hits, misses).shape, -np.inf)
    with np.errstate(divide="ignore"):  # a rate so far below that the average is 0
        averaged = betaln(hits + 1, misses + 1) + np.log(betaincc(hits + 1, misses + 1, limit))
    at_limit = xlogy(hits, limit) + xlog1py(misses, -limit)
    evidence: NDArray[np.float64] = averaged - math.log1p(-limit) - at_limit
    return evidence


def rate_lower_anytime(k: int, n: int, alpha: float) -> float:
    """Return a lower bound of a rate after `k` of `n`; with the risk alpha it is ever too high."""
    if k == 0:
        return 0.0
    enough = -math.log(alpha)
    return _last(lambda rate: evidence_above(k, n, rate) >= enough, 0.0, k / n)


def rate_upper_anytime(k: int, n: int, alpha: float) -> float:
    """Return an upper bound of a rate after `k` of `n`; with the risk alpha it is ever too low."""
    return 1 - rate_lower_anytime(n - k, n, alpha)


def is_under_anytime(k: int, n: int, limit: float, alpha: float) -> bool:
    """Whether `k` of `n` show a rate under `limit`; with the risk alpha they ever do wrongly."""
    return evidence_below(k, n, limit) >= -math.log(alpha)


def pace_evidence_above(count: int, expected: float) -> float:
    """Return the logarithm of the evidence that a pace is above the limit at which so many come.

    Args:
        count: events seen.
        expected: events that the limit allows in the time that was watched.
    """
    from scipy.special import gammaincc, gammaln

    # The ratio of the pace to its limit is averaged over 1 + an exponential variable of mean 1.
    share = float(gammaincc(count + 1, expected + 1))
    if share == 0:
        return -math.inf
    total = expected + 1
    return total + float(gammaln(count + 1)) + math.log(share) - (count + 1) * math.log(total)


def pace_evidence_below(count: int, expected: float) -> float:
    """Return the logarithm of the evidence that a pace is below the limit at which so many come."""
    from scipy.special import gammainc, gammaln

    share = float(gammainc(count + 1, expected))
    if share == 0:
        return -math.inf
    return expected + float(gammaln(count + 1)) + math.log(share) - (count + 1) * math.log(expected)


def pace_lower_anytime(count: int, window_s: float, alpha: float) -> float:
    """Return a lower bound, per second, of a pace after `count` events, valid at any time."""
    if count == 0:
        return 0.0
    enough = -math.log(alpha)
    expected = _last(lambda mean: pace_evidence_above(count, mean) >= enough, 0.0, float(count))
    return expected / window_s


def pace_upper_anytime(count: int, window_s: float, alpha: float) -> float:
    """Return an upper bound, per second, of a pace after `count` events, valid at any time."""
    enough = -math.log(alpha)
    high = 2.0 * count + 1
    while pace_evidence_below(count, high) < enough:
        high *= 2
    lowest = -_last(lambda mean: pace_evidence_below(count, -mean) >= enough, -high, -float(count))
    return lowest / window_s


def _last(is_shown: Callable[[float], bool], low: float, high: float) -> float:
    """Return the last place between two where something is shown that is not shown beyond it."""
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if is_shown(middle) else (low, middle)
    return low


ANYTIME = Rule(
    rate_lower=rate_lower_anytime,
    rate_upper=rate_upper_anytime,
    pace_lower=pace_lower_anytime,
    pace_upper=pace_upper_anytime,
    is_under=is_under_anytime,
)
RULES = {Stopping.FIXED: FIXED, Stopping.ANYTIME: ANYTIME}

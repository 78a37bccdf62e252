"""Intervals for samples that come in clusters: bursts, sessions, repeats of one question.

Requests of one burst share their fate, so a hundred of them say less than a hundred requests spread
over a day. How much less is told by the intraclass correlation of "wrong or not". Where it is
nothing the exact intervals hold. Else whole clusters are drawn again (Field & Welsh, JRSS-B 69:369,
2007), with percentiles widened for few clusters (Hesterberg 2015), and the bound is never closer
than the exact one of as many independent samples as would tell as much (Korn & Graubard 1998).

Both need clusters in which something was wrong, and clusters in which something was not. Below 20
of either the correlation is a guess, and the bootstrap is refused: each cluster counts as one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from l9gate.measure.intervals import FIXED, Rule, nearest_rank, rate_lower, rate_upper

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LEAST_CLUSTERS = 20  # with either outcome; benchmarks/interval_coverage.py shows what for
RESAMPLES = 1000
ALONE = 1.1  # a design effect up to this is what independent samples show by chance


class Method(StrEnum):
    """How bounds were drawn."""

    EXACT = "exact"  # the clusters make no difference
    BOOTSTRAP = "bootstrap"  # whole clusters were drawn again
    WHOLE = "whole clusters"  # too few to tell: each counts as one


@dataclass(frozen=True, slots=True, kw_only=True)
class Clustering:
    """How much samples in clusters tell."""

    n: int
    clusters: int
    correlation: float  # intraclass, of one sample with another of its cluster; never below 0
    design_effect: float  # how many such samples tell as much as one independent sample

    @property
    def effective_n(self) -> float:
        """How many independent samples would tell as much."""
        return self.n / self.design_effect


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusteredBounds:
    """One-sided bounds of a sample in clusters, and how they were drawn."""

    low: float | None
    high: float | None
    method: Method
    clustering: Clustering


class Clusters:
    """A sample in clusters of about equal size, which is asked for bounds."""

    def __init__(self, clusters: Sequence[int], *, seed: int = 1) -> None:
        """Take the number of the cluster of each sample.

        Raises:
            ValueError: there is no sample.
        """
        import numpy as np

        if len(clusters) == 0:
            raise ValueError("no cluster: there are no samples")
        _, self._index = np.unique(np.asarray(clusters), return_inverse=True)
        self._sizes = np.bincount(self._index).astype(np.float64)
        count = len(self._sizes)
        chance = np.random.default_rng(seed)
        drawn = chance.multinomial(count, np.full(count, 1 / count), size=RESAMPLES)
        self._drawn: NDArray[np.float64] = drawn.astype(np.float64)
        self._drawn_sizes = self._drawn @ self._sizes

    def describe(self, events: "Sequence[bool] | NDArray[np.bool_]") -> Clustering:
        """Return how strongly events go with their clusters, by the analysis of variance.

        Raises:
            ValueError: there are not as many events as samples.
        """
        return self._describe(self._hits(events))

    def rate_bounds(
        self, events: "Sequence[bool] | NDArray[np.bool_]", alpha: float, rule: Rule = FIXED
    ) -> ClusteredBounds:
        """Return bounds of the rate at which something happens.

        Only whole clusters can be looked at more than once, so another rule than `FIXED` takes each
        of them for one.

        Raises:
            ValueError: there are not as many events as samples.
        """
        import numpy as np

        hits = self._hits(events)
        found, count = self._describe(hits), len(self._sizes)
        touched, spared = int((hits > 0).sum()), int((hits < self._sizes).sum())
        if rule is not FIXED or min(touched, spared) < LEAST_CLUSTERS:
            # A rate is at most the chance that a cluster has any, at least that it has nothing else
            low = rule.rate_lower(count - spared, count, alpha)
            high = rule.rate_upper(touched, count, alpha)
            return ClusteredBounds(low=low, high=high, method=Method.WHOLE, clustering=found)
        k = round(float(hits.sum()))
        if found.design_effect <= ALONE:
            low, high = rate_lower(k, found.n, alpha), rate_upper(k, found.n, alpha)
            return ClusteredBounds(low=low, high=high, method=Method.EXACT, clustering=found)
        low, high = _effective_bounds(k / found.n, found, alpha)
        level = _level(count, alpha)
        rates = (self._drawn @ hits) / self._drawn_sizes
        again_low, again_high = np.quantile(rates, (level, 1 - level))
        return ClusteredBounds(
            low=min(low, float(again_low)),
            high=max(high, float(again_high)),
            method=Method.BOOTSTRAP,
            clustering=found,
        )

    def quantile_bounds(
        self, values: Sequence[float], q: float, alpha: float, rule: Rule = FIXED
    ) -> ClusteredBounds:
        """Return bounds of a quantile: values that the rate beyond them is shown under, or above.

        Raises:
            ValueError: there are not as many values as samples.
        """
        import numpy as np

        data = np.asarray(values, dtype=np.float64)
        ordered = np.sort(data)
        middle = self.rate_bounds(data > nearest_rank(ordered.tolist(), q), alpha, rule)

        def shows_under(place: int) -> bool:
            high = self.rate_bounds(data > ordered[place], alpha, rule).high
            return high is not None and high < 1 - q

        def shows_above(place: int) -> bool:
            low = self.rate_bounds(data >= ordered[place], alpha, rule).low
            return low is not None and low > 1 - q

        count = len(ordered)
        least = _first(shows_under, count)
        most = count - 1 - _first(lambda place: shows_above(count - 1 - place), count)
        return ClusteredBounds(
            low=float(ordered[most]) if most >= 0 else None,
            high=float(ordered[least]) if least < count else None,
            method=middle.method,
            clustering=middle.clustering,
        )

    def _hits(self, events: "Sequence[bool] | NDArray[np.bool_]") -> "NDArray[np.float64]":
        """Return the number of events in each cluster."""
        import numpy as np

        happened = np.asarray(events, dtype=np.float64)
        if len(happened) != len(self._index):
            raise ValueError(f"{len(happened)} samples in clusters of {len(self._index)}")
        hits = np.bincount(self._index, weights=happened, minlength=len(self._sizes))
        return hits.astype(np.float64)

    def _describe(self, hits: "NDArray[np.float64]") -> Clustering:
        n, count = len(self._index), len(self._sizes)
        squares = float((self._sizes**2).sum())
        correlation = 0.0
        if 1 < count < n:
            rates = hits / self._sizes
            spread = self._sizes * (rates - float(hits.sum()) / n) ** 2
            between = float(spread.sum()) / (count - 1)
            within = float((hits * (1 - rates)).sum()) / (n - count)
            typical = (n - squares / n) / (count - 1)
            whole = between + (typical - 1) * within
            correlation = max((between - within) / whole, 0.0) if whole > 0 else 0.0
        crowding = squares / n  # the size of the cluster that a sample is in, on average
        return Clustering(
            n=n,
            clusters=count,
            correlation=correlation,
            design_effect=1 + (crowding - 1) * correlation,
        )


def _effective_bounds(rate: float, found: Clustering, alpha: float) -> tuple[float, float]:
    """Return Clopper-Pearson bounds of as many samples as the clusters are worth."""
    from scipy.special import betaincinv, stdtrit

    penalty = (stdtrit(found.n - 1, alpha) / stdtrit(found.clusters - 1, alpha)) ** 2
    n = found.effective_n * float(penalty)
    k = rate * n
    return float(betaincinv(k, n - k + 1, alpha)), float(betaincinv(k + 1, n - k, 1 - alpha))


def _level(clusters: int, alpha: float) -> float:
    """Return the percentile to take: that of a t distribution, since there are so few clusters."""
    from scipy.special import ndtr, stdtrit

    return float(ndtr((clusters / (clusters - 1)) ** 0.5 * stdtrit(clusters - 1, alpha)))


def _first(shows: Callable[[int], bool], count: int) -> int:
    """Return the first place that shows it, `count` if none does; later places show it, too."""
    low, high = -1, count
    while low + 1 < high:
        middle = (low + high) // 2
        low, high = (low, middle) if shows(middle) else (middle, high)
    return high

"""How often bounds hold what they promise: exactly where that can be summed, else in many runs.

Exact intervals are summed over all outcomes, for every number of samples from 3 to 1,000. Rules
that may be looked at are run 10,000 times at their limit, where they err most. Samples in clusters
are drawn from a beta-binomial. It ends with 1 if a promise is broken.

Run: python benchmarks/interval_coverage.py [--runs N]
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray
from pytest_probability import stats as peer
from scipy.special import ndtri
from scipy.stats import binom, binomtest, poisson

from l9gate.measure.clusters import Clusters
from l9gate.measure.intervals import (
    FIXED,
    Rule,
    most_under,
    pace_lower,
    pace_upper,
    quantile_bounds,
    quantile_lower_rank,
    quantile_upper_rank,
    rate_upper,
)
from l9gate.measure.sequential import ANYTIME, evidence_above
from l9gate.measure.stopping_times import StoppingBounds

ALPHA = 0.05
SLACK = 1e-9
LOOKED_AT = 10_000
LOOKS = 300
FIRST_LOOK = 10
Row = tuple[object, ...]
_failed: list[str] = []


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000, help="of each kind of clusters")
    runs = parser.parse_args().runs
    show("least coverage of one bound, exact, 3 to 1,000 samples; promised is 0.9500",
         ("bound", "l9gate", "at", "normal approximation"), exact_rows())  # fmt: skip
    show(f"shown under a limit that is not kept, {LOOKED_AT:,} runs of {LOOKS}, a look after each",
         ("limit", "l9gate", "its other side", "exact interval, peeked at", "a bare share"),
         sequential_rows())  # fmt: skip
    show("samples until a limit of 5 % is decided, on average, 300 at most (exact)",
         ("true rate", "samples", "kept", "broken", "once, after 300: kept", "broken"),
         effort_rows())  # fmt: skip
    show(f"coverage of rates in clusters, {runs:,} runs each; promised is 0.950",
         ("clusters", "size", "rate", "correlation", "low", "high", "how", "high, as if alone"),
         cluster_rows(runs))  # fmt: skip
    show(f"coverage of quantiles in clusters, {max(runs // 4, 1):,} runs each",
         ("clusters", "size", "quantile", "correlation", "low", "high", "how", "high, as if alone"),
         quantile_rows(max(runs // 4, 1)))  # fmt: skip
    show("what a look costs", ("samples", "microseconds", "of pytest-probability's"), cost_rows())
    for failure in _failed:
        print(f"BROKEN: {failure}")
    return 1 if _failed else 0


def show(title: str, head: tuple[str, ...], rows: Iterator[Row]) -> None:
    print(f"\n{title}")
    cells = [head, *(tuple(str(cell) for cell in row) for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    for row in cells:
        padded = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        print("  " + "  ".join(padded).rstrip())


def check(is_kept: bool, what: str) -> None:
    if not is_kept:
        _failed.append(what)


def exact_rows() -> Iterator[Row]:
    for name, alpha in (("rate", ALPHA), ("rate, each side of a two-sided 95 %", ALPHA / 2)):
        least, at, normal = 1.0, 0, 1.0
        for n in range(3, 1001):
            k = np.arange(n + 1)
            upper = np.array([rate_upper(int(one), n, alpha) for one in k[:-1]])
            # P(upper >= p) is least just above a bound: all outcomes up to it miss
            covered = np.asarray(1 - binom.cdf(k[:-1], n, upper * (1 + 1e-12)))
            if covered.min() < least:
                least, at = float(covered.min()), n
            wald = np.minimum(k / n - ndtri(alpha) * np.sqrt(k * (n - k) / n) / n, 1)
            rates = np.linspace(0.01, 0.99, 15)
            hit = binom.pmf(k[:, None], n, rates) * (rates[None, :] <= wald[:, None])
            normal = min(normal, float(hit.sum(axis=0).min()))
        check(least >= 1 - alpha - SLACK, f"{name}: {least}")
        yield name, f"{least:.6f}", f"n = {at}", f"{normal:.4f}"
    for q in (0.5, 0.95, 0.99):
        found = []
        for n in range(3, 1001):
            low, high = quantile_lower_rank(n, q, ALPHA), quantile_upper_rank(n, q, ALPHA)
            found.append((1.0 if low is None else 1 - float(binom.cdf(low - 1, n, q)), n))
            found.append((1.0 if high is None else float(binom.cdf(high - 1, n, q)), n))
        least, at = min(found)
        check(least >= 1 - ALPHA - SLACK, f"p{100 * q:g}: {least}")
        yield f"p{100 * q:g}", f"{least:.6f}", f"n = {at}", "-"
    counts = np.arange(2000)
    upper = np.array([pace_upper(int(one), 1.0, ALPHA) for one in counts])
    lower = np.array([pace_lower(int(one), 1.0, ALPHA) for one in counts])
    means = np.concatenate([upper[:1000] * (1 + 1e-12), lower[1:1000] * (1 - 1e-12)])
    covered = np.array([
        min(poisson.pmf(counts, mean)[side].sum() for side in (lower <= mean, mean <= upper))
        for mean in means
    ])  # fmt: skip
    check(float(covered.min()) >= 1 - ALPHA - SLACK, f"pace: {covered.min()}")
    yield "pace", f"{covered.min():.6f}", f"mean = {means[covered.argmin()]:.1f}", "-"


def sequential_rows() -> Iterator[Row]:
    for limit in (0.01, 0.05, 0.3, 0.5):
        under, above = ever_shown(limit, ANYTIME), ever_shown(1 - limit, ANYTIME)
        for wrong in (under, above):
            p = binomtest(wrong, LOOKED_AT, ALPHA, alternative="greater").pvalue
            check(p >= 1e-4, f"anytime at {limit}: {wrong} of {LOOKED_AT}, p = {p:.1e}")
        peeked = ever_shown(limit, FIXED)
        yield f"{limit:.0%}", under, above, peeked, bare_share(limit)


def tallies_of(limit: float) -> NDArray[np.int16]:
    chance = np.random.default_rng(20261122)
    return np.cumsum(chance.random((LOOKED_AT, LOOKS), np.float32) < limit, axis=1, dtype=np.int16)


def ever_shown(limit: float, rule: Rule) -> int:
    most = [most_under(n, limit, ALPHA, rule) for n in range(1, LOOKS + 1)]
    bound = np.array([-1 if k is None else k for k in most])
    return int((tallies_of(limit) <= bound).any(axis=1).sum())


def bare_share(limit: float) -> int:
    shares = tallies_of(limit)[:, FIRST_LOOK - 1 :] / np.arange(FIRST_LOOK, LOOKS + 1)
    return int((shares < limit).any(axis=1).sum())


def effort_rows() -> Iterator[Row]:
    bounds = StoppingBounds.of(0.05, ALPHA, LOOKS, first=FIRST_LOOK)
    kept, good = most_under(LOOKS, 0.05, ALPHA), most_under(LOOKS, 0.95, ALPHA)
    assert kept is not None
    assert good is not None
    for rate in (0.0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0):
        found = bounds.expect(rate)
        yield (
            f"{rate:.1%}", f"{found.mean_n:.0f}", f"{found.kept:.1%}", f"{found.broken:.1%}",
            f"{binom.cdf(kept, LOOKS, rate):.1%}", f"{binom.sf(LOOKS - good - 1, LOOKS, rate):.1%}",
        )  # fmt: skip


def cluster_rows(runs: int) -> Iterator[Row]:
    chance = np.random.default_rng(5)
    for count, size in ((15, 20), (30, 10), (60, 10), (100, 20), (300, 5)):
        clusters = Clusters(np.repeat(np.arange(count), size).tolist())
        for rate in (0.05, 0.5):
            for correlation in (0.0, 0.1, 0.4):
                low = high = alone = 0
                how: dict[str, int] = {}
                for _ in range(runs):
                    events = draw(chance, (count, size), rate, correlation).ravel()
                    found = clusters.rate_bounds(events, ALPHA)
                    assert found.low is not None
                    assert found.high is not None
                    low, high = low + (found.low <= rate), high + (rate <= found.high)
                    alone += rate <= rate_upper(int(events.sum()), len(events), ALPHA)
                    how[found.method] = how.get(found.method, 0) + 1
                yield (
                    count, size, f"{rate:.0%}", correlation, f"{low / runs:.3f}",
                    f"{high / runs:.3f}", in_words(how), f"{alone / runs:.3f}",
                )  # fmt: skip


def quantile_rows(runs: int) -> Iterator[Row]:
    chance = np.random.default_rng(6)
    for count, size in ((100, 10), (300, 5)):
        numbers = np.repeat(np.arange(count), size).tolist()
        clusters = Clusters(numbers)
        for q in (0.5, 0.95):
            truth = float(ndtri(q))
            for correlation in (0.0, 0.1, 0.4):
                low = high = alone = 0
                how: dict[str, int] = {}
                for _ in range(runs):
                    shared = chance.normal(size=(count, 1)) * correlation**0.5
                    own = chance.normal(size=(count, size)) * (1 - correlation) ** 0.5
                    values = (shared + own).ravel()
                    found = clusters.quantile_bounds(values.tolist(), q, ALPHA)
                    low += found.low is None or found.low <= truth
                    high += found.high is None or truth <= found.high
                    _, bound = quantile_bounds(sorted(values.tolist()), q, ALPHA)
                    alone += bound is None or truth <= bound
                    how[found.method] = how.get(found.method, 0) + 1
                yield (
                    count, size, f"p{100 * q:g}", correlation, f"{low / runs:.3f}",
                    f"{high / runs:.3f}", in_words(how), f"{alone / runs:.3f}",
                )  # fmt: skip


def draw(
    chance: np.random.Generator, shape: tuple[int, int], rate: float, correlation: float
) -> NDArray[np.bool_]:
    rates: NDArray[np.float64] = np.full(shape[0], rate)
    if correlation:
        strength = (1 - correlation) / correlation
        rates = chance.beta(rate * strength, (1 - rate) * strength, shape[0])
    drawn: NDArray[np.bool_] = chance.random(shape) < rates[:, None]
    return drawn


def in_words(how: dict[str, int]) -> str:
    total = sum(how.values())
    return ", ".join(f"{name} {count / total:.0%}" for name, count in sorted(how.items()))


def cost_rows() -> Iterator[Row]:
    for n in (100, 10_000, 1_000_000):
        k = n // 20
        ours = best_us(partial(evidence_above, k, n, 0.05))
        theirs = best_us(partial(peer.mixture_log_wealth, k, n, 0.05))
        yield f"{n:,}", f"{ours:.1f}", f"{ours / theirs:.1f}"


def best_us(look: Callable[[], float]) -> float:
    best = 1e9
    for _ in range(5):
        started_s = time.perf_counter()
        for _ in range(500):
            look()
        best = min(best, (time.perf_counter() - started_s) / 500)
    return best * 1e6


if __name__ == "__main__":
    sys.exit(main())

"""Growth over time: whether a gauge under load grows without end, or has come to rest.

A rising line is not yet a leak: memory grows while caches and pools fill, jumps when a buffer is
doubled, swings with the load and with the garbage collector. *Growing* needs a rise that is sure
(interval), matters (tolerance), is no jump, goes on in the second half, and is not told better as
something that comes to rest. Tests for a monotone trend, which are usual, cry wolf on all of these
(Machida et al., ISSREW 2013). `benchmarks/soak_detector.py` measures how often this is right.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

from l9gate.measure.shapes import Shape, tell_shape

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers: TypeAlias = NDArray[np.float64]

BLOCKS = 36
MIN_BLOCKS = 18
MIN_PER_BLOCK = 4
WARM_UP_SHARE = 1 / 3
RESAMPLES = 300
BLOCK_LENGTH = 4  # of the bootstrap: neighbours depend on each other
CONFIDENCE = 0.90  # two-sided
MAX_JUMPS = 2
JUMP_SPREADS = 6.0  # so many spreads of the usual difference are a jump
WITHOUT_JUMPS_SHARE = 0.6  # of the tolerance, which growth exceeds without its jumps
LOAD_SWING = 0.05  # of its mean; steadier load explains nothing
DOUBT_SPREADS = 2.0  # so many standard errors of what the load explains stay below the tolerance
GAP_STEPS = 5.0  # readings so many usual steps apart have a gap between them


class Growth(StrEnum):
    """Whether a gauge grows without end."""

    GROWING = "growing"
    STEADY = "not growing"
    UNDECIDED = "undecided"


_SIGNS = {Growth.GROWING: 1, Growth.STEADY: -1, Growth.UNDECIDED: 0}  # of load that may cause it


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendPlan:
    """What is asked of a series."""

    tolerance: float  # growth over the series, in its unit, that is still nothing
    quantile: float = 0.25  # of each block: low, since collections of garbage come and go
    limit: float | None = None  # the value at which the resource is exhausted
    seed: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """How a series grows after its warm-up, and whether that ends."""

    growth: Growth
    reason: str
    readings: int
    observed_s: float  # of the whole series, without gaps
    base: float | None = None  # where the line of that pace begins, at the first reading
    rise: float | None = None  # over the whole series at the pace after the warm-up
    low: float | None = None  # 90 % interval of `rise`
    high: float | None = None
    per_s: float | None = None
    per_1000_operations: float | None = None
    exhausted_in_s: float | None = None  # from the last reading, at that pace; None: not in sight


@dataclass(frozen=True, slots=True)
class _Line:
    """The pace of blocks, as rise over the whole series (time runs from 0 to 1)."""

    rise: float
    low: float
    high: float


def find_trend(
    at_s: Sequence[float],
    values: Sequence[float],
    plan: TrendPlan,
    operations: Sequence[float] | None = None,
) -> Trend:
    """Say whether a series grows without end.

    Args:
        at_s: when each value was read, ascending; a gap is taken out, never filled.
        values: the readings, in any unit.
        plan: what is tolerated, and more.
        operations: done up to each reading. With them the part of the values that goes up and
            down with the load is taken out first.
    """
    import numpy as np

    times = without_gaps(at_s)
    found = np.asarray(values, dtype=np.float64)
    observed_s = float(times[-1]) if len(times) else 0.0
    blocks = min(BLOCKS, len(found) // MIN_PER_BLOCK)
    if blocks < MIN_BLOCKS or observed_s <= 0:
        return _too_short(len(found), observed_s)
    share, load_rise, worked = times / observed_s, 0.0, 0.0
    if operations is not None:
        done = np.asarray(operations, dtype=np.float64)
        worked = float(done[-1] - done[0])
        if worked > 0:
            found, load_rise = _without_load(share, found, done, plan.tolerance)
    x, y = _blocks(share, found, blocks, plan.quantile)
    kept = x >= WARM_UP_SHARE
    line = _line(x[kept], y[kept], plan.seed)
    growth, reason = _decide(x, y, line, plan)
    if load_rise * _SIGNS[growth] > 0:
        growth, reason = Growth.UNDECIDED, "the load changed so that it may be the cause"
    per_s = line.rise / observed_s
    return Trend(
        growth=growth,
        reason=reason,
        readings=len(found),
        observed_s=observed_s,
        base=float(np.median(y[kept] - line.rise * x[kept])),
        rise=line.rise,
        low=line.low,
        high=line.high,
        per_s=per_s,
        per_1000_operations=1000 * line.rise / worked if worked > 0 else None,
        exhausted_in_s=_exhausted_in_s(growth, float(values[-1]), per_s, plan.limit),
    )


def _too_short(readings: int, observed_s: float) -> Trend:
    needed = MIN_BLOCKS * MIN_PER_BLOCK
    reason = f"{readings} readings, at least {needed} are needed"
    return Trend(growth=Growth.UNDECIDED, reason=reason, readings=readings, observed_s=observed_s)


def without_gaps(at_s: Sequence[float]) -> "Numbers":
    """Return seconds of observation since the first reading: gaps count as one usual step."""
    import numpy as np

    times = np.asarray(at_s, dtype=np.float64)
    steps = np.diff(times)
    if len(steps) == 0:
        return times - times
    usual = float(np.median(steps))
    kept = np.where(steps > GAP_STEPS * usual, usual, steps) if usual > 0 else steps
    return np.concatenate(([0.0], np.cumsum(kept)))


def _blocks(
    share: "Numbers", values: "Numbers", blocks: int, quantile: float
) -> tuple["Numbers", "Numbers"]:
    """Return the middle and the quantile of runs of equally many readings."""
    import numpy as np

    edges = np.linspace(0, len(values), blocks + 1).astype(int)
    pairs = list(pairwise(edges))
    x = np.array([share[low:high].mean() for low, high in pairs])
    y = np.array([np.quantile(values[low:high], quantile) for low, high in pairs])
    return x, y


def _line(x: "Numbers", y: "Numbers", seed: int) -> _Line:
    """Return the Theil-Sen slope and its moving-block-bootstrap interval."""
    import numpy as np

    first, second = np.triu_indices(len(x), 1)
    gaps = x[second] - x[first]
    rise = float(np.median((y[second] - y[first]) / gaps))
    fitted = rise * x
    rest = y - fitted
    chance = np.random.default_rng(seed)
    runs = -(-len(x) // BLOCK_LENGTH)
    starts = chance.integers(0, len(x) - BLOCK_LENGTH + 1, (RESAMPLES, runs))
    places = (starts[:, :, None] + np.arange(BLOCK_LENGTH)).reshape(RESAMPLES, -1)[:, : len(x)]
    again = fitted + rest[places]
    rises = np.median((again[:, second] - again[:, first]) / gaps, axis=1)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(rises, [tail, 1 - tail])
    return _Line(rise, float(low), float(high))


def _decide(x: "Numbers", y: "Numbers", line: _Line, plan: TrendPlan) -> tuple[Growth, str]:
    """Return the answer and why, for blocks of a whole series."""
    tolerance = plan.tolerance
    if line.high < tolerance:
        return Growth.STEADY, "the rise is below what is tolerated"
    late = x >= (1 + WARM_UP_SHARE) / 2
    shape = tell_shape(x, y, tolerance)
    if shape is Shape.RESTING or _line(x[late], y[late], plan.seed).high < tolerance / 4:
        return Growth.STEADY, "it has come to rest"
    if line.low <= tolerance:
        return Growth.UNDECIDED, "the interval holds both rest and growth"
    doubt = _doubt(x, y, plan)
    if doubt is None and shape is Shape.UNCLEAR:
        doubt = "coming to rest and growing on tell it equally well"
    return (Growth.GROWING, "it rises on and on") if doubt is None else (Growth.UNDECIDED, doubt)


def _doubt(x: "Numbers", y: "Numbers", plan: TrendPlan) -> str | None:
    """Return why a sure rise may be none that goes on, None if it does."""
    kept = x >= WARM_UP_SHARE
    late = x >= (1 + WARM_UP_SHARE) / 2
    smooth = _without_jumps(y[kept])
    rise = _line(x[kept], smooth, plan.seed).rise
    if rise <= WITHOUT_JUMPS_SHARE * plan.tolerance:
        return "the rise is one of single jumps"
    halves = (_line(x[late], part, plan.seed) for part in (y[late], smooth[late[kept]]))
    second_half = max(halves, key=lambda one: one.low)
    if second_half.low <= plan.tolerance:
        return "the rise has become slower"
    return None


def _without_jumps(y: "Numbers") -> "Numbers":
    """Return the series without its largest jumps, at most `MAX_JUMPS` of them."""
    import numpy as np

    steps = np.diff(y)
    usual = np.median(steps)
    spread = 1.4826 * float(np.median(np.abs(steps - usual)))
    for place in np.argsort(-np.abs(steps))[:MAX_JUMPS]:
        if abs(steps[place] - usual) > JUMP_SPREADS * spread:
            steps[place] = usual
    return np.concatenate(([y[0]], y[0] + np.cumsum(steps)))


def _without_load(
    share: "Numbers", values: "Numbers", done: "Numbers", tolerance: float
) -> tuple["Numbers", float]:
    """Return the values at the mean load, and by how much the load rose if that is in doubt.

    What the load explains is in doubt where load and time cannot be told apart: half a wave, a
    ramp. The values are then as they were.
    """
    import numpy as np

    load = _smooth(np.gradient(done, share))
    mean = float(load.mean())
    kept = share >= WARM_UP_SHARE
    if mean <= 0 or float(load[kept].std()) < LOAD_SWING * mean:
        return values, 0.0
    terms = np.column_stack([share**0, share, share**2, done / done[-1], load / mean])[kept]
    per_load = float(np.linalg.lstsq(terms, values[kept], rcond=None)[0][-1])
    rest = values[kept] - terms @ np.linalg.lstsq(terms, values[kept], rcond=None)[0]
    spread = float(rest.std()) * float(np.sqrt(np.linalg.pinv(terms.T @ terms)[-1, -1]))
    rise = float(np.polyfit(share[kept], load[kept] / mean, 1)[0])
    if DOUBT_SPREADS * spread * abs(rise) > tolerance:
        return values, rise
    return values - max(per_load, 0.0) * (load / mean - 1), 0.0


def _smooth(pace: "Numbers") -> "Numbers":
    import numpy as np

    width = max(len(pace) // (4 * BLOCKS), 1)
    padded = np.pad(pace, (width // 2, width - 1 - width // 2), mode="edge")
    return np.convolve(padded, np.ones(width) / width, mode="valid")


def _exhausted_in_s(
    growth: Growth, value: float, per_s: float, limit: float | None
) -> float | None:
    if limit is None or growth is not Growth.GROWING or per_s <= 0:
        return None
    return max(limit - value, 0.0) / per_s

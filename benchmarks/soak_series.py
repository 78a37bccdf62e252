"""Series of a gauge under load as they look in practice, with and without a leak; seeded.

Units are MB and seconds. What leaks grows without end; everything else stops, however long it
takes, so a high-water mark, a filled cache and a step are no leaks.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.floating]
TOLERANCE_MB, TOLERATED_SHARE = 6.0, 0.025


@dataclass(frozen=True)
class Series:
    kind: str
    leaks: bool
    at_s: Values
    values: Values
    operations: Values  # done so far

    @property
    def tolerance(self) -> float:
        """How much growth over the series is still nothing."""
        return max(TOLERANCE_MB, TOLERATED_SHARE * float(self.values[0]))


class Maker:
    """What series are made of; each draws from its own chance."""

    def __init__(self, seed: int) -> None:
        self.chance = np.random.default_rng(seed)
        self.n = int(self.chance.integers(200, 900))
        self.step_s = float(self.chance.choice([1.0, 2.0, 5.0]))
        self.x = np.arange(self.n) / (self.n - 1)  # 0 … 1
        self.start = float(self.chance.uniform(60, 400))
        self.noise = float(self.chance.uniform(0.1, 1.5))
        self.load = np.full(self.n, float(self.chance.uniform(2, 40)))  # operations per second

    @property
    def tolerance(self) -> float:
        return max(TOLERANCE_MB, TOLERATED_SHARE * self.start)

    def between(self, low: float, high: float) -> float:
        return float(self.chance.uniform(low, high))

    def white(self) -> Values:
        return self.start + self.chance.normal(0, self.noise, self.n)

    def drifting(self) -> Values:
        """Noise with a memory: of one reading 0.8 to 0.97 is left in the next."""
        rho = self.between(0.8, 0.97)
        found = np.zeros(self.n)
        kicks = self.chance.normal(0, self.noise * np.sqrt(1 - rho**2), self.n)
        for place in range(1, self.n):
            found[place] = rho * found[place - 1] + kicks[place]
        return self.start + found

    def plateau(self, height: float, share: float) -> Values:
        return height * (1 - np.exp(-self.x / share))

    def filling(self, height: float, until: float) -> Values:
        return height * np.minimum(self.x / until, 1.0)

    def sawtooth(self, height: float) -> Values:
        teeth = self.between(6, 60)
        found: Values = np.multiply(height, (self.x * teeth + self.between(0, 1)) % 1.0)
        return found

    def step(self, height: float, at: float) -> Values:
        found: Values = np.multiply(height, self.x >= at)
        return found

    def high_water(self) -> Values:
        """Arenas that fragments keep from being given back: the highest of many peaks so far."""
        peaks = self.chance.lognormal(0, 0.6, self.n) * self.between(3, 9)
        found: Values = np.subtract(np.maximum.accumulate(peaks), peaks[0])
        return found

    def wave(self) -> Values:
        """Load that comes and goes, and the memory of what is in flight with it."""
        turns, size = self.between(0.7, 5), self.between(0.3, 0.9)
        self.load = self.load * (
            1 + size * np.sin(2 * np.pi * (turns * self.x + self.between(0, 1)))
        )
        self.load = self.load * self.chance.lognormal(0, 0.05, self.n)
        found: Values = self.between(10, 60) * self.load / self.load.max()
        return found

    def leak(self, times: float) -> Values:
        """Growth with every operation, of so many tolerances in all."""
        done = np.cumsum(self.load)
        found: Values = times * self.tolerance * done / done[-1]
        return found


def _two_steps(make: Maker) -> Values:
    first = make.step(make.between(8, 40), make.between(0.1, 0.5))
    return make.white() + first + make.step(make.between(8, 40), make.between(0.5, 0.9))


def _released(make: Maker) -> Values:
    height = make.between(10, 60)
    return make.white() + make.plateau(height, 0.05) - make.step(height / 2, make.between(0.3, 0.8))


def _leak_in_steps(make: Maker) -> Values:
    steps = int(make.chance.integers(8, 30))
    total = make.between(3, 10) * make.tolerance
    return make.white() + np.floor(make.x * steps) / steps * total


def _late(make: Maker) -> Values:
    begins = make.between(0.15, 0.45)
    height = make.between(4, 12) * make.tolerance
    return make.white() + height * np.maximum(make.x - begins, 0) / (1 - begins)


HARMLESS: dict[str, Callable[[Maker], Values]] = {
    "flat": Maker.white,
    "flat, drifting noise": Maker.drifting,
    "plateau of 50 MB": lambda m: m.white() + m.plateau(50, m.between(0.02, 0.15)),
    "plateau, slow": lambda m: m.white() + m.plateau(m.between(20, 60), m.between(0.15, 0.28)),
    "plateau, drifting noise": lambda m: m.drifting() + m.plateau(50, m.between(0.03, 0.2)),
    "cache fills": lambda m: m.white() + m.filling(m.between(20, 80), m.between(0.15, 0.6)),
    "sawtooth": lambda m: m.white() + m.sawtooth(m.between(5, 40)),
    "one step": lambda m: m.white() + m.step(m.between(8, 50), m.between(0.2, 0.85)),
    "two steps": _two_steps,
    "fragmentation": lambda m: m.white() + m.high_water(),
    "load wave": lambda m: m.white() + m.wave(),
    "release": _released,
}
LEAKING: dict[str, Callable[[Maker], Values]] = {
    "slow leak": lambda m: m.white() + m.leak(m.between(2.5, 4)),
    "medium leak": lambda m: m.white() + m.leak(m.between(4, 8)),
    "fast leak": lambda m: m.white() + m.leak(m.between(8, 60)),
    "leak, drifting noise": lambda m: m.drifting() + m.leak(m.between(3, 8)),
    "leak under sawtooth": lambda m: (
        m.white() + m.sawtooth(m.between(5, 30)) + m.leak(m.between(3, 8))
    ),
    "leak after plateau": lambda m: (
        m.white() + m.plateau(50, m.between(0.02, 0.12)) + m.leak(m.between(3, 10))
    ),
    "leak beside a step": lambda m: (
        m.white() + m.step(m.between(8, 40), m.between(0.2, 0.8)) + m.leak(m.between(4, 10))
    ),
    "leak under load wave": lambda m: m.white() + m.wave() + m.leak(m.between(3, 8)),
    "leak in steps": _leak_in_steps,
    "late leak": _late,
}


def make_series(per_kind: int, seed: int) -> Iterator[Series]:
    """Yield so many series of every kind; equal seeds give equal series."""
    kinds = [(name, make, False) for name, make in HARMLESS.items()]
    kinds += [(name, make, True) for name, make in LEAKING.items()]
    for place, (name, make, leaks) in enumerate(kinds):
        for number in range(per_kind):
            maker = Maker(seed * 1_000_003 + place * 10_007 + number)
            values = make(maker)
            at_s = np.arange(maker.n) * maker.step_s
            yield Series(name, leaks, at_s, values, np.cumsum(maker.load * maker.step_s))

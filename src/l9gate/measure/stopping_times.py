"""How long a measurement goes on that stops as soon as it is decided; exact, not simulated."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from l9gate.measure.sequential import evidence_above_each

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NOTHING = 1e-12  # a chance that changes no number that anybody reads


@dataclass(frozen=True, slots=True, kw_only=True)
class StoppingTime:
    """What becomes of a measurement that stops when it is decided, or after so many samples."""

    mean_n: float
    kept: float  # the chance to be shown under the limit
    broken: float  # the chance to be shown above it
    most: int  # samples after which it ends undecided

    @property
    def undecided(self) -> float:
        """The chance to end undecided."""
        return max(1 - self.kept - self.broken, 0.0)


@dataclass(frozen=True, slots=True)
class StoppingBounds:
    """After which tallies a measurement is decided: by number of samples, from 0 on."""

    kept: tuple[int, ...]  # at most so many wrong ones; -1 where none is few enough
    broken: tuple[int, ...]  # at least so many; n + 1 where all of them are not enough

    @classmethod
    def of(cls, limit: float, alpha: float, most: int, *, first: int = 1) -> "StoppingBounds":
        """Return the bounds of a rate of wrong samples that is looked at from `first` to `most`."""
        import numpy as np

        n = np.arange(most + 1)
        few = np.where(n >= first, _most_under_each(n, limit, alpha), -1)
        good = np.where(n >= first, _most_under_each(n, 1 - limit, alpha), -1)
        return cls(tuple(few.tolist()), tuple((n - good).tolist()))

    def expect(self, rate: float) -> StoppingTime:
        """Return what becomes of it if the true rate of wrong samples is this one."""
        import numpy as np

        most = len(self.kept) - 1
        chances, mean_n, kept, broken = np.ones(1), 0.0, 0.0, 0.0
        for n in range(1, most + 1):
            left = float(chances.sum())
            if left < NOTHING:
                break
            mean_n += left
            chances = np.append(chances * (1 - rate), 0.0) + np.append(0.0, chances * rate)
            few, many = self.kept[n] + 1, self.broken[n]
            kept += float(chances[:few].sum())
            broken += float(chances[many:].sum())
            chances[:few] = 0.0
            chances[many:] = 0.0
        return StoppingTime(mean_n=mean_n, kept=kept, broken=broken, most=most)


def _most_under_each(n: "NDArray[np.int64]", limit: float, alpha: float) -> "NDArray[np.int64]":
    """Return the largest k of each n whose rate is shown under a limit; -1 if there is none."""
    import numpy as np

    low, high = np.full_like(n, -1), n.copy()
    while (low + 1 < high).any():
        middle = (low + high) // 2
        tried = np.maximum(middle, 0)
        is_shown = (evidence_above_each(n - tried, n, 1 - limit) >= -math.log(alpha)) & (
            middle >= 0
        )
        low, high = np.where(is_shown, middle, low), np.where(is_shown, high, middle)
    return low

"""Whether a series is told better as one that comes to rest or as one that grows on."""

from collections.abc import Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers: TypeAlias = NDArray[np.float64]

BIC_MARGIN = 6.0  # "strong evidence" in Kass & Raftery, JASA 90:773 (1995)
NOISE_SHARE = 0.02  # of the tolerance; nothing is told more exactly than that


class Shape(StrEnum):
    """What tells a series best."""

    RESTING = "resting"
    GROWING = "growing"
    UNCLEAR = "unclear"


def tell_shape(x: "Numbers", y: "Numbers", tolerance: float) -> Shape:
    """Compare curves that come to rest with curves that grow on, by BIC.

    Args:
        x: time from 0 to 1.
        y: the values.
        tolerance: growth from 0 to 1 that is still nothing.
    """
    import numpy as np

    rest = min(_bic(y, terms, extra, tolerance) for terms, extra, _ in _resting(x))
    grow = np.inf
    for terms, extra, pace in _growing(x):
        found = np.linalg.lstsq(terms, y, rcond=None)[0]
        if float(found @ pace) > tolerance:
            grow = min(grow, _bic(y, terms, extra, tolerance))
    if rest + BIC_MARGIN < grow:
        return Shape.RESTING
    return Shape.GROWING if grow + BIC_MARGIN < rest else Shape.UNCLEAR


def _bic(y: "Numbers", terms: "Numbers", extra: int, tolerance: float) -> float:
    import numpy as np

    found = np.linalg.lstsq(terms, y, rcond=None)[0]
    left = float(((y - terms @ found) ** 2).mean()) + (NOISE_SHARE * tolerance) ** 2
    parameters = int(terms.shape[1]) + extra
    return len(y) * float(np.log(left)) + parameters * float(np.log(len(y)))


def _resting(x: "Numbers") -> Iterator[tuple["Numbers", int, None]]:
    """Yield the terms of each curve, and how many of its parameters are not among them."""
    import numpy as np

    one = np.ones_like(x)
    yield np.column_stack([one]), 0, None
    for slowness in np.geomspace(0.01, 0.5, 40):
        yield np.column_stack([one, np.exp(-x / slowness)]), 1, None
    for until in np.linspace(0.05, 0.8, 20):
        yield np.column_stack([one, np.minimum(x, until)]), 1, None
    steps = [(x >= at).astype(float) for at in np.linspace(0.05, 0.95, 19)]
    for place, step in enumerate(steps):
        yield np.column_stack([one, step]), 1, None
        for other in steps[place + 1 :]:
            yield np.column_stack([one, step, other]), 2, None


def _growing(x: "Numbers") -> Iterator[tuple["Numbers", int, "Numbers"]]:
    """Yield the same and, per term, what it adds to the pace at the end."""
    import numpy as np

    one = np.ones_like(x)
    yield np.column_stack([one, x]), 0, np.array([0.0, 1.0])
    for slowness in np.geomspace(0.01, 0.2, 8):
        yield np.column_stack([one, x, np.exp(-x / slowness)]), 1, np.array([0.0, 1.0, 0.0])
    for since in np.linspace(0.05, 0.8, 16):
        bend = np.maximum(x - since, 0)
        yield np.column_stack([one, x, bend]), 1, np.array([0.0, 1.0, 1.0])
        yield np.column_stack([one, bend]), 1, np.array([0.0, 1.0])
    for at in np.linspace(0.05, 0.95, 19):
        yield np.column_stack([one, x, x >= at]), 1, np.array([0.0, 1.0, 0.0])

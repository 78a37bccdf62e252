"""A sample in order, however large: single values beside values of which only counts are left."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, overload

from l9gate.measure.histogram import Histogram

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Ranked(Sequence[float]):
    """Values in ascending order; of a bucket of a histogram all have the value of its upper edge.

    Ranks are exact: merging counts with single values moves no value past another one's edge.
    """

    def __init__(
        self,
        values: "NDArray[np.float64]",
        *,
        edges: "NDArray[np.float64] | None" = None,
        counts: "NDArray[np.int64] | None" = None,
        infinite: int = 0,
    ) -> None:
        """Put values in order.

        Args:
            values: seconds, in any order; +infinity is known only to be longer.
            edges: seconds, upper edges of buckets.
            counts: how many values each of these buckets holds.
            infinite: further values of +infinity.
        """
        import numpy as np

        self._values = np.sort(values)
        self._ends: NDArray[np.int64] | None = None  # of each value, the last rank that has it
        self._infinite = infinite
        if edges is not None and counts is not None and len(edges):
            merged = np.concatenate([self._values, edges])
            order = np.argsort(merged, kind="stable")
            weights = np.concatenate([np.ones(len(values), dtype=np.int64), counts])
            self._values, self._ends = merged[order], np.cumsum(weights[order])

    def __len__(self) -> int:
        return self._finite + self._infinite

    @overload
    def __getitem__(self, index: int) -> float: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[float]: ...
    def __getitem__(self, index: int | slice) -> float | Sequence[float]:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        at = index + len(self) if index < 0 else index
        if not 0 <= at < len(self):
            raise IndexError(index)
        if at >= self._finite:
            return float("inf")
        if self._ends is not None:
            at = int(self._ends.searchsorted(at, side="right"))
        return float(self._values[at])

    def count_beyond(self, limit: float, *, wants_low: bool, is_strict: bool) -> int:
        """Return how many values are on the wrong side of a limit.

        Args:
            limit: in seconds.
            wants_low: lower values are better.
            is_strict: a value at the limit is on the wrong side.
        """
        if wants_low:
            return len(self) - self._count_before(limit, is_limit_in=not is_strict)
        return self._count_before(limit, is_limit_in=is_strict)

    def count_infinite(self) -> int:
        """Return how many values are known only to be longer."""
        return len(self) - self._count_before(float("inf"), is_limit_in=False)

    def histogram(self) -> Histogram:
        """Return the counts of the sample; what buckets held stays in them."""
        import numpy as np

        found = Histogram()
        if self._ends is None:
            found.add_many(self._values.tolist())
        else:
            found.add_counted(self._values, np.diff(self._ends, prepend=0).tolist())
        found.add_counted([float("inf")], [self._infinite])
        return found

    @property
    def _finite(self) -> int:
        """How many values are not in `infinite`."""
        if self._ends is None:
            return len(self._values)
        return int(self._ends[-1])

    def _count_before(self, limit: float, *, is_limit_in: bool) -> int:
        at = int(self._values.searchsorted(limit, side="right" if is_limit_in else "left"))
        if self._ends is None:
            return at
        return int(self._ends[at - 1]) if at else 0

"""A latency distribution of fixed size: add, merge, quantile.

The layout is log-linear like HdrHistogram's: 1,024 buckets for every doubling, so that a value is
off by at most 0.05 % (and by at most 1 ns below 1 µs). Merging adds arrays and is associative, so
shards, windows and workers sum up exactly. Values wait in a list and go through numpy in batches.
"""

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from l9gate.measure.hdr import decode_counts, encode_counts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NANOSECONDS_PER_S = 1e9
SUB_BITS = 11  # 2 ** 11 linear buckets first, then half as many for each doubling
HALF = 1 << (SUB_BITS - 1)
TOP_BITS = 48  # values saturate at 2 ** 48 ns, which is 78 hours
BUCKETS = (TOP_BITS - SUB_BITS + 2) * HALF
MAX_S = (2**TOP_BITS - 1) / NANOSECONDS_PER_S
BATCH = 4096


class Histogram:
    """Counts of durations in seconds; +infinity is counted apart and ranks last."""

    def __init__(self) -> None:
        import numpy as np

        self._counts: NDArray[np.int64] = np.zeros(BUCKETS, dtype=np.int64)
        self._waiting: list[float] = []
        self._infinite = 0

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Histogram):
            return NotImplemented
        counts, infinite = self.counts()
        other_counts, other_infinite = other.counts()
        return infinite == other_infinite and bool((counts == other_counts).all())

    __hash__ = None  # type: ignore[assignment]  # it changes

    @property
    def count(self) -> int:
        """The number of values that were added, the infinite ones included."""
        self._settle()
        return int(self._counts.sum()) + self._infinite

    @property
    def infinite(self) -> int:
        """How many of them are +infinity."""
        self._settle()
        return self._infinite

    def add(self, value_s: float) -> None:
        """Count one duration; negative ones count as 0.

        Raises:
            ValueError: the value is not a number.
        """
        if math.isnan(value_s):
            raise ValueError("a duration cannot be NaN")
        self._waiting.append(value_s)
        if len(self._waiting) >= BATCH:
            self._settle()

    def add_many(self, values_s: Iterable[float]) -> None:
        """Count many durations.

        Raises:
            ValueError: one of them is not a number; none is counted.
        """
        values = list(values_s)
        if any(map(math.isnan, values)):
            raise ValueError("a duration cannot be NaN")
        self._waiting += values
        if len(self._waiting) >= BATCH:
            self._settle()

    def add_counted(
        self, values_s: "Sequence[float] | NDArray[np.float64]", counts: "Sequence[int]"
    ) -> None:
        """Count durations of which each came so many times."""
        import numpy as np

        self._settle()
        values, times = np.asarray(values_s, dtype=np.float64), np.asarray(counts, dtype=np.int64)
        is_finite = np.isfinite(values)
        self._infinite += int(times[~is_finite].sum())
        np.add.at(self._counts, _indices(values[is_finite]), times[is_finite])

    def merge(self, other: "Histogram") -> None:
        """Add all counts of another histogram, which stays as it is."""
        self._settle()
        counts, infinite = other.counts()
        self._counts += counts
        self._infinite += infinite

    def counts(self) -> "tuple[NDArray[np.int64], int]":
        """Return the counts by bucket, not to be changed, and the number of infinite values."""
        self._settle()
        return self._counts, self._infinite

    def steps(self) -> "tuple[NDArray[np.float64], NDArray[np.int64]]":
        """Return the largest value, in seconds, of each bucket that holds any, and its count."""
        import numpy as np

        self._settle()
        indices = np.flatnonzero(self._counts)
        shifts = np.maximum(indices // HALF - 1, 0)
        edges_ns = ((indices - shifts * HALF + 1) << shifts) - 1
        return edges_ns / NANOSECONDS_PER_S, self._counts[indices]

    def to_hdr(self) -> bytes:
        """Return the finite counts as a compressed HdrHistogram V2 payload, in nanoseconds.

        Base64 makes of it what stands in a line of an HdrHistogram log. The layout is that of three
        significant digits, so nothing is lost.
        """
        return encode_counts(self.counts()[0].tolist())

    @classmethod
    def from_hdr(cls, payload: bytes, infinite: int = 0) -> "Histogram":
        """Return the histogram whose finite counts a payload holds.

        Raises:
            ValueError: it is no compressed V2 payload of nanoseconds with three significant digits.
        """
        import numpy as np

        histogram = cls()
        counts = decode_counts(payload, BUCKETS)
        histogram._counts[: len(counts)] = np.asarray(counts, dtype=np.int64)
        histogram._infinite = infinite
        return histogram

    def quantile(self, q: float) -> float:
        """Return the nearest-rank quantile in seconds, at most 0.1 % off; it may be +infinity.

        Raises:
            ValueError: nothing was added, or `q` is not in (0, 1].
        """
        import numpy as np

        total = self.count
        if total == 0 or not 0 < q <= 1:
            raise ValueError(f"no quantile: n={total}, q={q}")
        rank = max(math.ceil(round(q * total, 9)), 1)
        if rank > total - self._infinite:
            return math.inf
        return _middle_s(int(np.searchsorted(np.cumsum(self._counts), rank)))

    def _settle(self) -> None:
        import numpy as np

        if not self._waiting:
            return
        values = np.asarray(self._waiting)
        self._waiting = []
        finite = values[np.isfinite(values)]
        self._infinite += len(values) - len(finite)
        self._counts += np.bincount(_indices(finite), minlength=BUCKETS)


def _indices(values_s: "NDArray[np.float64]") -> "NDArray[np.int64]":
    """Return the bucket of every value."""
    import numpy as np

    nanoseconds = np.clip(np.rint(values_s * NANOSECONDS_PER_S), 0, 2**TOP_BITS - 1)
    _, bits = np.frexp(nanoseconds)
    shift = np.maximum(bits.astype(np.int64) - SUB_BITS, 0)
    indices: NDArray[np.int64] = shift * HALF + (nanoseconds.astype(np.int64) >> shift)
    return indices


def _middle_s(index: int) -> float:
    """Return the middle of a bucket in seconds."""
    shift = max(index // HALF - 1, 0)
    low = (index - shift * HALF) << shift
    return (low + ((1 << shift) - 1) / 2) / NANOSECONDS_PER_S

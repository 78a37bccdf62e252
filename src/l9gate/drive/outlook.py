"""How a load stands, for those who watch it."""

from l9gate.drive.book import Book
from l9gate.drive.plan import Progress
from l9gate.evidence.load import CallEnd
from l9gate.measure.histogram import Histogram

_QUANTILES = (0.5, 0.95, 0.99)


class Outlook:
    """Counts calls of the main arm."""

    def __init__(self, duration_s: float | None, planned: int | None) -> None:
        self._duration_s = duration_s
        self._planned = planned
        self._starts_s = self._last_s = 0.0
        self._last_done = 0
        self.sent = 0
        self.done = 0

    def start(self, starts_s: float) -> None:
        """Note when the first call is due."""
        self._starts_s = self._last_s = starts_s

    def look(self, now_s: float, book: Book, in_flight: int, lag_s: float) -> Progress:
        """Return how it stands; the rate is that since the last look."""
        elapsed_s = max(now_s - self._starts_s, 0.0)
        passed_s = max(now_s - self._last_s, 1e-3)
        rate_per_s = (self.done - self._last_done) / passed_s
        self._last_s, self._last_done = now_s, self.done
        duration_s = self._duration_s
        return Progress(
            at_s=now_s,
            elapsed_s=elapsed_s,
            left_s=None if duration_s is None else max(duration_s - elapsed_s, 0.0),
            planned=self._planned,
            sent=self.sent,
            done=self.done,
            in_flight=in_flight,
            ends={CallEnd(end): count for end, count in book.ends.items()},
            rate_per_s=rate_per_s,
            latency_s=quantiles_of(book.latency_s),
            ttft_s=quantiles_of(book.ttft_s),
            lag_s=lag_s,
            latency_counts=book.latency_s,
            ttft_counts=book.ttft_s,
        )


def quantiles_of(histogram: Histogram) -> tuple[float, ...]:
    """Return those that progress shows; empty before the first value."""
    if histogram.count == 0:
        return ()
    return tuple(histogram.quantile(q) for q in _QUANTILES)

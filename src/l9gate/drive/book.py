"""Keeps what came of calls: rows go out as blocks, and beyond a million values as counts."""

from collections import Counter
from math import inf, isnan

import msgspec

from l9gate.drive.columns import Group, Place, Row, build_block, is_measured
from l9gate.evidence.load import Arm, CallEnd, CallMark, LoadHistogram
from l9gate.evidence.log import Sink
from l9gate.evidence.words import Origin
from l9gate.measure.histogram import Histogram

BLOCK_ROWS = 1024
_PROOF = int(CallMark.HAS_REQUEST_ID | CallMark.HAS_USAGE)
_QUANTITIES = ("latency", "service", "ttft", "gap")


class _Slice(msgspec.Struct):
    """Counts of the calls of one group in one stretch of time."""

    since_s: float
    until_s: float
    histograms: dict[str, Histogram]
    ends: Counter[int]


class Book:
    """Takes rows; holds a block's worth of them at most, whatever the length of the load.

    Args:
        sink: where blocks and histograms go.
        place: what all of them have in common.
        exact_values: how many calls and gaps are kept one by one before counting begins.
    """

    def __init__(self, sink: Sink, place: Place, exact_values: int) -> None:
        self._sink = sink
        self._place = place
        self._exact_left = exact_values
        self._rows: dict[tuple[Arm, Origin, str | None, bool], list[Row]] = {}
        self._slices: dict[Group, _Slice] = {}
        self.ends: Counter[int] = Counter()  # of the main arm, as all below
        self.latency_s = Histogram()
        self.ttft_s = Histogram()

    def take(self, arm: Arm, model: str | None, *, stream: bool, row: Row) -> None:
        """Take what came of one call."""
        key = (arm, row.origin, model, stream)
        rows = self._rows.get(key)
        if rows is None:
            rows = self._rows[key] = []
        rows.append(row)
        if len(rows) >= BLOCK_ROWS:
            self._put(key, rows)

    def spill(self) -> None:
        """Put all rows that are there into the sink, and the counts so far."""
        for key, rows in self._rows.items():
            if rows:
                self._put(key, rows)

    def close(self) -> None:
        """Put everything into the sink."""
        self.spill()
        self.cut_slices()

    def cut_slices(self) -> None:
        """Put the counts so far into the sink and begin new ones."""
        for group, part in self._slices.items():
            for quantity, histogram in part.histograms.items():
                self._put_counts(group, part, quantity, histogram)
        self._slices.clear()

    def _put(self, key: tuple[Arm, Origin, str | None, bool], rows: list[Row]) -> None:
        self._rows[key] = []
        group = Group(*key)
        if group.arm is Arm.MAIN:
            self.ends.update(row.end for row in rows)
            self.latency_s.add_many(_latencies_s(rows))
            self.ttft_s.add_many(_ttfts_s(rows))
        if self._exact_left > 0:
            gaps = sum(len(row.gaps_s) for row in rows if row.gaps_s is not None)
            self._exact_left -= len(rows) + gaps
            at_s = max(row.ended_s for row in rows)
            self._sink.put(build_block(self._place, group, rows, at_s))
        else:
            self._count(group, rows)

    def _count(self, group: Group, rows: list[Row]) -> None:
        """Count calls, of which no mark is kept: what nothing proves is counted as malformed."""
        for row in rows:
            is_bare = row.end == CallEnd.OK and row.marks & _PROOF != _PROOF
            if is_bare or group.origin is not self._place.origin:
                row.end = CallEnd.MALFORMED
        ended_s = [row.ended_s for row in rows]
        part = self._slices.get(group)
        if part is None:
            counts = {quantity: Histogram() for quantity in _QUANTITIES}
            part = self._slices[group] = _Slice(min(ended_s), max(ended_s), counts, Counter())
        part.since_s = min(part.since_s, *ended_s)
        part.until_s = max(part.until_s, *ended_s)
        part.ends.update(row.end for row in rows)
        part.histograms["latency"].add_many(_latencies_s(rows))
        part.histograms["service"].add_many(_services_s(rows))
        if group.stream:
            part.histograms["ttft"].add_many(_ttfts_s(rows))
            part.histograms["gap"].add_many(_gaps_s(rows))

    def _put_counts(self, group: Group, part: _Slice, quantity: str, counts: Histogram) -> None:
        is_first = quantity == _QUANTITIES[0]
        if counts.count == 0 and not is_first:
            return
        self._sink.put(
            LoadHistogram(
                at_s=part.until_s,
                span=self._place.span,
                arm=group.arm,
                shard=self._place.shard,
                quantity=quantity,
                model=group.model,
                stream=group.stream,
                since_s=part.since_s,
                until_s=part.until_s,
                counts=counts.to_hdr(),
                infinite=counts.infinite,
                ends=dict(part.ends) if is_first else {},
            )
        )


def _latencies_s(rows: list[Row]) -> list[float]:
    """How long answers took from when they were due; +infinity: longer than the time-out."""
    found = [row.ended_s - row.due_s for row in rows if is_measured(row.end)]
    return found + [inf] * sum(row.end == CallEnd.TIMED_OUT for row in rows)


def _services_s(rows: list[Row]) -> list[float]:
    """The same from when they were sent."""
    found = [row.ended_s - row.sent_s for row in rows if is_measured(row.end)]
    return found + [inf] * sum(row.end == CallEnd.TIMED_OUT for row in rows)


def _ttfts_s(rows: list[Row]) -> list[float]:
    """Seconds from due to first content; +infinity if a time-out came before it."""
    found = []
    for row in rows:
        if not isnan(row.first_token_s):
            if is_measured(row.end) or row.end == CallEnd.TIMED_OUT:
                found.append(row.first_token_s - row.due_s)
        elif row.end == CallEnd.TIMED_OUT:
            found.append(inf)
    return found


def _gaps_s(rows: list[Row]) -> list[float]:
    """Seconds between content; +infinity is the gap into which a time-out fell."""
    found: list[float] = []
    for row in rows:
        if row.gaps_s is None:
            continue
        if is_measured(row.end):
            found += row.gaps_s
        elif row.end == CallEnd.TIMED_OUT:
            found += row.gaps_s
            if not isnan(row.first_token_s):
                found.append(inf)
    return found

"""Shards of one load, put together again: counts are added, distributions merged.

Shard `i` of `n` sends the calls `i`, `i + n`, `i + 2n` and so on of the one schedule that the seed
gives: all shards together send what a single process would have sent. Percentiles are never
averaged.
"""

from collections import Counter
from collections.abc import Sequence

import msgspec

from l9gate.drive.outlook import quantiles_of
from l9gate.drive.plan import DriveEnd, Progress, Reason
from l9gate.evidence.load import CallEnd
from l9gate.measure.histogram import Histogram

# What ended one shard early ended the load; the first of these that any shard says counts.
_WORST_FIRST = (Reason.NOT_PAID, Reason.STOPPED, Reason.EXHAUSTED, Reason.COMPLETED)


class Standing(msgspec.Struct, frozen=True, kw_only=True, tag="standing"):
    """How one shard stands, as it tells another process."""

    at_s: float
    elapsed_s: float
    left_s: float | None
    planned: int | None
    sent: int
    done: int
    in_flight: int
    ends: dict[int, int]
    rate_per_s: float
    lag_s: float
    latency: bytes  # `Histogram.to_hdr`
    latency_infinite: int
    ttft: bytes
    ttft_infinite: int
    tally: dict[str, tuple[int, int]] = {}  # by name of a criterion: n, and how many are wrong


class Ended(msgspec.Struct, frozen=True, kw_only=True, tag="ended"):
    """What came of one shard, as it tells another process."""

    reason: Reason
    planned: int | None
    sent: int
    done: int
    ends: dict[int, int]
    refusal: str | None = None


def standing_of(progress: Progress, tally: dict[str, tuple[int, int]] | None = None) -> Standing:
    """Return a progress as it is told, with what criteria count."""
    latency, ttft = progress.latency_counts, progress.ttft_counts
    return Standing(
        at_s=progress.at_s,
        elapsed_s=progress.elapsed_s,
        left_s=progress.left_s,
        planned=progress.planned,
        sent=progress.sent,
        done=progress.done,
        in_flight=progress.in_flight,
        ends={int(end): count for end, count in progress.ends.items()},
        rate_per_s=progress.rate_per_s,
        lag_s=progress.lag_s,
        latency=latency.to_hdr(),
        latency_infinite=latency.infinite,
        ttft=ttft.to_hdr(),
        ttft_infinite=ttft.infinite,
        tally=tally or {},
    )


def ended_of(end: DriveEnd) -> Ended:
    """Return an end as it is told."""
    return Ended(
        reason=end.reason,
        planned=end.planned,
        sent=end.sent,
        done=end.done,
        ends={int(kind): count for kind, count in end.ends.items()},
        refusal=end.refusal,
    )


def merge_standings(parts: Sequence[Standing]) -> Progress:
    """Return how all shards stand together; there has to be one."""
    latency = _merged([Histogram.from_hdr(one.latency, one.latency_infinite) for one in parts])
    ttft = _merged([Histogram.from_hdr(one.ttft, one.ttft_infinite) for one in parts])
    return Progress(
        at_s=max(one.at_s for one in parts),
        elapsed_s=max(one.elapsed_s for one in parts),
        left_s=max((one.left_s for one in parts if one.left_s is not None), default=None),
        planned=_total([one.planned for one in parts]),
        sent=sum(one.sent for one in parts),
        done=sum(one.done for one in parts),
        in_flight=sum(one.in_flight for one in parts),
        ends=_added([one.ends for one in parts]),
        rate_per_s=sum(one.rate_per_s for one in parts),
        latency_s=quantiles_of(latency),
        ttft_s=quantiles_of(ttft),
        lag_s=max(one.lag_s for one in parts),
        latency_counts=latency,
        ttft_counts=ttft,
        tally=_tallied([one.tally for one in parts]),
    )


def merge_ends(parts: Sequence[Ended], planned: int | None) -> DriveEnd:
    """Return what came of the shards that came to an end.

    Args:
        parts: of these shards.
        planned: of all shards, lost ones included.
    """
    reasons = {one.reason for one in parts}
    return DriveEnd(
        reason=next((one for one in _WORST_FIRST if one in reasons), Reason.STOPPED),
        planned=planned,
        sent=sum(one.sent for one in parts),
        done=sum(one.done for one in parts),
        ends=_added([one.ends for one in parts]),
        refusal=next((one.refusal for one in parts if one.refusal is not None), None),
    )


def _merged(histograms: Sequence[Histogram]) -> Histogram:
    whole = Histogram()
    for one in histograms:
        whole.merge(one)
    return whole


def _added(counts: Sequence[dict[int, int]]) -> dict[CallEnd, int]:
    total: Counter[int] = Counter()
    for one in counts:
        total.update(one)
    return {CallEnd(end): count for end, count in sorted(total.items())}


def _tallied(tallies: Sequence[dict[str, tuple[int, int]]]) -> dict[str, tuple[int, int]]:
    whole: dict[str, tuple[int, int]] = {}
    for one in tallies:
        for name, (n, wrong) in one.items():
            known_n, known_wrong = whole.get(name, (0, 0))
            whole[name] = (known_n + n, known_wrong + wrong)
    return whole


def _total(counts: Sequence[int | None]) -> int | None:
    known = [one for one in counts if one is not None]
    return sum(known) if len(known) == len(counts) else None

"""What a load was going to send and did not: a call that is missing is no success."""

from collections import defaultdict

from l9gate.evidence.load import Arm, CallEnd, LoadBlock, LoadHistogram, LoadPlan
from l9gate.evidence.log import EvidenceLog
from l9gate.evidence.records import EndReason, SourceEnd

_WHOLE = (EndReason.COMPLETED, EndReason.DECIDED)
COUNTED = "latency"  # every call is in this histogram exactly once


def calls_of_shards(log: EvidenceLog, arm: Arm = Arm.MAIN) -> dict[tuple[str, int], int]:
    """Return how many calls were sent, by span and shard; what nobody paid for was not sent."""
    sent: dict[tuple[str, int], int] = defaultdict(int)
    for block in log.of(LoadBlock):
        if block.arm is arm:
            unpaid = block.ends.count(CallEnd.NOT_PAID)
            sent[block.span, block.shard] += block.calls - unpaid
    for slice_ in log.of(LoadHistogram):
        if slice_.arm is arm and slice_.quantity == COUNTED:
            unpaid = slice_.ends.get(CallEnd.NOT_PAID, 0)
            sent[slice_.span, slice_.shard] += sum(slice_.ends.values()) - unpaid
    return sent


def why_incomplete(source: str, log: EvidenceLog) -> list[str]:
    """Return why the evidence of a source is not whole: no end, lost shards, calls never sent."""
    reasons = cut_short(source, log)
    plans = list(log.of(LoadPlan))
    if not plans:
        return reasons or [f"{source} planned nothing"]
    missing = [] if is_decided(log) else _missing_calls(plans, log)
    return reasons + _mixed_shards(plans) + _lost_shards(plans) + missing


def is_decided(log: EvidenceLog) -> bool:
    """Whether a source stopped because what was asked is certain, so that no call is missing."""
    return any(end.reason is EndReason.DECIDED for end in log.of(SourceEnd))


def cut_short(source: str, log: EvidenceLog) -> list[str]:
    """Return why a source did not come to its end; nothing if it did."""
    ends = [end for end in log.of(SourceEnd) if end.source == source]
    if not ends:
        return [f"{source} has no end: it was killed or never started"]
    if any(end.reason in _WHOLE for end in ends):
        return []
    return [f"{source} {ends[-1].reason}: {ends[-1].detail or 'no detail'}"]


def _mixed_shards(plans: list[LoadPlan]) -> list[str]:
    """Return which loads are put together of parts that are none of one schedule."""
    schedules: dict[str, set[tuple[object, ...]]] = defaultdict(set)
    for plan in plans:
        if plan.shards > 1:
            whole = plan.arrivals, plan.duration_s, plan.seed, plan.shards, plan.starts_s
            schedules[plan.span].add(whole)
    return [
        f"{span}: its shards are of {len(found)} schedules, which differ in rate, seed or start"
        for span, found in schedules.items()
        if len(found) > 1
    ]


def _lost_shards(plans: list[LoadPlan]) -> list[str]:
    """Return what shards never began; of their calls nothing is known."""
    begun: dict[str, set[int]] = defaultdict(set)
    for plan in plans:
        begun[plan.span].add(plan.shard)
    return [
        f"{span}: {len(lost)} of {shards} shards never began ({', '.join(map(str, lost))})"
        for span in begun
        for shards in (max(plan.shards for plan in plans if plan.span == span),)
        for lost in (sorted(set(range(shards)) - begun[span]),)
        if lost
    ]


def _missing_calls(plans: list[LoadPlan], log: EvidenceLog) -> list[str]:
    sent = calls_of_shards(log)
    planned: dict[tuple[str, int], int] = {}
    for plan in plans:
        if plan.planned is not None:  # a resumed shard plans again; the last plan counts
            planned[plan.span, plan.shard] = plan.planned
    short = {
        shard: count - sent.get(shard, 0)
        for shard, count in planned.items()
        if sent.get(shard, 0) < count
    }
    if not short:
        return []
    total, missing = sum(planned.values()), sum(short.values())
    where = ", ".join(f"{span} shard {shard}: {count:,}" for (span, shard), count in short.items())
    beside = f" ({where})" if len(planned) > 1 else ""
    return [f"{missing:,} of {total:,} planned calls were never sent{beside}"]

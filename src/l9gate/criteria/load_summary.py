"""What a load was and what came of it, arm by arm, as numbers for reports."""

import msgspec

from l9gate.criteria.criterion import Interval, Scope
from l9gate.criteria.excerpt import Excerpt
from l9gate.criteria.load_client import read_cpu_share, read_lag_share, why_limited
from l9gate.criteria.load_finding import cost_usd
from l9gate.criteria.load_samples import (
    rank_gaps,
    rank_latency,
    rank_stalls,
    rank_ttft,
    read_load_pace,
    read_sent_share,
    tally_error,
)
from l9gate.criteria.load_view import word_of
from l9gate.criteria.ranked import Ranked
from l9gate.criteria.rest import prices_of
from l9gate.criteria.shortfall import is_decided
from l9gate.criteria.snapshot import Snapshot
from l9gate.evidence.load import Arm, CallEnd, Entry
from l9gate.evidence.log import EvidenceLog
from l9gate.measure.intervals import nearest_rank, quantile_bounds
from l9gate.wire.messages import Usage, sum_usage

QUANTILES = (0.5, 0.95, 0.99)


class Quantile(msgspec.Struct, frozen=True, kw_only=True):
    """One quantile of a sample with its one-sided bounds, in seconds."""

    q: float
    value_s: float
    interval: Interval


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """Some quantiles of one sample; none of an empty one."""

    n: int
    quantiles: tuple[Quantile, ...]


class ArmSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What came of the calls of one arm, for one model, streams and whole answers apart."""

    span: str
    arm: Arm
    model: str | None
    stream: bool
    calls: int  # that were sent
    whole: int  # answers, with what proves them
    rate_per_s: float | None  # of whole answers; None without two of them
    window_s: float
    latency: Spread  # from when a call was due; timeouts are +infinity
    ttft: Spread  # of streams
    gap: Spread  # between content deltas
    stall: Spread  # the longest gap of each stream
    failed: int
    ends: dict[str, int]  # how calls ended, the most frequent first
    unproven: int  # answers without request id, or without model and usage
    usage: Usage | None
    cost_usd: float | None  # None: a usage or a price is not known


class SpanSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What one span was going to do, and how the client that did it fared."""

    span: str
    entry: Entry
    arrivals: str
    shards: int
    planned: int | None  # None: as many as fit
    sent_share: float | None
    is_decided: bool = False  # it ended before that, as what was asked was certain
    duration_s: float | None
    timeout_s: float
    cpu_share: float | None  # of the client's core, in its worst stretch
    lag_share: float | None  # of the reported p99, in its worst stretch
    limit: str | None  # why the client, and not the API, was measured


class LoadSummary(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that load did in a run."""

    spans: tuple[SpanSummary, ...]
    arms: tuple[ArmSummary, ...]


def summarize_load(log: EvidenceLog, scope: Scope) -> LoadSummary | None:
    """Return what load did, None if there was none."""
    snapshot = Snapshot.of_log(log)
    spans = list(dict.fromkeys(one.span for one in snapshot.load.plans))
    groups = dict.fromkeys(
        (one.span, one.arm, one.model, one.stream)
        for arm in Arm
        for one in snapshot.load.blocks
        if one.arm is arm and one.arm is not Arm.WARM_UP
    )
    if not spans and not groups:
        return None
    return LoadSummary(
        spans=tuple(_span(snapshot, scope, span) for span in spans),
        arms=tuple(_arm(snapshot, scope, *group) for group in groups),
    )


def _span(log: Snapshot, scope: Scope, span: str) -> SpanSummary:
    excerpt = Excerpt(log, scope, frozenset(), {"span": span})
    plans = {one.shard: one for one in log.load.plans if one.span == span}
    first = next(iter(plans.values()))
    planned = [one.planned for one in plans.values()]
    return SpanSummary(
        span=span,
        entry=first.entry,
        arrivals=first.arrivals,
        shards=first.shards,
        planned=sum(count for count in planned if count is not None)
        if all(count is not None for count in planned)
        else None,
        sent_share=read_sent_share(excerpt).value,
        is_decided=is_decided(log),
        duration_s=first.duration_s,
        timeout_s=first.timeout_s,
        cpu_share=read_cpu_share(excerpt).value,
        lag_share=read_lag_share(excerpt).value,
        limit=why_limited(excerpt),
    )


def _arm(
    log: Snapshot, scope: Scope, span: str, arm: Arm, model: str | None, stream: bool
) -> ArmSummary:
    where = {"span": span, "arm": str(arm), "stream": "true" if stream else "false"}
    excerpt = Excerpt(
        log, scope, frozenset(), where if model is None else {**where, "model": model}
    )
    failed, calls = tally_error(excerpt)
    pace = read_load_pace(excerpt)
    return ArmSummary(
        span=span,
        arm=arm,
        model=model,
        stream=stream,
        calls=calls,
        whole=pace.count,
        rate_per_s=pace.count / pace.window_s if pace.window_s > 0 else None,
        window_s=pace.window_s,
        latency=_spread(rank_latency(excerpt), scope),
        ttft=_spread(rank_ttft(excerpt), scope),
        gap=_spread(rank_gaps(excerpt), scope),
        stall=_spread(rank_stalls(excerpt), scope),
        failed=failed,
        ends=_ends(excerpt),
        unproven=int(excerpt.load.is_unproven.sum()),
        usage=sum_usage(one.usage for one in excerpt.load.own_blocks),
        cost_usd=cost_usd(excerpt.load, prices_of(log)),
    )


def _spread(ranked: Ranked, scope: Scope) -> Spread:
    found = []
    for q in QUANTILES if len(ranked) else ():
        low, high = quantile_bounds(ranked, q, scope.alpha, scope.rule)
        interval = Interval(low=low, high=high, confidence=1 - scope.alpha)
        found.append(Quantile(q=q, value_s=nearest_rank(ranked, q), interval=interval))
    return Spread(n=len(ranked), quantiles=tuple(found))


def _ends(excerpt: Excerpt) -> dict[str, int]:
    import numpy as np

    counts = np.bincount(excerpt.load.ends, minlength=len(CallEnd))
    beyond = excerpt.load.ends_beyond()
    found = {word_of(end): int(counts[end]) + beyond.get(end, 0) for end in CallEnd}
    ordered = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    return {word: count for word, count in ordered if count}

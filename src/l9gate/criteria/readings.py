"""What is read off once: counts of tests, runtimes, throughput, memory, our own faults."""

import math
import statistics
from collections import Counter
from collections.abc import Callable

import msgspec

from l9gate.criteria.excerpt import Excerpt
from l9gate.criteria.outcomes import account_of
from l9gate.evidence.records import Gauge


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """One number, what it rests on, and what there is to say about it; None if there is none."""

    value: float | None
    n: int
    note: str | None = None
    evidence: tuple[str, ...] = ()
    doubt: str | None = None  # why a limit that it keeps is not proven to be kept


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """So many events in so many seconds."""

    count: int
    window_s: float


def read_pass_rate(excerpt: Excerpt) -> Reading:
    """Return passed tests by all distinct tests, skipped ones included."""
    account = account_of(excerpt)
    total = len(account.tests)
    return Reading(
        value=account.passed / total if account.executed else None,
        n=total,
        note=account.tally or None,
        evidence=account.not_passed,
    )


def read_failures(excerpt: Excerpt) -> Reading:
    """Return how many tests failed, broke, or passed without proof."""
    account = account_of(excerpt)
    failures = account.failures
    return Reading(
        value=float(len(failures)) if account.executed else None,
        n=account.executed,
        note=account.tally or None,
        evidence=failures,
    )


def read_executed(excerpt: Excerpt) -> Reading:
    """Return how many tests were run at all."""
    executed = account_of(excerpt).executed
    return Reading(value=float(executed) if executed else None, n=executed)


def read_runtime(excerpt: Excerpt) -> Reading:
    """Return how many seconds the sessions of the layers took in all."""
    runs = excerpt.layer_runs()
    total_s = sum(run.ended_s - run.started_s for run in runs)
    return Reading(value=round(total_s, 6) if runs else None, n=len(runs))


def read_growth(name: str) -> Callable[[Excerpt], Reading]:
    """Return what says by how much a gauge grew in the worst span.

    Growth is the median of the last third of a span's readings over its reading at 0 operations;
    n is how many operations the shortest span did.
    """

    def read(excerpt: Excerpt) -> Reading:
        return _worst_growth(excerpt.gauges(name))

    return read


def _worst_growth(found: list[Gauge]) -> Reading:
    spans: dict[tuple[str, str | None], list[Gauge]] = {}
    for gauge in found:
        spans.setdefault((gauge.span, gauge.owner), []).append(gauge)
    grown = {span: _growth(gauges) for span, gauges in spans.items()}
    known = {span: value for span, value in grown.items() if value is not None}
    if not known or len(known) < len(grown):
        note = "no reading before the first operation, or none after it" if grown else None
        return Reading(value=None, n=0, note=note)
    done = {span: max(gauge.operations for gauge in gauges) for span, gauges in spans.items()}
    worst = max(known, key=known.__getitem__)
    beside = f"worst of {len(spans)} spans: {worst[0]}, {done[worst]:,} operations"
    return Reading(
        value=known[worst], n=min(done.values()), note=beside if len(spans) > 1 else None
    )


def read_own_faults(excerpt: Excerpt) -> Reading:
    """Return how many things l9gate itself got wrong or had to drop."""
    faults = excerpt.faults()
    seen = excerpt.observations()
    return Reading(
        value=float(sum(fault.count for fault in faults)) if seen or faults else None,
        n=seen,
        evidence=tuple(f"{fault.where}: {fault.error_class}" for fault in faults),
    )


def read_misconduct(excerpt: Excerpt) -> Reading:
    """Return how often clients did to the simulator what hurts an API or themselves."""
    conducts = excerpt.conducts()
    counts = Counter[str]()
    for conduct in conducts:
        counts.update(conduct.misconduct)
    told = ", ".join(f"{count} {misdeed}" for misdeed, count in sorted(counts.items()))
    return Reading(
        value=float(counts.total()) if conducts else None,
        n=sum(conduct.requests for conduct in conducts),
        note=(told or None) if conducts else "only the simulator of a rehearsal can see it",
        evidence=tuple(f"{one.client}: {what}" for one in conducts for what in one.examples),
    )


def read_survivors(excerpt: Excerpt) -> Reading:
    """Return how many tests passed although the API could not serve them; of several, the worst."""
    controls = excerpt.controls()
    if not controls:
        return Reading(value=None, n=0, note="no control of these tests yet: l9gate control")
    worst = max(controls, key=lambda one: (len(one.survivors), len(one.open_ends)))
    is_decided = bool(worst.survivors) or not worst.open_ends
    return Reading(
        value=float(len(worst.survivors)) if is_decided else None,
        n=worst.tests,
        note="; ".join(worst.open_ends) or None,
        evidence=tuple(f"{one.node_id} ({one.reason})" for one in worst.survivors),
    )


def read_throughput(excerpt: Excerpt) -> Pace:
    """Return the successful calls and the time from the first one sent to the last one ended."""
    calls = [call for call in excerpt.calls if call.last.succeeded]
    if not calls:
        return Pace(count=0, window_s=0.0)
    start_s = min(call.first.sent_s for call in calls)
    end_s = max(call.last.ended_s for call in calls)
    return Pace(count=len(calls), window_s=round(end_s - start_s, 6))


def _growth(gauges: list[Gauge]) -> float | None:
    """Return the growth of one span, None without a base or without a reading after it."""
    ordered = sorted(gauges, key=lambda gauge: (gauge.operations, gauge.at_s))
    bases = [gauge.value for gauge in ordered if gauge.operations == 0]
    later = [gauge.value for gauge in ordered if gauge.operations > 0]
    if not bases or not later:
        return None
    return statistics.median(later[-math.ceil(len(later) / 3) :]) - statistics.median(bases)

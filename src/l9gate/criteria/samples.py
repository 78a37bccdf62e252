"""What is sampled: latencies, and events that happen or do not."""

import math
from collections.abc import Iterable, Mapping

import msgspec

from l9gate.criteria.calls import Call, duration_s, has_failed
from l9gate.criteria.excerpt import Excerpt
from l9gate.evidence.records import CacheState, Signal


class Observation(msgspec.Struct, frozen=True, gc=False):
    """One value and when it was known; of an event the value is 1 or 0."""

    at_s: float
    value: float


def latencies_of(calls: Iterable[Call]) -> list[Observation]:
    """Return how long successful calls took; one that a deadline ended is +infinity."""
    found = []
    for call in calls:
        if call.last.succeeded:
            found.append(Observation(call.last.ended_s, call.latency_s))
        elif call.last.is_censored:
            found.append(Observation(call.last.ended_s, math.inf))
    return found


def observe_latency(excerpt: Excerpt) -> list[Observation]:
    """Return the latencies of calls, in seconds from when they were due."""
    return latencies_of(excerpt.calls)


def observe_ttft(excerpt: Excerpt) -> list[Observation]:
    """Return the seconds from due to first content; +infinity if none came in time."""
    found = []
    for call in excerpt.calls:
        last = call.last
        if not last.stream or not (last.succeeded or last.is_censored):
            continue
        if last.first_token_s is not None:
            found.append(
                Observation(last.ended_s, duration_s(call.first.due_s, last.first_token_s))
            )
        elif last.is_censored:
            found.append(Observation(last.ended_s, math.inf))
    return found


def observe_gaps(excerpt: Excerpt) -> list[Observation]:
    """Return the seconds between content deltas; the gap in which a deadline fell is +infinity."""
    found: list[Observation] = []
    for call in excerpt.calls:
        last = call.last
        if not last.stream or not (last.succeeded or last.is_censored):
            continue
        found.extend(Observation(last.ended_s, gap_s) for gap_s in last.gaps_s)
        if last.is_censored and last.first_token_s is not None:
            found.append(Observation(last.ended_s, math.inf))
    return found


def observe_operation_latency(excerpt: Excerpt) -> list[Observation]:
    """Return how long uncached operations without fallback took, in seconds."""
    return [
        Observation(signal.at_s, signal.duration_s)
        for signal in excerpt.signals()
        if signal.cache is not CacheState.HIT
        and signal.fallback is None
        and not excerpt.ownership.is_about_failure(signal.owner)
    ]


def observe_error(excerpt: Excerpt) -> list[Observation]:
    """Return for every call whether it ended in an error after its retries."""
    return [_event(call.last.ended_s, has_failed(call.last)) for call in excerpt.calls]


def observe_attempt_error(excerpt: Excerpt) -> list[Observation]:
    """Return for every attempt of every call whether it ended in an error."""
    return [
        _event(attempt.ended_s, has_failed(attempt))
        for call in excerpt.calls
        for attempt in call.attempts
    ]


def observe_cache_hit(excerpt: Excerpt) -> list[Observation]:
    """Return for every look-up in the application's cache whether it was a hit."""
    return [
        _event(signal.at_s, signal.cache is CacheState.HIT)
        for signal in excerpt.signals()
        if signal.cache is not CacheState.OFF
    ]


def fallback_signals(excerpt: Excerpt) -> list[Signal]:
    """Return the operations that were not meant to fall back."""
    return [
        signal
        for signal in excerpt.signals()
        if not excerpt.ownership.expects_fallback(signal.owner)
    ]


def observe_fallback(excerpt: Excerpt) -> list[Observation]:
    """Return for every operation whether a degraded result was served."""
    return [
        _event(signal.at_s, signal.fallback is not None) for signal in fallback_signals(excerpt)
    ]


def describe_mix(calls: Iterable[Call], where: Mapping[str, str]) -> str | None:
    """Return what kinds of traffic one latency sample mixes, None if it is of one kind."""
    models = set()
    streams = set()
    for call in calls:
        models.add(call.last.model)
        streams.add(call.last.stream)
    notes = []
    if len(models) > 1 and "model" not in where:
        notes.append(f"{len(models)} models mixed; add where.model")
    if len(streams) > 1 and "stream" not in where:
        notes.append("streams and whole answers mixed; add where.stream")
    return "; ".join(notes) or None


def _event(at_s: float, happened: bool) -> Observation:
    return Observation(at_s, 1.0 if happened else 0.0)

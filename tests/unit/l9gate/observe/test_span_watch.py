"""H-03: the application's own spans, whenever it sets OpenTelemetry up."""

import logging
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import cast

import pytest
from opentelemetry import trace
from opentelemetry.sdk import trace as sdk
from opentelemetry.sdk.trace import TracerProvider

from l9gate.criteria.snapshot import Snapshot
from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import CacheState, Fault, Signal, SignalSource
from l9gate.measure.clock import ManualClock
from l9gate.observe.recorder import Outbox
from l9gate.observe.signals import SignalHandler
from l9gate.observe.span_watch import SDK, SpanWatch, _Span

CONTEXT = trace.SpanContext(trace_id=1, span_id=1, is_remote=False)


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog()


@pytest.fixture
def watch(log: MemoryLog) -> Iterator[SpanWatch]:
    watch = SpanWatch(Outbox(log, ManualClock()), ManualClock())
    yield watch
    watch.detach()


def search(provider: TracerProvider) -> None:
    with provider.get_tracer("shop").start_as_current_span("search") as span:
        span.set_attribute("l9gate.cache", "hit")


def test_a_provider_that_is_made_later_is_heard(watch: SpanWatch, log: MemoryLog) -> None:
    watch.attach()
    search(TracerProvider())
    (seen,) = log.of(Signal)
    assert (seen.operation, seen.cache) == ("search", CacheState.HIT)
    assert seen.span_id is not None


def test_one_that_is_set_up_already_is_heard_too(
    watch: SpanWatch, log: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = TracerProvider()
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    watch.attach()
    search(provider)
    assert len(list(log.of(Signal))) == 1


def test_an_sdk_that_is_imported_later_is_heard(
    watch: SpanWatch, log: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, SDK)
    before = TracerProvider.__init__
    watch.attach()
    assert TracerProvider.__init__ is before
    fresh: ModuleType = sdk
    watch._imports._imported(fresh)
    search(TracerProvider())
    assert len(list(log.of(Signal))) == 1


def test_nothing_is_heard_after_the_end(watch: SpanWatch, log: MemoryLog) -> None:
    original = TracerProvider.__init__
    watch.attach()
    provider = TracerProvider()
    watch.detach()
    search(provider)
    assert list(log.of(Signal)) == []
    assert TracerProvider.__init__ is original


def test_a_wrong_attribute_is_our_fault_and_not_the_applications(
    watch: SpanWatch, log: MemoryLog
) -> None:
    watch.attach()
    # Made by hand: a session that is observed itself would hear of it through a provider.
    span = sdk.ReadableSpan("search", CONTEXT, attributes={"l9gate.cache": "maybe"})
    watch.ended(cast("_Span", span))
    assert [fault.where for fault in log.of(Fault)] == ["observe.spans"]


def test_spans_of_others_are_passed_over(watch: SpanWatch, log: MemoryLog) -> None:
    watch.attach()
    with TracerProvider().get_tracer("shop").start_as_current_span("checkout"):
        pass
    assert log.records == []


def test_what_log_and_span_both_tell_counts_once(watch: SpanWatch, log: MemoryLog) -> None:
    handler = SignalHandler(Outbox(log, ManualClock()), ManualClock())
    logger = logging.getLogger("shop.signals.once")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    fields = {"operation": "search", "duration_s": 0.1, "cache": "miss"}
    try:
        watch.attach()
        tracer = TracerProvider().get_tracer("shop")
        for _ in range(2):
            with tracer.start_as_current_span("search") as span:
                span.set_attribute("l9gate.cache", "miss")
                logger.info("search", extra={"l9gate": fields})
        search(TracerProvider())
    finally:
        logger.removeHandler(handler)
    assert len(list(log.of(Signal))) == 5
    counted = [one.source for one in Snapshot(log).of(Signal)]
    assert counted == [SignalSource.LOG, SignalSource.LOG, SignalSource.SPAN]

"""Builders of records: every field has a plain default, a test names what it is about."""

from collections.abc import Callable, Iterable
from itertools import count
from typing import TypeVar

import msgspec
import pytest

from l9gate.criteria.criterion import Finding, Role, Scope, State
from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import (
    AnyRecord,
    CacheState,
    End,
    EndReason,
    Exchange,
    Gauge,
    Held,
    Layer,
    LayerRun,
    Origin,
    Signal,
    SourceEnd,
    TestOutcome,
    TestState,
)
from l9gate.wire.messages import Usage

T0_S = 1_700_000_000.0
_R = TypeVar("_R", bound=msgspec.Struct)
Build = Callable[..., _R]


def _overridden(record: _R, overrides: dict[str, object]) -> _R:
    return msgspec.structs.replace(record, **overrides) if overrides else record


@pytest.fixture
def exchange() -> Build[Exchange]:
    """Return `exchange(latency_s=0.5, **fields)`: a whole, live answer of POST /v1/messages."""
    numbers = count()

    def build(*, latency_s: float = 0.5, **overrides: object) -> Exchange:
        number = next(numbers)
        due = overrides.get("due_s", T0_S)
        assert isinstance(due, float)
        record = Exchange(
            at_s=due + latency_s,
            exchange_id=f"x{number}",
            call_id=f"c{number}",
            attempt=0,
            owner=None,
            layer=Layer.PERFORMANCE,
            origin=Origin.LIVE,
            method="POST",
            host="api.anthropic.com",
            path="/v1/messages",
            model="claude-haiku-5-5",
            served_model="claude-haiku-5-5",
            stream=False,
            tools=False,
            due_s=due,
            sent_s=due,
            headers_s=due + latency_s,
            first_token_s=None,
            ended_s=due + latency_s,
            gaps_s=(),
            status=200,
            error_type=None,
            error_code=None,
            end=End.COMPLETE,
            request_id=f"req_{number}",
            stop_reason="end_turn",
            usage=Usage(input_tokens=1000, output_tokens=20),
            rate_limit={},
            retry_after_s=None,
            api_version="2026-10-21",
            request_bytes=4000,
            response_bytes=400,
            held=Held.KEPT,
        )
        return _overridden(record, overrides)

    return build


@pytest.fixture
def outcome() -> Build[TestOutcome]:
    """Return `outcome(**fields)`: a passed unit test with a node id of its own."""
    numbers = count()

    def build(**overrides: object) -> TestOutcome:
        record = TestOutcome(
            at_s=T0_S,
            node_id=f"tests/unit/test_x.py::test_{next(numbers)}",
            layer=Layer.UNIT,
            state=TestState.PASSED,
            duration_s=0.01,
        )
        return _overridden(record, overrides)

    return build


@pytest.fixture
def signal() -> Build[Signal]:
    """Return `signal(**fields)`: a search of the performance layer that missed the cache."""

    def build(**overrides: object) -> Signal:
        record = Signal(
            at_s=T0_S,
            operation="search",
            owner=None,
            layer=Layer.PERFORMANCE,
            duration_s=0.6,
            cache=CacheState.MISS,
            fallback=None,
        )
        return _overridden(record, overrides)

    return build


@pytest.fixture
def gauge() -> Build[Gauge]:
    """Return `gauge(**fields)`: a reading of 100 MB resident before the first operation."""

    def build(**overrides: object) -> Gauge:
        record = Gauge(
            at_s=T0_S,
            name="rss_bytes",
            value=100e6,
            span="sustained",
            operations=0,
            owner=None,
            layer=Layer.PERFORMANCE,
        )
        return _overridden(record, overrides)

    return build


@pytest.fixture
def layer_run() -> Build[LayerRun]:
    """Return `layer_run(runtime_s=5.0, **fields)`: a finished unit session."""

    def build(*, runtime_s: float = 5.0, **overrides: object) -> LayerRun:
        record = LayerRun(
            at_s=T0_S + runtime_s,
            layer=Layer.UNIT,
            started_s=T0_S,
            ended_s=T0_S + runtime_s,
            collected=1,
            selected=1,
            exit_status=0,
        )
        return _overridden(record, overrides)

    return build


@pytest.fixture
def source_end() -> Build[SourceEnd]:
    """Return `source_end(**fields)`: the unit suite came to its end."""

    def build(**overrides: object) -> SourceEnd:
        record = SourceEnd(at_s=T0_S, source="suite.unit", reason=EndReason.COMPLETED)
        return _overridden(record, overrides)

    return build


@pytest.fixture
def finding() -> Build[Finding]:
    """Return `finding(**fields)`: a kept exit criterion on 300 calls."""

    def build(**overrides: object) -> Finding:
        record = Finding(
            criterion="latency-p95",
            requirements=("E-03",),
            role=Role.EXIT,
            state=State.KEPT,
            condition="p95(latency_s) < 2",
            observed=1.0,
            limit=2.0,
            unit="s",
            n=300,
            basis="calls",
        )
        return _overridden(record, overrides)

    return build


@pytest.fixture
def scope() -> Build[Scope]:
    """Return `scope(**fields)`: a live run of all four layers."""

    def build(**overrides: object) -> Scope:
        record = Scope(layers=tuple(Layer), kind=Origin.LIVE, environment="staging")
        return _overridden(record, overrides)

    return build


@pytest.fixture
def log_of() -> Callable[..., MemoryLog]:
    """Return `log_of(record, [records], …)`: a log of records and lists of records."""

    def build(*parts: AnyRecord | Iterable[AnyRecord]) -> MemoryLog:
        log = MemoryLog()
        for part in parts:
            for record in [part] if isinstance(part, msgspec.Struct) else part:
                log.put(record)
        return log

    return build

"""Signals of an application that sets OpenTelemetry up late, and of one that tells twice."""

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

from l9gate.criteria.snapshot import Snapshot
from l9gate.evidence.records import CacheState, Fault, Signal, SignalSource
from l9gate.store.run import open_run

Gate = Callable[..., CompletedProcess[str]]

TESTS = """
import subprocess
import sys
import pytest
from client import ask

pytestmark = pytest.mark.integration
CHILD = '''
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
import httpx2
trace.set_tracer_provider(TracerProvider())
with trace.get_tracer("shop").start_as_current_span("child") as span:
    span.set_attribute("l9gate.fallback", "timeout")
'''


def test_late():
    assert "opentelemetry.sdk.trace" not in sys.modules
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider

    trace.set_tracer_provider(TracerProvider())
    ask()
    with trace.get_tracer("shop").start_as_current_span("search") as span:
        span.set_attribute("l9gate.cache", "hit")


def test_twice():
    from neural_tools import telemetry

    ask()
    with telemetry.enclose("search"):
        telemetry.report(telemetry.Operation(name="search", duration_s=0.1, cache="miss"))


def test_child():
    ask()
    subprocess.run([sys.executable, "-c", CHILD], check=True)
"""


def test_spans_are_read_whenever_they_are_set_up_and_count_once(
    project: Path, l9gate: Gate, newest_run: Callable[[], Path]
) -> None:
    """H-03."""
    (project / "tests/integration/test_late.py").write_text(TESTS)
    done = l9gate("run", "integration", "--rehearse", "-k", "test_late")
    with open_run(newest_run()).read() as log:
        told, counted = list(log.of(Signal)), list(Snapshot(log).of(Signal))
        assert list(log.of(Fault)) == [], done.stderr
    file = "tests/integration/test_late.py"
    found = [(one.operation, f"{one.owner}".removeprefix(file), one.source) for one in counted]
    assert sorted(found) == [
        ("child", "::test_child", SignalSource.SPAN),
        ("search", "::test_late", SignalSource.SPAN),
        ("search", "::test_twice", SignalSource.LOG),
    ]
    assert len(told) == 4
    states = {one.operation: one.cache for one in counted if one.source is SignalSource.SPAN}
    assert states == {"search": CacheState.HIT, "child": CacheState.OFF}

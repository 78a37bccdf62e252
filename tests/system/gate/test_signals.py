"""Signals of an application that sets OpenTelemetry up late, and of one that tells twice."""

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

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


CACHES = """
import os
import time
import httpx2
import pytest
from neural_tools import telemetry
from neural_tools.cache import TtlCache

pytestmark = pytest.mark.benchmark
PROMPT = [{"type": "text", "text": "word " * 2000, "cache_control": {"type": "ephemeral"}}]


def ask(prompt):
    body = {"model": "claude-opus-5", "max_tokens": 9, "system": prompt,
            "messages": [{"role": "user", "content": "hi"}]}
    headers = {"authorization": "Bearer " + os.environ["ANTHROPIC_API_KEY"],
               "anthropic-version": "2026-10-21"}
    url = os.environ["ANTHROPIC_BASE_URL"] + "/v1/messages"
    return httpx2.post(url, json=body, headers=headers, timeout=10)


def test_prompt_cache():
    for prompt in (PROMPT, PROMPT, PROMPT, "short"):
        assert ask(prompt).status_code == 200


def test_own_cache(monkeypatch):
    cache = TtlCache(ttl_s=0.05, max_entries=9, clock=time.monotonic)
    if BROKEN:
        monkeypatch.setattr(cache, "_ttl_s", 60.0)  # a bug: it forgets later than it says

    def search():
        found = cache.get("q")
        if found is None:
            cache.put("q", ask("short"))
        telemetry.report(telemetry.Operation(
            name="search", duration_s=0.5 if found is None else 0.001,
            cache="miss" if found is None else "hit",
            avoided_input_tokens=0 if found is None else 1000,
            age_s=None if found is None else found.age_s, ttl_s=0.05))

    for pause_s in (0, 0.01, 0.06):
        time.sleep(pause_s)
        search()
"""
CACHE_POLICY = """
format = 1

[[criterion]]
name = "fresh"
role = "exit"
layers = ["performance"]
require = "cache_stale == 0"
why = "No answer is served beyond its time."

[[criterion]]
name = "prompt-cache"
role = "exit"
layers = ["performance"]
require = "prompt_cache_read > 60%"
why = "The prompt is long and always the same."
"""


@pytest.mark.parametrize(("broken", "status"), [(False, 0), (True, 1)])
def test_both_caches_are_told_apart_and_a_stale_answer_is_found(
    project: Path, l9gate: Gate, broken: bool, status: int
) -> None:
    """H-03, E-06: of three requests with a long prompt one writes and two read."""
    text = CACHES.replace("BROKEN", str(broken))
    (project / "tests/performance/test_performance.py").write_text(text)
    (project / "policy.toml").write_text(CACHE_POLICY)
    done = l9gate("run", "performance", "--rehearse")
    assert done.returncode == status, done.stdout
    told = " ".join(done.stdout.split())
    assert "prompt cache of the API read 66." in told
    assert "of 3 requests with a breakpoint; read/(read+written) 66.7 %, saved 0.0" in told
    hits, stale = (2, 1) if broken else (1, 0)
    assert f"{stale} of {hits} that tell their age stale; avoided {hits} calls" in told
    if broken:
        assert "s old, 0.05 s allowed (tests/performance/test_performance.py" in told


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

"""What the shipped policy asks beside the rows of requirements §5 and §6."""

from collections.abc import Callable

import pytest

from l9gate.criteria.criterion import Finding, Role, Scope, State
from l9gate.criteria.policy import default_policy_text, parse_policy
from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import (
    CacheState,
    Exchange,
    Layer,
    LayerRun,
    Origin,
    Signal,
    TestOutcome,
    TestState,
)

POLICY = parse_policy(default_policy_text(), "default")
BY_NAME = {criterion.name: criterion for criterion in POLICY.criteria}
LIVE = Scope(layers=tuple(Layer), kind=Origin.LIVE, environment="staging", alpha=POLICY.alpha)

KEPT, BROKEN, UNPROVEN = State.KEPT, State.BROKEN, State.UNPROVEN
Log = Callable[..., MemoryLog]
Build = Callable[..., Exchange]
Test = Callable[..., TestOutcome]


def judged(name: str, log: MemoryLog) -> Finding:
    return BY_NAME[name].judge(log, LIVE)


@pytest.mark.parametrize(
    ("calls", "seconds", "state"),
    [(40, 60, KEPT), (39, 60, UNPROVEN), (74, 120, KEPT), (10, 60, BROKEN), (100, 29, UNPROVEN)],
)
def test_throughput_must_be_sustained(
    calls: int, seconds: int, state: State, exchange: Build, outcome: Test, log_of: Log
) -> None:
    """L3-07: by Garwood's bound, 40 calls in 60 s and 74 in 120 s."""
    test = outcome(layer=Layer.PERFORMANCE, scenarios=("sustained_load",))
    step_s = (seconds - 0.5) / (calls - 1)
    sent = [
        exchange(owner=test.node_id, due_s=1_700_000_000.0 + number * step_s)
        for number in range(calls)
    ]
    finding = judged("throughput", log_of(test, sent))
    assert (finding.state, finding.n) == (state, calls)
    assert (finding.decides is not None) is (state is UNPROVEN)


def test_throughput_counts_only_the_sustained_load(exchange: Build, log_of: Log) -> None:
    """L3-07."""
    finding = judged("throughput", log_of([exchange(latency_s=60.0) for _ in range(100)]))
    assert (finding.state, finding.n) == (UNPROVEN, 0)


@pytest.mark.parametrize(
    ("failed", "n", "state"),
    [(0, 59, KEPT), (0, 58, UNPROVEN), (30, 1000, KEPT), (50, 1000, UNPROVEN), (80, 1000, BROKEN)],
)
def test_errors_are_an_exit_criterion(
    failed: int, n: int, state: State, exchange: Build, log_of: Log
) -> None:
    """C-17: failures after retries, by calls."""
    bad = [exchange(status=500, error_type="api_error") for _ in range(failed)]
    good = [exchange() for _ in range(n - failed)]
    finding = judged("error-rate", log_of(bad, good))
    assert (finding.state, finding.n) == (state, n)


@pytest.mark.parametrize(
    ("fallbacks", "n", "state"), [(0, 59, KEPT), (0, 58, UNPROVEN), (20, 100, BROKEN)]
)
def test_fallbacks_are_an_exit_criterion(
    fallbacks: int, n: int, state: State, signal: Callable[..., Signal]
) -> None:
    """C-15: an outage must not look like an improvement."""
    log = MemoryLog([signal(fallback="timeout") for _ in range(fallbacks)])
    log.records += [signal() for _ in range(n - fallbacks)]
    assert judged("fallback-rate", log).state is state


@pytest.mark.parametrize(
    ("name", "layer", "inside_s", "outside_s"),
    [
        ("unit-runtime", Layer.UNIT, 9.99, 10.0),
        ("integration-runtime", Layer.INTEGRATION, 120.0, 120.1),
        ("integration-runtime-floor", Layer.INTEGRATION, 30.0, 29.9),
        ("performance-runtime", Layer.PERFORMANCE, 300.0, 300.1),
        ("performance-runtime-floor", Layer.PERFORMANCE, 60.0, 59.9),
        ("contract-runtime", Layer.CONTRACT, 60.0, 60.1),
        ("contract-runtime-floor", Layer.CONTRACT, 15.0, 14.9),
    ],
)
def test_runtime_budgets(
    name: str,
    layer: Layer,
    inside_s: float,
    outside_s: float,
    layer_run: Callable[..., LayerRun],
) -> None:
    """L1-03, L2-05, L3-03, L4-02."""
    assert judged(name, MemoryLog([layer_run(layer=layer, runtime_s=inside_s)])).state is KEPT
    finding = judged(name, MemoryLog([layer_run(layer=layer, runtime_s=outside_s)]))
    assert finding.state is BROKEN
    assert finding.role is (Role.EXIT if layer is Layer.UNIT else Role.ADVICE)
    assert judged(name, MemoryLog()).state is UNPROVEN


def test_cache_needs_a_shown_expiry(outcome: Test, log_of: Log) -> None:
    """E-06: the TTL test must be in the report."""
    ttl = outcome(scenarios=("cache_ttl",))
    assert judged("cache-ttl", log_of(ttl)).state is KEPT
    assert judged("cache-ttl", log_of(outcome())).state is UNPROVEN
    failed = outcome(scenarios=("cache_ttl",), state=TestState.FAILED)
    assert judged("cache-ttl", log_of(failed)).state is BROKEN


def test_a_stale_hit_refutes_the_shown_expiry(
    outcome: Test, signal: Callable[..., Signal], log_of: Log
) -> None:
    """E-06: whatever the test says; who tells no ages is judged by the test alone."""
    ttl = outcome(scenarios=("cache_ttl",))
    hits = [signal(cache=CacheState.HIT, age_s=age_s, ttl_s=60.0) for age_s in (59.0, 61.0)]
    assert judged("cache-ttl", log_of(ttl, hits[:1])).state is KEPT
    assert judged("cache-ttl", log_of(ttl, hits)).state is BROKEN
    assert judged("cache-stale", log_of(hits[:1])).state is KEPT
    assert judged("cache-stale", log_of(hits)).state is BROKEN
    silent = judged("cache-stale", log_of(signal(cache=CacheState.HIT)))
    assert (silent.state, silent.role) == (UNPROVEN, Role.ADVICE)

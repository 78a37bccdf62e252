"""Every row of requirements §5 and §6, judged with the policy that is shipped."""

from collections.abc import Callable

import msgspec
import pytest

from l9gate.criteria.criterion import Finding, Role, Scope, State
from l9gate.criteria.policy import default_policy_text, parse_policy
from l9gate.errors import ExitCode
from l9gate.evidence.load import Source
from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import (
    CacheState,
    Exchange,
    Gauge,
    Layer,
    Origin,
    Signal,
    TestOutcome,
    TestState,
)
from l9gate.verdict import Outcome, decide

POLICY = parse_policy(default_policy_text(), "default")
BY_NAME = {criterion.name: criterion for criterion in POLICY.criteria}
LIVE = Scope(layers=tuple(Layer), kind=Origin.LIVE, environment="staging", alpha=POLICY.alpha)
EVERYTHING = msgspec.structs.replace(LIVE, sources=tuple(Source))
SCENARIOS = (
    "rate_limited", "overloaded", "server_error", "timeout", "connection", "cut_stream",
    "malformed_answer", "authentication",
)  # fmt: skip

KEPT, BROKEN, UNPROVEN = State.KEPT, State.BROKEN, State.UNPROVEN
Log = Callable[..., MemoryLog]
Build = Callable[..., Exchange]
Test = Callable[..., TestOutcome]


def judged(name: str, log: MemoryLog, scope: Scope = LIVE) -> Finding:
    return BY_NAME[name].judge(log, scope)


def state_of(name: str, log: MemoryLog, scope: Scope = LIVE) -> State:
    return judged(name, log, scope).state


@pytest.fixture
def layer_log(exchange: Build, outcome: Test, log_of: Log) -> Callable[..., MemoryLog]:
    """Return a log of so many passed tests of a layer, each with its own call, and failed ones."""

    def build(layer: Layer, passed: int, state: TestState, others: int = 1) -> MemoryLog:
        states = [TestState.PASSED] * passed + [state] * others
        tests = [outcome(layer=layer, state=one) for one in states]
        answers = [exchange(owner=test.node_id, layer=layer) for test in tests]
        return log_of(tests, answers if layer.is_real else [])

    return build


@pytest.fixture
def sample(exchange: Build, log_of: Log) -> Callable[..., MemoryLog]:
    """Return a log of equal latencies of one layer."""

    def build(latency_s: float, n: int = 300, layer: Layer = Layer.PERFORMANCE) -> MemoryLog:
        return log_of([exchange(latency_s=latency_s, layer=layer) for _ in range(n)])

    return build


@pytest.mark.parametrize(
    ("passed", "failed", "state"), [(95, 5, KEPT), (94, 6, BROKEN), (0, 0, UNPROVEN)]
)
def test_unit_pass_rate(
    passed: int, failed: int, state: State, layer_log: Callable[..., MemoryLog]
) -> None:
    """E-01."""
    log = layer_log(Layer.UNIT, passed, TestState.FAILED, failed)
    assert state_of("unit-pass-rate", log) is state


@pytest.mark.parametrize(("failed", "state"), [(0, KEPT), (1, BROKEN)])
def test_one_failure_of_a_thousand_unit_tests_blocks(
    failed: int, state: State, layer_log: Callable[..., MemoryLog]
) -> None:
    """B-01, C-02."""
    log = layer_log(Layer.UNIT, 1000 - failed, TestState.FAILED, failed)
    finding = judged("unit-failures", log)
    assert (finding.state, finding.n, finding.role) == (state, 1000, Role.BLOCKER)
    assert len(finding.evidence) == failed


def test_unit_failures_without_a_test_are_unproven() -> None:
    """B-01, C-11."""
    assert state_of("unit-failures", MemoryLog()) is UNPROVEN


@pytest.mark.parametrize("name", ["integration-pass-rate", "integration-blocker"])
@pytest.mark.parametrize(
    ("passed", "failed", "state"),
    [(19, 1, KEPT), (18, 1, BROKEN), (95, 5, KEPT), (94, 6, BROKEN), (0, 0, UNPROVEN)],
)
def test_integration_pass_rate(
    name: str, passed: int, failed: int, state: State, layer_log: Callable[..., MemoryLog]
) -> None:
    """E-02, B-02, C-10: 18 of 19 is 94.7 %, and nothing is rounded up."""
    log = layer_log(Layer.INTEGRATION, passed, TestState.FAILED, failed)
    assert state_of(name, log) is state


def test_integration_at_949_of_1000_is_blocked(layer_log: Callable[..., MemoryLog]) -> None:
    """B-02."""
    log = layer_log(Layer.INTEGRATION, 949, TestState.FAILED, 51)
    assert state_of("integration-blocker", log) is BROKEN


def test_skipped_integration_tests_are_no_evidence(layer_log: Callable[..., MemoryLog]) -> None:
    """R-08, C-11."""
    log = layer_log(Layer.INTEGRATION, 0, TestState.SKIPPED, 20)
    finding = judged("integration-blocker", log)
    assert (finding.state, finding.observed) == (UNPROVEN, None)


def test_performance_tests_must_pass_too(layer_log: Callable[..., MemoryLog]) -> None:
    """P-03."""
    assert state_of("performance-pass-rate", MemoryLog()) is UNPROVEN
    log = layer_log(Layer.PERFORMANCE, 19, TestState.FAILED)
    assert state_of("performance-pass-rate", log) is KEPT
    log = layer_log(Layer.PERFORMANCE, 18, TestState.FAILED)
    assert state_of("performance-pass-rate", log) is BROKEN


@pytest.mark.parametrize(
    ("name", "below_s", "at_s", "above_s"),
    [
        ("latency-p50", 0.799, 0.8, 0.801),
        ("latency-p95", 1.999, 2.0, 2.001),
        ("latency-p99", 2.999, 3.0, 3.001),
        ("integration-latency-p95", 1.999, 2.0, 2.001),
    ],
)
def test_latency_targets_are_strict(
    name: str, below_s: float, at_s: float, above_s: float, sample: Callable[..., MemoryLog]
) -> None:
    """E-03, L2-06, L3-04 … L3-06, C-05: each fails alone; exactly the limit fails too."""
    layer = Layer.INTEGRATION if name.startswith("integration") else Layer.PERFORMANCE
    assert state_of(name, sample(below_s, layer=layer)) is KEPT
    assert state_of(name, sample(at_s, layer=layer)) is BROKEN
    assert state_of(name, sample(above_s, layer=layer)) is BROKEN
    assert state_of(name, MemoryLog()) is UNPROVEN


@pytest.mark.parametrize(
    ("name", "needed"), [("latency-p50", 5), ("latency-p95", 59), ("latency-p99", 299)]
)
def test_a_percentile_needs_its_samples(
    name: str, needed: int, sample: Callable[..., MemoryLog]
) -> None:
    """C-09: 5, 59 and 299 calls without one beyond the limit."""
    assert state_of(name, sample(0.5, needed)) is KEPT
    short = judged(name, sample(0.5, needed - 1))
    assert short.state is UNPROVEN
    assert short.observed == 0.5
    assert short.decides is not None
    assert short.decides.startswith("1 more calls")


@pytest.mark.parametrize(
    ("latency_s", "blocker", "exit_state"),
    [(1.999, KEPT, KEPT), (2.0, KEPT, BROKEN), (2.0001, BROKEN, BROKEN)],
)
def test_two_seconds_exactly_fails_the_target_but_does_not_block(
    latency_s: float, blocker: State, exit_state: State, sample: Callable[..., MemoryLog]
) -> None:
    """B-03, C-05, C-06."""
    log = sample(latency_s)
    assert state_of("latency-blocker", log) is blocker
    assert state_of("latency-p95", log) is exit_state
    assert state_of("latency-blocker", MemoryLog()) is UNPROVEN


@pytest.mark.parametrize(("failed", "state"), [(0, KEPT), (1, BROKEN)])
@pytest.mark.parametrize("name", ["contract-failures", "contract-pass-rate"])
def test_one_contract_failure_blocks(
    name: str, failed: int, state: State, layer_log: Callable[..., MemoryLog]
) -> None:
    """E-04, B-04."""
    assert state_of(name, layer_log(Layer.CONTRACT, 20, TestState.FAILED, failed)) is state
    assert state_of(name, MemoryLog()) is UNPROVEN


def test_a_contract_that_was_not_checked_is_not_confirmed(
    layer_log: Callable[..., MemoryLog],
) -> None:
    """E-04, C-11: one skip is less than 100 %."""
    log = layer_log(Layer.CONTRACT, 20, TestState.SKIPPED)
    assert state_of("contract-pass-rate", log) is BROKEN
    assert state_of("contract-failures", log) is KEPT


def test_every_failure_scenario_must_be_proved(outcome: Test, log_of: Log) -> None:
    """E-05."""
    tests = [outcome(scenarios=(name,)) for name in SCENARIOS]
    assert state_of("failure-scenarios", log_of(tests)) is KEPT
    missing = judged("failure-scenarios", log_of(tests[1:]))
    assert (missing.state, missing.reason) == (UNPROVEN, "not proved: rate_limited")
    failed = outcome(scenarios=("timeout",), state=TestState.FAILED)
    broken = judged("failure-scenarios", log_of(tests, failed))
    assert (broken.state, broken.reason) == (BROKEN, "failed: timeout")
    assert broken.evidence == (f"{failed.node_id} (failed)",)
    assert state_of("failure-scenarios", MemoryLog()) is UNPROVEN


def lookups(signal: Callable[..., Signal], hits: int, n: int) -> MemoryLog:
    states = [CacheState.HIT] * hits + [CacheState.MISS] * (n - hits)
    return MemoryLog([signal(cache=state) for state in states])


@pytest.mark.parametrize(
    ("hits", "n", "bound", "state"),
    [
        (146, 431, 0.301, KEPT),
        (136, 401, 0.300, UNPROVEN),
    ],
)
def test_cache_hit_rate_counts_with_its_lower_bound(
    hits: int, n: int, bound: float, state: State, signal: Callable[..., Signal]
) -> None:
    """E-06: a lower bound of 30.1 % passes, one of 30.0 % does not."""
    finding = judged("cache-hit-rate", lookups(signal, hits, n))
    assert finding.state is state
    assert finding.interval is not None
    assert finding.interval.low == pytest.approx(bound, abs=5e-5)


@pytest.mark.parametrize(
    ("hits", "n", "state"),
    [(0, 0, UNPROVEN), (30, 100, UNPROVEN), (200, 1000, BROKEN), (300, 1000, UNPROVEN)],
)
def test_cache_hit_rate_below_the_target_is_not_kept(
    hits: int, n: int, state: State, signal: Callable[..., Signal]
) -> None:
    """E-06, C-01."""
    assert state_of("cache-hit-rate", lookups(signal, hits, n)) is state


@pytest.mark.parametrize(
    ("hits", "n", "state"),
    [
        (88, 519, BROKEN),  # upper bound 19.9 %
        (235, 1295, UNPROVEN),  # upper bound 20.0 %
        (216, 974, KEPT),  # lower bound 20.0 %
        (0, 0, UNPROVEN),
    ],
)
def test_cache_hit_rate_blocks_below_a_fifth(
    hits: int, n: int, state: State, signal: Callable[..., Signal]
) -> None:
    """B-06."""
    assert state_of("cache-hit-rate-blocker", lookups(signal, hits, n)) is state


def test_a_cache_between_the_limits_is_not_ready_without_being_blocked(
    signal: Callable[..., Signal],
) -> None:
    """C-01."""
    log = lookups(signal, 250, 1000)
    assert state_of("cache-hit-rate-blocker", log) is KEPT
    assert state_of("cache-hit-rate", log) is BROKEN


@pytest.mark.parametrize(
    "measured",
    [
        ("memory-growth", "sustained", 1000),
        ("memory-growth-ten-operations", "ten_operations", 10),
    ],
)
@pytest.mark.parametrize(
    ("grown_mb", "exit_state", "blocker"),
    [(49.9, KEPT, KEPT), (50.0, BROKEN, KEPT), (50.1, BROKEN, BROKEN)],
)
def test_memory_growth(
    measured: tuple[str, str, int],
    grown_mb: float,
    exit_state: State,
    blocker: State,
    gauge: Callable[..., Gauge],
) -> None:
    """E-07, B-05, L3-08, C-05, C-07."""
    name, span, operations = measured
    log = MemoryLog(
        [gauge(span=span)]
        + [
            gauge(span=span, operations=operations * step // 3, value=100e6 + grown_mb * 1e6)
            for step in (1, 2, 3)
        ]
    )
    assert state_of(name, log) is exit_state
    assert state_of("memory-blocker", log) is blocker


def test_memory_is_unproven_without_enough_operations(gauge: Callable[..., Gauge]) -> None:
    """E-07, B-05."""
    short = MemoryLog([gauge(), gauge(operations=999, value=100e6)])
    assert state_of("memory-growth", short) is UNPROVEN
    assert judged("memory-growth", short).decides == "1 more operations"
    for name in ("memory-growth", "memory-growth-ten-operations", "memory-blocker"):
        assert state_of(name, MemoryLog()) is UNPROVEN


@pytest.mark.parametrize(("passed", "state"), [(95, KEPT), (94, BROKEN)])
def test_the_whole_suite_passes_at_95_of_100(
    passed: int, state: State, exchange: Build, outcome: Test, log_of: Log
) -> None:
    """P-03: over all layers together."""
    layers = (Layer.UNIT, Layer.INTEGRATION, Layer.PERFORMANCE, Layer.CONTRACT)
    tests = [
        outcome(
            layer=layers[number % 4],
            state=TestState.PASSED if number < passed else TestState.FAILED,
        )
        for number in range(100)
    ]
    answers = [exchange(owner=test.node_id, layer=test.layer) for test in tests]
    finding = judged("suite-pass-rate", log_of(tests, answers))
    assert (finding.state, finding.n) == (state, 100)
    verdict = decide([finding], LIVE)
    assert (verdict.exit_code is ExitCode.READY) is (state is KEPT)


def test_an_empty_run_has_no_kept_criterion() -> None:
    """C-11: absence of evidence is never kept."""
    findings = POLICY.judge(MemoryLog(), EVERYTHING)
    assert len(findings) == len(POLICY.criteria)
    assert {finding.state for finding in findings} == {UNPROVEN}
    assert decide(findings, LIVE).outcome is Outcome.UNPROVEN


def test_the_default_policy_holds_every_row() -> None:
    """E-01 … E-07, B-01 … B-06, P-03."""
    named = {
        requirement
        for finding in POLICY.judge(MemoryLog(), LIVE)
        for requirement in finding.requirements
    }
    rows = {f"E-0{number}" for number in range(1, 8)} | {f"B-0{number}" for number in range(1, 7)}
    assert rows | {"P-03"} <= named

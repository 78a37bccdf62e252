from collections.abc import Callable

import pytest

from l9gate.criteria.criterion import Finding, Role, Scope, State
from l9gate.criteria.policy import parse_policy
from l9gate.criteria.presence import Presence
from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import (
    CacheState,
    Exchange,
    Layer,
    Origin,
    Signal,
    TestOutcome,
    TestState,
)
from l9gate.report.quantity import operator_of

LIVE = Scope(layers=tuple(Layer), kind=Origin.LIVE, environment="staging")
ASKED = Presence(
    name="failure-scenarios",
    role=Role.EXIT,
    layers=frozenset({Layer.UNIT, Layer.INTEGRATION}),
    scenarios=("timeout", "overloaded"),
    requirements=("E-05",),
)
Test = Callable[..., TestOutcome]


def judged(*records: TestOutcome | Exchange) -> Finding:
    return ASKED.judge(MemoryLog(records), LIVE)


def test_scenarios_are_kept_if_each_has_a_passed_test(outcome: Test) -> None:
    """E-05."""
    finding = judged(outcome(scenarios=("timeout", "overloaded")), outcome())
    assert (finding.state, finding.n, finding.basis) == (State.KEPT, 1, "tests")
    assert finding.condition == "scenarios proved: timeout, overloaded"
    assert (finding.observed, finding.limit) == (2.0, 2.0)
    assert finding.layers == (Layer.UNIT, Layer.INTEGRATION)


def test_one_failed_test_breaks_its_scenario(outcome: Test) -> None:
    """E-05."""
    failed = outcome(node_id="t::late", scenarios=("timeout",), state=TestState.ERROR)
    finding = judged(outcome(scenarios=("timeout",)), failed)
    assert finding.state is State.BROKEN
    assert finding.reason == "failed: timeout; not proved: overloaded"
    assert finding.evidence == ("t::late (error)",)


def test_a_skipped_test_proves_no_scenario(outcome: Test) -> None:
    """E-05, R-08."""
    skipped = outcome(node_id="t", scenarios=("timeout",), state=TestState.SKIPPED)
    finding = judged(outcome(scenarios=("overloaded",)), skipped)
    assert (finding.state, finding.reason) == (State.UNPROVEN, "not proved: timeout")
    assert finding.decides == "a passing test for timeout"
    assert finding.evidence == ("t (skipped)",)


def test_a_vacuous_test_breaks_its_scenario(
    outcome: Test, exchange: Callable[..., Exchange]
) -> None:
    test = outcome(node_id="t", layer=Layer.INTEGRATION, scenarios=ASKED.scenarios)
    assert judged(test).state is State.BROKEN
    assert judged(test).evidence == ("t (vacuous: it made no call)",)
    assert judged(test, exchange(owner="t")).state is State.KEPT


REFUTATION = parse_policy(
    'format = 1\n[[criterion]]\nname = "a"\nrole = "exit"\nwhy = "x"\n'
    'require_scenarios = ["cache_ttl"]\nrefuted_by = "cache_stale > 0"\n'
).criteria[0]


@pytest.mark.parametrize(
    ("age_s", "state"), [(60.0, State.KEPT), (61.0, State.BROKEN), (None, State.KEPT)]
)
def test_evidence_refutes_what_a_test_showed(
    outcome: Test, signal: Callable[..., Signal], age_s: float | None, state: State
) -> None:
    """E-06: a stale hit is worth more than the test that says there is none."""
    test = outcome(layer=Layer.UNIT, scenarios=("cache_ttl",))
    hit = signal(cache=CacheState.HIT, age_s=age_s, ttl_s=60.0)
    found = REFUTATION.judge(MemoryLog([test, hit]), LIVE)
    assert found.state is state
    assert found.condition == "scenarios proved: cache_ttl; not refuted by cache_stale"
    assert operator_of(found.condition) is None  # no headline reads it as a number and its limit
    if state is State.BROKEN:
        assert found.reason == ("refuted: cache_stale is 1, n=1; search: 61 s old, 60 s allowed")


def test_evidence_alone_proves_no_scenario(signal: Callable[..., Signal]) -> None:
    """E-06."""
    hit = signal(cache=CacheState.HIT, age_s=1.0, ttl_s=60.0)
    assert REFUTATION.judge(MemoryLog([hit]), LIVE).state is State.UNPROVEN


def test_a_scenario_of_another_layer_does_not_count(outcome: Test) -> None:
    finding = judged(outcome(layer=Layer.CONTRACT, scenarios=ASKED.scenarios, offline=True))
    assert (finding.state, finding.n) == (State.UNPROVEN, 0)

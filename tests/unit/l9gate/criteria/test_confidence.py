"""Requirements §11."""

from collections.abc import Callable, Sequence

import pytest

from l9gate.criteria.confidence import (
    StatedConfidence,
    describe_combination,
    state_confidence,
)
from l9gate.criteria.criterion import Finding, Role, Scope, State
from l9gate.criteria.policy import default_policy_text, parse_policy
from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import Layer, Origin, TestOutcome, TestState

CLAIMS = parse_policy(default_policy_text()).claims
Build = Callable[..., Finding]


@pytest.fixture
def log(outcome: Callable[..., TestOutcome]) -> MemoryLog:
    return MemoryLog([outcome(layer=layer) for layer in Layer])


@pytest.fixture
def kept(finding: Build) -> list[Finding]:
    return [finding(criterion=f"{layer}-kept", layers=(layer,)) for layer in Layer]


def stated(
    findings: Sequence[Finding], scope: Scope, log: MemoryLog
) -> dict[str, StatedConfidence]:
    return {one.claim.requirement: one for one in state_confidence(CLAIMS, findings, scope, log)}


def test_the_five_numbers_are_stated_with_their_assumptions(
    kept: list[Finding], scope: Callable[..., Scope], log: MemoryLog
) -> None:
    """K-01 … K-05."""
    found = stated(kept, scope(), log)
    assert {name: (one.claim.value, one.claim.assumption) for name, one in found.items()} == {
        "K-01": (0.85, "mocks accurately represent the real API"),
        "K-02": (0.95, "staging behaves like production"),
        "K-03": (0.90, "test load matches production usage"),
        "K-04": (0.98, "API versioning prevents breaking changes"),
        "K-05": (0.92, "coverage captures the critical failure modes"),
    }
    assert all(one.established and one.reason is None for one in found.values())


def test_the_overall_number_is_the_plain_mean() -> None:
    """K-05."""
    note = describe_combination(CLAIMS)
    assert note == (
        "the plain mean of the layers is 92.0%; were they independent, their product would be 71.2%"
    )
    assert describe_combination([]) is None


def test_a_layer_that_did_not_run_is_not_established(
    kept: list[Finding], scope: Callable[..., Scope], log: MemoryLog
) -> None:
    found = stated(kept, scope(layers=(Layer.UNIT, Layer.CONTRACT)), log)
    assert {name for name, one in found.items() if one.established} == {"K-01", "K-04"}
    assert found["K-02"].reason == "the layer did not run"
    assert found["K-05"].reason == "needs integration, performance"
    assert found["K-05"].note is not None


def test_a_layer_without_an_executed_test_is_not_established(
    kept: list[Finding], scope: Callable[..., Scope], outcome: Callable[..., TestOutcome]
) -> None:
    log = MemoryLog([outcome(layer=Layer.CONTRACT, state=TestState.SKIPPED)])
    assert stated(kept, scope(), log)["K-04"].reason == "the layer executed no test"


@pytest.mark.parametrize("state", [State.BROKEN, State.UNPROVEN])
def test_a_layer_that_is_not_kept_is_not_established(
    state: State, kept: list[Finding], finding: Build, scope: Callable[..., Scope], log: MemoryLog
) -> None:
    slow = finding(state=state, layers=(Layer.PERFORMANCE,))
    found = stated([*kept, slow], scope(), log)
    assert found["K-03"].reason == f"latency-p95 is {state}"
    assert found["K-05"].established is False
    assert found["K-04"].established is True


def test_advice_and_waived_findings_do_not_count(
    kept: list[Finding], finding: Build, scope: Callable[..., Scope], log: MemoryLog
) -> None:
    layers = (Layer.UNIT,)
    advice = finding(state=State.BROKEN, role=Role.ADVICE, layers=layers)
    waived = finding(state=State.UNPROVEN, waived=True, layers=layers)
    assert stated([*kept, advice, waived], scope(), log)["K-01"].established is True


def test_a_rehearsal_establishes_only_the_unit_layer(
    kept: list[Finding], scope: Callable[..., Scope], log: MemoryLog
) -> None:
    found = stated(kept, scope(kind=Origin.SIMULATED), log)
    assert {name for name, one in found.items() if one.established} == {"K-01"}
    assert found["K-03"].reason == "simulated"


def test_a_layer_that_no_criterion_asks_for_is_not_established(
    scope: Callable[..., Scope], log: MemoryLog
) -> None:
    assert stated([], scope(), log)["K-01"].reason == "no criterion asked for the layer"


def test_the_overall_number_needs_the_whole_suite_kept_too(
    kept: list[Finding], finding: Build, scope: Callable[..., Scope], log: MemoryLog
) -> None:
    suite = finding(criterion="suite-pass-rate", state=State.BROKEN)
    found = stated([*kept, suite], scope(), log)
    assert found["K-05"].reason == "suite-pass-rate is broken"
    assert found["K-01"].established is True

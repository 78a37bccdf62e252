"""B-04, E-04, E-01: differences from the contract, of answers and of mocks."""

from collections.abc import Callable
from datetime import date

import msgspec
import pytest

from l9gate.criteria.confidence import StatedConfidence, state_confidence
from l9gate.criteria.criterion import Finding, Role, Scope, State
from l9gate.criteria.policy import default_policy_text, parse_policy
from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import (
    ContractDrift,
    Exchange,
    HandMade,
    Held,
    LapsedWaiver,
    Layer,
    Origin,
    TestOutcome,
)

POLICY = parse_policy(default_policy_text(), "default")
BY_NAME = {criterion.name: criterion for criterion in POLICY.criteria}
UNIT = "tests/unit/test_x.py::test_a"
Build = Callable[..., Exchange]
Test = Callable[..., TestOutcome]
Log = Callable[..., MemoryLog]
Within = Callable[..., Scope]


def drift(**changes: object) -> ContractDrift:
    facts: dict[str, object] = {
        "at_s": 1.0,
        "code": "shape.missing",
        "impact": "breaking",
        "place": "/usage",
        "expected": "object",
        "found": "nothing",
        "exchange_id": "x0",
        "owner": None,
        "layer": Layer.CONTRACT,
        "origin": Origin.LIVE,
    }
    return ContractDrift(**(facts | changes))  # type: ignore[arg-type]


def mocked(**changes: object) -> ContractDrift:
    facts = {"layer": Layer.UNIT, "origin": Origin.MOCKED, "owner": UNIT}
    return drift(**(facts | changes))


def judged(name: str, log: MemoryLog, scope: Scope) -> Finding:
    return BY_NAME[name].judge(log, scope)


@pytest.mark.parametrize(
    ("name", "layer", "role"),
    [
        ("contract-drift", Layer.CONTRACT, Role.BLOCKER),
        ("integration-drift", Layer.INTEGRATION, Role.EXIT),
        ("performance-drift", Layer.PERFORMANCE, Role.EXIT),
    ],
)
def test_one_broken_promise_is_found(
    exchange: Build, log_of: Log, scope: Within, name: str, layer: Layer, role: Role
) -> None:
    """B-04, E-04: kept, broken, unproven."""
    good = [exchange(layer=layer) for _ in range(3)]
    finding = judged(name, log_of(good), scope())
    assert (finding.state, finding.role, finding.observed, finding.n) == (State.KEPT, role, 0, 3)
    bad = exchange(layer=layer, held=Held.DRIFTED)
    equal = [drift(layer=layer, owner="t"), drift(layer=layer, count=8)]
    finding = judged(name, log_of(good, bad, equal), scope())
    assert (finding.state, finding.observed, finding.n) == (State.BROKEN, 1, 4)
    assert finding.reason == "shape.missing /usage"
    assert finding.evidence == (
        "shape.missing /usage: object expected, nothing found (9x, first in t)",
    )
    assert judged(name, log_of(), scope()).state is State.UNPROVEN


@pytest.mark.parametrize(
    "other",
    [
        {"held": Held.NOT},
        {"origin": Origin.SIMULATED},
        {"layer": Layer.INTEGRATION},
        {"origin": Origin.MOCKED},
    ],
)
def test_what_was_not_looked_at_proves_nothing(
    exchange: Build, log_of: Log, scope: Within, other: dict[str, object]
) -> None:
    seen = exchange(**{"layer": Layer.CONTRACT, **other})
    finding = judged("contract-drift", log_of(seen, drift(origin=Origin.SIMULATED)), scope())
    assert (finding.state, finding.n) == (State.UNPROVEN, 0)


def test_a_rehearsal_is_asked_the_same_of_the_simulator(
    exchange: Build, log_of: Log, scope: Within
) -> None:
    seen = exchange(layer=Layer.CONTRACT, origin=Origin.SIMULATED, held=Held.DRIFTED)
    rehearsal = scope(kind=Origin.SIMULATED)
    log = log_of(seen, drift(origin=Origin.SIMULATED))
    assert judged("contract-drift", log, rehearsal).state is State.BROKEN


def test_warnings_and_faults_that_were_asked_for_are_told_and_break_nothing(
    exchange: Build, log_of: Log, scope: Within
) -> None:
    seen = [exchange(layer=Layer.CONTRACT), exchange(layer=Layer.CONTRACT, held=Held.ON_PURPOSE)]
    warning = drift(code="id.form", impact="warning", place="/id")
    waived = drift(impact="waived", place="/x")
    finding = judged("contract-drift", log_of(seen, warning, waived), scope())
    assert (finding.state, finding.n) == (State.KEPT, 1)
    assert finding.reason == (
        "warning: id.form /id; waived: shape.missing /x; "
        "left out: 1 with a fault that a test asked for"
    )


def test_an_expired_waiver_leaves_it_unproven(exchange: Build, log_of: Log, scope: Within) -> None:
    lapsed = LapsedWaiver(
        at_s=1.0, code="id.form", probe=None, path=None, owner="Ada", expires=date(2026, 11, 21)
    )
    again = msgspec.structs.replace(lapsed, at_s=2.0)  # by another process
    seen = exchange(layer=Layer.CONTRACT)
    words = "the waiver of Ada for id.form expired on 2026-11-21"
    finding = judged("contract-drift", log_of(seen, lapsed, again), scope())
    assert (finding.state, finding.reason) == (State.UNPROVEN, words)
    finding = judged("contract-drift", log_of(seen, lapsed, drift(waiver="expired")), scope())
    assert (finding.state, finding.reason) == (State.BROKEN, "shape.missing /usage")
    assert finding.evidence[0].endswith("nothing found (1x); expired")


def test_a_long_list_is_cut_off(exchange: Build, log_of: Log, scope: Within) -> None:
    seen = exchange(layer=Layer.CONTRACT, held=Held.DRIFTED)
    many = [drift(place=f"/{name}") for name in "abcde"]
    finding = judged("contract-drift", log_of(seen, many), scope())
    assert finding.reason == "shape.missing /a, shape.missing /b, shape.missing /c and 2 more"
    assert len(finding.evidence) == 5


def test_mocks_are_a_quantity_of_their_own(exchange: Build, log_of: Log, scope: Within) -> None:
    """E-01: kept, broken, unproven; advice only."""
    seen = exchange(layer=Layer.UNIT, origin=Origin.MOCKED, owner=UNIT)
    finding = judged("mock-drift", log_of(seen, drift()), scope())
    assert (finding.state, finding.role, finding.n) == (State.KEPT, Role.ADVICE, 1)
    assert judged("mock-drift", log_of(seen, mocked()), scope()).state is State.BROKEN
    assert judged("mock-drift", log_of(), scope()).state is State.UNPROVEN


def test_mocks_of_tests_about_damaged_answers_are_left_out(
    exchange: Build, outcome: Test, log_of: Log, scope: Within
) -> None:
    test = outcome(node_id=UNIT, scenarios=("malformed_answer",))
    damaged = exchange(layer=Layer.UNIT, origin=Origin.MOCKED, owner=UNIT, held=Held.DRIFTED)
    whole = exchange(layer=Layer.UNIT, origin=Origin.MOCKED, owner="other")
    finding = judged("mock-drift", log_of(test, damaged, whole, mocked()), scope())
    assert (finding.state, finding.observed, finding.n) == (State.KEPT, 0, 1)
    assert finding.reason == ("left out: 1 of tests about malformed_answer or cut_stream")


def hand_made(**changes: object) -> HandMade:
    facts = {"at_s": 1.0, "owner": UNIT, "layer": Layer.UNIT, "held": 1, **changes}
    return HandMade(**facts)  # type: ignore[arg-type]


def test_objects_made_by_hand_count_as_mocked_answers(
    exchange: Build, log_of: Log, scope: Within
) -> None:
    seen = exchange(layer=Layer.UNIT, origin=Origin.MOCKED, owner=UNIT)
    finding = judged("mock-drift", log_of(seen, hand_made(held=4)), scope())
    assert (finding.state, finding.n, finding.reason) == (State.KEPT, 5, None)
    made = mocked(built_at="tests/unit/test_x.py:7")
    finding = judged("mock-drift", log_of(hand_made(drifted=1), made), scope())
    assert (finding.state, finding.n) == (State.BROKEN, 1)
    assert finding.evidence == (
        f"shape.missing /usage: object expected, nothing found (1x, first in {UNIT}, "
        "made at tests/unit/test_x.py:7)",
    )


@pytest.mark.parametrize("owner", [UNIT, "tests/unit/test_x.py"])
def test_objects_of_tests_about_damaged_answers_are_left_out(
    outcome: Test, log_of: Log, scope: Within, owner: str
) -> None:
    """What a file makes when it is imported may be any of its tests'."""
    test = outcome(node_id=UNIT, scenarios=("cut_stream",))
    made = [hand_made(owner=owner, drifted=1), hand_made(owner="tests/unit/test_y.py", held=3)]
    finding = judged("mock-drift", log_of(test, made, mocked(owner=owner)), scope())
    assert (finding.state, finding.n) == (State.KEPT, 3)
    assert finding.reason == "left out: 1 of tests about malformed_answer or cut_stream"


def test_objects_that_could_not_be_held_are_told(log_of: Log, scope: Within) -> None:
    made = [hand_made(unread=2), hand_made(held=0, blind="no pydantic 2"), hand_made(unread=1)]
    finding = judged("mock-drift", log_of(made), scope())
    assert (finding.state, finding.n) == (State.KEPT, 2)
    assert finding.reason == (
        "not read: 3 objects with mocks inside; objects made by hand are not seen: no pydantic 2"
    )


def stated(log: MemoryLog, finding: Finding, scope: Scope) -> StatedConfidence:
    return state_confidence(POLICY.claims[:1], [finding], scope, log)[0]


def test_the_claim_of_unit_tests_stands_or_falls_with_its_mocks(
    exchange: Build,
    outcome: Test,
    log_of: Log,
    scope: Within,
    finding: Callable[..., Finding],
) -> None:
    """K-01."""
    kept = finding(layers=(Layer.UNIT,))
    seen = exchange(layer=Layer.UNIT, origin=Origin.MOCKED, owner=UNIT)
    nothing = stated(log_of(outcome()), kept, scope())
    assert (nothing.established, nothing.note) == (
        True, "assumption not tested: no mocked answer was seen",
    )  # fmt: skip
    holds = stated(log_of(outcome(), seen), kept, scope())
    assert (holds.established, holds.note) == (
        True, "assumption holds; mocked answers seen: 1",
    )  # fmt: skip
    void = stated(log_of(outcome(), seen, mocked()), kept, scope())
    assert (void.established, void.reason, void.note) == (
        False,
        "differences of mocks from the API's contract: 1",
        "assumption void: shape.missing /usage",
    )
    other = stated(log_of(outcome(), seen), kept, scope(layers=(Layer.CONTRACT,)))
    assert (other.established, other.note) == (False, None)

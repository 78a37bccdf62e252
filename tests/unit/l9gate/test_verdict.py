from collections.abc import Callable

import pytest

from l9gate.criteria.criterion import Finding, Interval, Role, Scope, State
from l9gate.errors import ExitCode
from l9gate.evidence.records import Layer, Origin
from l9gate.verdict import Outcome, decide

Build = Callable[..., Finding]
KEPT, BROKEN, UNPROVEN = State.KEPT, State.BROKEN, State.UNPROVEN
ALL = tuple(Layer)
PART = (Layer.UNIT, Layer.CONTRACT)
UNIT = (Layer.UNIT,)


@pytest.mark.parametrize(
    ("kind", "layers", "state", "outcome"),
    [
        (Origin.LIVE, ALL, KEPT, Outcome.READY),
        (Origin.LIVE, PART, KEPT, Outcome.LAYERS_KEPT),
        (Origin.LIVE, ALL, BROKEN, Outcome.NOT_READY),
        (Origin.LIVE, PART, BROKEN, Outcome.NOT_READY),
        (Origin.LIVE, ALL, UNPROVEN, Outcome.UNPROVEN),
        (Origin.SIMULATED, ALL, KEPT, Outcome.REHEARSED),
        (Origin.SIMULATED, PART, KEPT, Outcome.LAYERS_REHEARSED),
        (Origin.SIMULATED, ALL, BROKEN, Outcome.REHEARSAL_BROKEN),
        (Origin.SIMULATED, PART, UNPROVEN, Outcome.REHEARSAL_UNPROVEN),
        (Origin.SIMULATED, UNIT, KEPT, Outcome.LAYERS_KEPT),
        (Origin.SIMULATED, UNIT, BROKEN, Outcome.NOT_READY),
        (Origin.LIVE, UNIT, KEPT, Outcome.LAYERS_KEPT),
    ],
)
def test_the_outcome_follows_from_the_findings_and_the_scope(
    kind: Origin,
    layers: tuple[Layer, ...],
    state: State,
    outcome: Outcome,
    finding: Build,
    scope: Callable[..., Scope],
) -> None:
    verdict = decide([finding(state=state)], scope(kind=kind, layers=layers))
    codes = {KEPT: ExitCode.READY, BROKEN: ExitCode.NOT_READY, UNPROVEN: ExitCode.UNPROVEN}
    assert (verdict.outcome, verdict.exit_code) == (outcome, codes[state])


@pytest.mark.parametrize("kind", [kind for kind in Origin if kind is not Origin.LIVE])
def test_only_a_live_run_can_be_ready(
    kind: Origin, finding: Build, scope: Callable[..., Scope]
) -> None:
    verdict = decide([finding()], scope(kind=kind))
    assert "ready" not in str(verdict.outcome)


@pytest.mark.parametrize(
    ("kind", "layers", "state", "outcome"),
    [
        (Origin.LIVE, (), KEPT, Outcome.SOURCES_KEPT),
        (Origin.LIVE, (), BROKEN, Outcome.NOT_READY),
        (Origin.LIVE, (), UNPROVEN, Outcome.UNPROVEN),
        (Origin.SIMULATED, (), KEPT, Outcome.SOURCES_REHEARSED),
        (Origin.SIMULATED, (), BROKEN, Outcome.REHEARSAL_BROKEN),
        (Origin.SIMULATED, (), UNPROVEN, Outcome.REHEARSAL_UNPROVEN),
        (Origin.SIMULATED, UNIT, KEPT, Outcome.LAYERS_REHEARSED),
        (Origin.LIVE, ALL, KEPT, Outcome.READY),
    ],
)
def test_a_source_alone_is_never_ready(
    kind: Origin,
    layers: tuple[Layer, ...],
    state: State,
    outcome: Outcome,
    finding: Build,
    scope: Callable[..., Scope],
) -> None:
    asked = scope(kind=kind, layers=layers, sources=("load",))
    assert decide([finding(state=state)], asked).outcome is outcome


def test_nothing_asked_is_unproven(scope: Callable[..., Scope]) -> None:
    verdict = decide([], scope())
    assert (verdict.outcome, verdict.deciding) == (Outcome.UNPROVEN, None)


def test_a_complete_run_of_which_nothing_was_asked_is_unproven(
    finding: Build, scope: Callable[..., Scope]
) -> None:
    whole = finding(criterion="complete", role=Role.EXIT, state=KEPT)
    advice = finding(role=Role.ADVICE, state=KEPT)
    assert decide([whole, advice], scope()).outcome is Outcome.UNPROVEN
    assert decide([whole, finding(role=Role.EXIT, state=KEPT)], scope()).outcome is Outcome.READY


@pytest.mark.parametrize("state", list(State))
def test_advice_never_decides(state: State, finding: Build, scope: Callable[..., Scope]) -> None:
    advice = finding(role=Role.ADVICE, state=state)
    assert decide([advice], scope()).outcome is Outcome.UNPROVEN
    verdict = decide([finding(), advice], scope())
    assert verdict.outcome is Outcome.READY
    assert verdict.findings == (finding(), advice)
    assert verdict.deciding == finding()


def test_a_waived_finding_never_decides(finding: Build, scope: Callable[..., Scope]) -> None:
    waived = finding(state=UNPROVEN, waived=True)
    assert decide([waived], scope()).outcome is Outcome.UNPROVEN
    assert decide([finding(), waived], scope()).outcome is Outcome.READY


@pytest.mark.parametrize("role", [Role.BLOCKER, Role.EXIT])
def test_one_broken_is_worse_than_many_unproven(
    role: Role, finding: Build, scope: Callable[..., Scope]
) -> None:
    findings = [finding(state=UNPROVEN)] * 5 + [finding(role=role, state=BROKEN)]
    assert decide(findings, scope()).outcome is Outcome.NOT_READY


def test_the_worst_finding_decides(finding: Build, scope: Callable[..., Scope]) -> None:
    order = [
        finding(criterion=f"{state}-{role}", state=state, role=role)
        for state in (BROKEN, UNPROVEN, KEPT)
        for role in (Role.BLOCKER, Role.EXIT)
    ]
    for first in range(len(order)):
        assert decide(list(reversed(order[first:])), scope()).deciding in order[first : first + 2]
    for first in range(4):
        assert decide(list(reversed(order[first:])), scope()).deciding == order[first]


def test_if_all_are_kept_the_nearest_to_its_limit_decides(
    finding: Build, scope: Callable[..., Scope]
) -> None:
    far = finding(criterion="far", observed=1.0)
    near = finding(criterion="near", observed=1.9)
    bound = finding(
        criterion="bound",
        observed=1.0,
        interval=Interval(low=0.5, high=1.99, confidence=0.95),
    )
    assert decide([far, near], scope()).deciding == near
    assert decide([far, near, bound], scope()).deciding == bound


def test_what_equals_its_limit_by_definition_is_not_near(
    finding: Build, scope: Callable[..., Scope]
) -> None:
    far = finding(criterion="far", observed=0.1)
    others = [
        finding(condition="failures == 0", observed=0.0, limit=0.0),
        finding(condition="pass_rate == 100%", observed=1.0, limit=1.0),
        finding(condition="scenarios proved: timeout", observed=1.0, limit=1.0),
        finding(observed=None),
        finding(limit=None),
    ]
    assert decide([*others, far], scope()).deciding == far
    assert decide(others, scope()).deciding == others[0]

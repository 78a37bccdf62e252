"""The criterion on the negative control, and roles that depend on the environment."""

import pytest

from l9gate.criteria.criterion import Role, Scope, State
from l9gate.criteria.policy import default_policy_text, parse_policy
from l9gate.criteria.standing import Standing
from l9gate.errors import PolicyError
from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import Control, Layer, Origin, Survivor

POLICY = parse_policy(default_policy_text())
(CONTROL,) = (one for one in POLICY.criteria if one.name == "control")
SURVIVOR = Survivor(node_id="t", layer=None, place="t.py:1", against=("dead",), reason="mock")


def control(*survivors: Survivor, open_ends: tuple[str, ...] = ()) -> Control:
    return Control(
        at_s=1.0, digest="d", layers=(), tests=9, survivors=survivors, open_ends=open_ends
    )


def scope(environment: str) -> Scope:
    return Scope(layers=tuple(Layer), kind=Origin.LIVE, environment=environment)


@pytest.mark.parametrize(
    ("environment", "role"),
    [
        ("development", Role.ADVICE),
        ("staging", Role.EXIT),
        ("production", Role.EXIT),
        ("europe", Role.EXIT),
    ],
)
def test_control_advises_in_development_and_decides_elsewhere(environment: str, role: Role) -> None:
    assert CONTROL.judge(MemoryLog([control()]), scope(environment)).role is role
    assert CONTROL.role is Role.EXIT
    assert isinstance(CONTROL, Standing)
    assert CONTROL.role_in_words == "exit, advice in development"
    assert CONTROL.layers == {Layer.INTEGRATION}


def test_control_without_survivors_is_kept() -> None:
    finding = CONTROL.judge(MemoryLog([control()]), scope("staging"))
    assert (finding.state, finding.observed, finding.n) == (State.KEPT, 0, 9)


def test_survivors_break_it_and_are_named() -> None:
    whole, broken = control(), control(SURVIVOR, open_ends=("dead: time ran out",))
    finding = CONTROL.judge(MemoryLog([broken, whole]), scope("staging"))
    assert (finding.state, finding.observed) == (State.BROKEN, 1)
    assert finding.evidence == ("t (mock)",)


def test_without_a_control_it_is_unproven_and_says_what_to_do() -> None:
    finding = CONTROL.judge(MemoryLog(), scope("staging"))
    assert finding.state is State.UNPROVEN
    assert "no control of these tests yet: l9gate control" in (finding.reason or "")


def test_a_control_with_open_ends_is_unproven() -> None:
    log = MemoryLog([control(), control(open_ends=("dead: time ran out",))])
    finding = CONTROL.judge(log, scope("staging"))
    assert finding.state is State.UNPROVEN
    assert "dead: time ran out" in (finding.reason or "")


def test_a_role_that_does_not_exist_is_refused_with_its_line() -> None:
    text = default_policy_text().replace('development = "advice"', 'development = "hint"')
    with pytest.raises(PolicyError, match=r"line \d+: criterion `control`"):
        parse_policy(text)

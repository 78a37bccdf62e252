"""Which requests meet a fault, or an answer of their own."""

import pytest

from l9gate.errors import PlanError
from l9gate.simulator.faults import NO_FAULT, Fault
from l9gate.simulator.rules import MISS, Asked, FaultPlan, FaultRule


def _statuses(plan: FaultPlan, count: int, path: str = "/v1/messages") -> list[int | None]:
    return [plan.hit_for(Asked(path=path, model="m")).fault.status for _ in range(count)]


def test_the_nth_request_is_hit_once() -> None:
    assert _statuses(FaultPlan((FaultRule(fault="status=500", nth=2),)), 4) == [
        None, 500, None, None,
    ]  # fmt: skip


def test_every_third_request_is_hit() -> None:
    plan = FaultPlan((FaultRule(fault="status=500", every=3),))
    assert _statuses(plan, 6) == [None, None, 500, None, None, 500]


def test_a_rule_counts_only_what_it_matches() -> None:
    rule = FaultRule(fault="status=500", nth=1, path="/v1/messages", model="m")
    plan = FaultPlan((rule,))
    assert _statuses(plan, 2, "/v1/models") == [None, None]
    assert plan.hit_for(Asked(path="/v1/messages", model="other")).fault is NO_FAULT
    assert _statuses(plan, 2) == [500, None]


def test_of_two_rules_the_first_wins() -> None:
    plan = FaultPlan((FaultRule(fault="status=500"), FaultRule(fault="status=503")))
    assert _statuses(plan, 1) == [500]


def test_the_fault_that_was_set_comes_before_rules() -> None:
    plan = FaultPlan((FaultRule(fault="status=500"),))
    plan.current = Fault(status=529)
    assert _statuses(plan, 1) == [529]


@pytest.mark.parametrize(("nth", "every"), [(0, None), (None, 0)])
def test_a_rule_that_counts_from_nought_is_refused(nth: int | None, every: int | None) -> None:
    with pytest.raises(PlanError, match="count from 1"):
        FaultRule(fault="status=500", nth=nth, every=every)


def test_a_rule_with_a_bad_fault_is_refused() -> None:
    with pytest.raises(PlanError, match="bogus"):
        FaultRule(fault="bogus")


def test_the_first_requests_are_hit() -> None:
    plan = FaultPlan((FaultRule(status=500, first=2),))
    assert _statuses(plan, 4) == [500, 500, None, None]


def test_a_share_is_drawn_with_the_seed_and_repeats() -> None:
    def draw(seed: int) -> list[int | None]:
        return _statuses(FaultPlan((FaultRule(status=500, share=0.3, seed=seed),)), 400)

    assert draw(1) == draw(1) != draw(2)
    assert 80 < draw(1).count(500) < 160


def test_a_rule_may_mean_one_key() -> None:
    plan = FaultPlan((FaultRule(status=500, key="sk-one-1"),))
    hits = [plan.hit_for(Asked(path="/", key=key)).fault.status for key in ("sk-one-1", "sk-2")]
    assert hits == [500, None]
    assert "sk-one-1" not in repr(plan._rules)


@pytest.mark.parametrize(
    ("body", "is_hit"),
    [
        (b'{"messages": [{"role": "user", "content": "the weather"}]}', True),
        (b'{"messages": [{"role": "user", "content": [{"type": "", "text": "weather"}]}]}', True),
        (b'{"messages": [{"role": "user", "content": "weather"}, {"role": "user"}]}', False),
        (b'{"messages": [{"role": "user", "content": 3}]}', False),
        (b"no json", False),
    ],
)
def test_a_rule_may_mean_what_the_last_user_message_says(body: bytes, is_hit: bool) -> None:
    plan = FaultPlan((FaultRule(status=500, contains="weather"),))
    assert (plan.hit_for(Asked(path="/", body=body)) is not MISS) is is_hit


def test_a_rule_may_give_the_answer() -> None:
    plan = FaultPlan((FaultRule(text="It rains.", nth=1), FaultRule(tool="look", input={"a": 1})))
    first, second = (plan.hit_for(Asked(path="/")) for _ in range(2))
    assert first.content(str) == "It rains."
    assert second.content(lambda number: f"toolu_{number}") == [
        {"type": "tool_use", "id": "toolu_0", "name": "look", "input": {"a": 1},
         "caller": {"type": "direct"}, "toolset_name": None},
    ]  # fmt: skip
    assert MISS.content(str) is None


def test_the_fault_that_was_set_leaves_a_rules_answer() -> None:
    plan = FaultPlan((FaultRule(text="hello"),))
    plan.current = Fault(stall_s=1)
    hit = plan.hit_for(Asked(path="/"))
    assert (hit.fault, hit.content(str)) == (Fault(stall_s=1), "hello")


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({}, "does nothing"),
        ({"fault": "malformed", "first": 0}, "count from 1"),
        ({"fault": "malformed", "share": 1.5}, "0 to 1"),
        ({"text": "a", "tool": "b"}, "exclude"),
        ({"text": "a", "input": {}}, "needs `tool`"),
        ({"status": 200}, "status=200"),
        ({"stop_reason": "tired"}, "stop_reason=tired"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused(options: dict[str, int], why: str) -> None:
    with pytest.raises(PlanError, match=why):
        FaultRule(**options)  # type: ignore[arg-type]

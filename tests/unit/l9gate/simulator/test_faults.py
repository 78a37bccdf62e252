"""What the simulator is told to do wrong."""

import pytest

from l9gate.errors import PlanError
from l9gate.simulator.faults import NO_FAULT, Fault, FaultPlan, FaultRule, parse_fault_text


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", NO_FAULT),
        (" , ;", NO_FAULT),
        ("status=529", Fault(status=529)),
        ("Status=429; retry-after=30, delay_s=0.5", Fault(status=429, retry_after=30, delay_s=0.5)),
        ("cut_after_events=0", Fault(cut_after_events=0)),
        ("reset_after_events=3,stall_s=1", Fault(reset_after_events=3, stall_s=1)),
        ("cut_body", Fault(cut_body=True)),
        ("malformed", Fault(malformed=True)),
        ("empty,invalid_json_text", Fault(empty=True, invalid_json_text=True)),
        ("stop_reason=refusal", Fault(stop_reason="refusal")),
        ("error_event=overloaded_error", Fault(error_event="overloaded_error")),
        ("error_code=ramp_limit_exceeded,should_retry=false",
         Fault(error_code="ramp_limit_exceeded", should_retry="false")),
    ],
)  # fmt: skip
def test_tokens_make_a_fault(text: str, fault: Fault) -> None:
    assert parse_fault_text(text) == fault


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("status=529,bogus=1", "bogus=1"),
        ("status=200", "status=200"),
        ("status=600", "status=600"),
        ("status=x", "status=x"),
        ("status", "status"),
        ("delay_s=-1", "delay_s=-1"),
        ("delay_s=nan", "delay_s=nan"),
        ("delay_s=soon", "delay_s=soon"),
        ("cut_after_events=1.5", "cut_after_events=1.5"),
        ("cut_after_events=9999999999", "cut_after_events=9999999999"),
        ("cut_body=1", "cut_body=1"),
        ("stop_reason=tool_use", "stop_reason=tool_use"),
        ("error_event=other", "error_event=other"),
        ("error_code=No Code", "error_code=No Code"),
        ("should_retry=maybe", "should_retry=maybe"),
    ],
)
def test_a_bad_token_is_named(text: str, named: str) -> None:
    with pytest.raises(PlanError, match=f"fault `{named}`"):
        parse_fault_text(text)


def test_an_endless_text_is_refused() -> None:
    with pytest.raises(PlanError, match="more than 500"):
        parse_fault_text("cut_body," * 100)


def _statuses(plan: FaultPlan, count: int, path: str = "/v1/messages") -> list[int | None]:
    return [plan.fault_for(path, "m").status for _ in range(count)]


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
    assert plan.fault_for("/v1/messages", "other") is NO_FAULT
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

"""What the simulator is told to do wrong."""

import pytest

from l9gate.errors import PlanError
from l9gate.simulator.drift import EventDrift, FieldDrift, Spot
from l9gate.simulator.faults import NO_FAULT, TOKENS, Fault, label_of, parse_fault_text


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
        ("status=503,error_shape=openai", Fault(status=503, error_shape="openai")),
        ("first_token_delay_s=2,event_delay_s=1",
         Fault(first_token_delay_s=2, event_delay_s=1)),
        ("stall_s=9,stall_at_event=4", Fault(stall_s=9, stall_at_event=4)),
        ("close_after_events=2,done_event", Fault(close_after_events=2, done_event=True)),
        ("cut_inside_event=1", Fault(cut_inside_event=1)),
        ("content_type=text/plain", Fault(content_type="text/plain")),
        ("drop_header=Request-Id,drop_header=retry-after",
         Fault(drop_headers=("request-id", "retry-after"))),
        ("set_header=Retry-After: soon", Fault(set_headers=(("retry-after", "soon"),))),
        ("drop_event=message_stop,duplicate_event=0",
         Fault(events=(EventDrift("drop", Spot(name="message_stop")),
                       EventDrift("duplicate", Spot(number=0))))),
        ("remove_field=usage.output_tokens@3",
         Fault(fields=(FieldDrift("remove", ("usage", "output_tokens"), None, Spot(number=3)),))),
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
        ("stall_at_event=3", "stall_at_event=3"),
        ("error_shape=xml", "error_shape=xml"),
        ("drop_header=a b", "drop_header=a b"),
        ("set_header=x", "set_header=x"),
        ("set_header=x:é", "set_header=x:é"),
        ("drop_event=-1", "drop_event=-1"),
        ("rename_field=id", "rename_field=id"),
    ],
)
def test_a_bad_token_is_named(text: str, named: str) -> None:
    with pytest.raises(PlanError, match=f"fault `{named}`"):
        parse_fault_text(text)


def test_an_endless_text_is_refused() -> None:
    with pytest.raises(PlanError, match="more than 500"):
        parse_fault_text("cut_body," * 100)


def test_the_message_about_a_bad_token_lists_every_one() -> None:
    with pytest.raises(PlanError) as refused:
        parse_fault_text("bogus")
    assert refused.value.hint is not None
    listed = refused.value.hint.removeprefix("known faults: ").split(", ")
    assert listed == sorted(token.name for token in TOKENS)


def test_a_label_names_what_a_fault_does_without_values() -> None:
    fault = parse_fault_text("status=529,retry-after=3,drop_event=ping,set_field=id:secret")
    assert label_of(fault) == "drop_event,retry_after,set_field,status"
    assert label_of(NO_FAULT) == ""


def test_every_fault_that_breaks_a_body_off_says_so() -> None:
    texts = ("cut_body", "cut_after_events=1", "close_after_events=1", "reset_after_events=1")
    assert all(parse_fault_text(text).cuts_body for text in (*texts, "cut_inside_event=0"))
    assert not parse_fault_text("stall_s=3").cuts_body

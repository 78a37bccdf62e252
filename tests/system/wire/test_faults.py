"""Errors and broken answers on demand: sections 7, 9.5, 12.4, 13, and what section 18 lists.

Every fault is asked for in the request, so one request at a time goes wrong and no other.
"""

import json
from collections.abc import Callable
from typing import TypeAlias

import pytest

from l9gate.net.client import ClientResponse
from l9gate.wire.json import JsonObject

Ask: TypeAlias = Callable[..., ClientResponse]
Refused: TypeAlias = Callable[[ClientResponse], tuple[int, str, str]]
Folded: TypeAlias = Callable[[list[JsonObject]], JsonObject]
STREAMED: JsonObject = {"stream": True}
TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}
CALLS: dict[str, dict[str, object]] = {
    "message": {},
    "stream": {"changes": STREAMED},
    "count": {"path": "/v1/messages/count_tokens", "drop": ("max_tokens",)},
    "models": {"path": "/v1/models", "method": "GET"},
}


def doing(fault: str) -> dict[str, str]:
    return {"x-l9gate-fault": fault}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize(("status", "kind"), TYPES.items())
def test_every_status_has_its_type(
    ask: Ask, refusal_in: Refused, status: int, kind: str, call: dict[str, object]
) -> None:
    """7.1, 7.2, 19.2; K6, K13, K23, K27, K28; also where a stream was asked for (9.1)."""
    assert refusal_in(ask(**call, headers=doing(f"status={status}")))[:2] == (status, kind)


@pytest.mark.parametrize("status", [408, 412, 422, 431, 499, 501, 503, 502, 520])
def test_a_status_that_is_not_documented_still_has_the_envelope(
    ask: Ask, refusal_in: Refused, status: int
) -> None:
    """7.1, 7.2."""
    found, kind, _ = refusal_in(ask(headers=doing(f"status={status}")))
    assert found == status
    assert kind in ("api_error" if status >= 500 else "invalid_request_error", "timeout_error")


CODES = [
    (400, "image_dimensions_too_large"),
    (400, "organization_on_hold"),
    (402, "linked_organization_spend_limit_reached"),
    (403, "user_profile_not_billable"),
    (404, "file_expired"),
    (413, "request_body_too_large_after_decoding"),
    (429, "enforced_spend_limit_reached"),
    (429, "ramp_limit_exceeded"),
    (503, "cmek_key_unreachable"),
    (529, "compaction_unavailable"),
]


@pytest.mark.parametrize(("status", "code"), CODES, ids=[code for _, code in CODES])
def test_an_error_carries_its_code(ask: Ask, refusal_in: Refused, status: int, code: str) -> None:
    """7.4."""
    answer = ask(headers=doing(f"status={status},error_code={code}"))
    assert refusal_in(answer)[0] == status
    assert json.loads(answer.body)["error"]["details"]["error_code"] == code


HEADERS = {
    "12.4 bucket": ("status=429,retry-after=7", {"retry-after": "7"}, ()),
    "12.4 acceleration": (
        "status=429,error_code=ramp_limit_exceeded,retry-after=2",
        {"retry-after": "2"},
        (),
    ),
    "12.4 bytes": (
        "status=429,should_retry=true",
        {"x-should-retry": "true"},
        ("retry-after",),
    ),
    "12.4 monthly cap": (
        "status=429,error_code=enforced_spend_limit_reached",
        {},
        ("retry-after", "x-should-retry"),
    ),
    "13 no retry": ("status=500,should_retry=false", {"x-should-retry": "false"}, ()),
    "13 retry of a 400": ("status=400,should_retry=true", {"x-should-retry": "true"}, ()),
    "13 two hours": ("status=429,retry-after=7200", {"retry-after": "7200"}, ()),
    "13 parts of a second": ("status=529,retry-after=0.5", {"retry-after": "0.5"}, ()),
    "7.3 overloaded": ("status=529", {}, ("retry-after",)),
}


@pytest.mark.parametrize(("fault", "there", "absent"), HEADERS.values(), ids=HEADERS)
def test_an_error_says_when_to_come_back_or_does_not(
    ask: Ask, fault: str, there: dict[str, str], absent: tuple[str, ...]
) -> None:
    """12.4, 13, 19.13."""
    headers = ask(headers=doing(fault)).headers
    assert {name: headers[name] for name in there} == there
    assert [name for name in absent if name in headers] == []


@pytest.mark.parametrize("kind", TYPES.values())
def test_an_error_within_a_stream_ends_it(
    ask: Ask, events_in: Callable[[ClientResponse], list[JsonObject]], kind: str
) -> None:
    """9.5; K8, K29: after a 200, in the envelope, with the id of the header and no end after it."""
    answer = ask(STREAMED, headers=doing(f"error_event={kind}"))
    *before, last = events_in(answer)
    assert [event["type"] for event in before][:2] == ["message_start", "ping"]
    assert "message_stop" not in [event["type"] for event in before]
    assert "message_delta" not in [event["type"] for event in before]
    assert last["type"] == "error"
    assert last["request_id"] == answer.headers["request-id"]
    error = last["error"]
    assert isinstance(error, dict)
    assert error["type"] == kind
    assert error["message"]


@pytest.mark.parametrize(
    "fault",
    ["close_after_events=3", "cut_inside_event=3", "cut_body", "close_after_events=0"],
)
def test_a_cut_shows_in_the_framing(ask: Ask, fault: str) -> None:
    """9.6: the last chunk never comes."""
    with pytest.raises(EOFError):
        ask(STREAMED, headers=doing(fault))


def test_a_reset_is_a_reset(ask: Ask) -> None:
    """9.6."""
    with pytest.raises(ConnectionResetError):
        ask(STREAMED, headers=doing("reset_after_events=3"))


def test_half_a_body_is_no_answer(ask: Ask) -> None:
    """9.6."""
    with pytest.raises(EOFError):
        ask(headers=doing("cut_body"))


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8])
def test_a_stream_may_end_as_if_it_were_whole(
    ask: Ask,
    events_in: Callable[[ClientResponse], list[JsonObject]],
    folded: Folded,
    count: int,
) -> None:
    """9.6, C1: only the missing `message_stop` tells."""
    events = events_in(ask(STREAMED, headers=doing(f"cut_after_events={count}")))
    assert len(events) == count
    with pytest.raises(AssertionError):
        folded(events)


BROKEN = {
    "K3 two starts": "duplicate_event=message_start",
    "no start": "drop_event=message_start",
    "no start of the block": "drop_event=content_block_start",
    "K21 no end of the block": "drop_event=content_block_stop",
    "no reason": "drop_event=message_delta",
    "C3 no end": "drop_event=message_stop",
    "two ends": "duplicate_event=message_stop",
    "C5 a delta after the end": "swap_event=message_delta",
    "a delta before its block": "swap_event=content_block_start",
    "an index that was never opened": "wrong_index=content_block_delta",
    "an index of another block": "wrong_index=content_block_stop",
}


@pytest.mark.parametrize("fault", BROKEN.values(), ids=BROKEN)
def test_a_broken_order_of_events_is_seen_by_the_grammar(
    ask: Ask,
    events_in: Callable[[ClientResponse], list[JsonObject]],
    folded: Folded,
    fault: str,
) -> None:
    """9.2: the suite's own grammar would find each of them, so that its silence means something."""
    events = events_in(ask(STREAMED, headers=doing(fault)))
    with pytest.raises(AssertionError):
        folded(events)


def test_an_event_that_nobody_knows_is_only_more(ask: Ask) -> None:
    """5: the API may add events within a version."""
    plain = ask(STREAMED).body.split(b"\n\n")
    more = ask(STREAMED, headers=doing("unknown_event=1")).body.split(b"\n\n")
    assert len(more) == len(plain) + 1
    known = (b"event: message_", b"event: content_block_", b"event: ping")
    assert [event for event in more if event and not event.startswith(known)] == more[1:2]


def test_other_apis_end_with_done(ask: Ask) -> None:
    """9.1, 9.6."""
    assert ask(STREAMED, headers=doing("done_event")).body.endswith(b"data: [DONE]\n\n")


FIELDS = {
    "removed": ("remove_field=usage", lambda m: "usage" not in m),
    "removed within": (
        "remove_field=usage.output_tokens",
        lambda m: "output_tokens" not in m["usage"],
    ),
    "null": ("retype_field=usage:null", lambda m: m["usage"] is None),
    "added": ("add_field=usage.more", lambda m: "more" in m["usage"]),
    "renamed": ("rename_field=stop_reason:finish", lambda m: "finish" in m),
    "another value": ("set_field=stop_reason:tired", lambda m: m["stop_reason"] == "tired"),
    "K12 no text": ("remove_field=content.0.text", lambda m: "text" not in m["content"][0]),
}


@pytest.mark.parametrize(("fault", "holds"), FIELDS.values(), ids=FIELDS)
def test_a_contract_may_drift(
    ask: Ask, fault: str, holds: Callable[[dict[str, object]], bool]
) -> None:
    """5: what is removed or retyped breaks clients, what is added must not."""
    assert holds(json.loads(ask(headers=doing(fault)).body))


@pytest.mark.parametrize("shape", ["html", "text", "empty", "openai", "aws", "bare"])
def test_gateways_have_errors_of_their_own(ask: Ask, shape: str) -> None:
    """K6, K13, K22, K23: a client may meet them."""
    answer = ask(headers=doing(f"status=503,error_shape={shape}"))
    assert answer.status == 503
    assert b'"type":"error"' not in answer.body


@pytest.mark.parametrize(
    "fault", ["nonsense", "status=99", "status", "retry-after=soon", "empty=1"]
)
def test_a_fault_that_does_not_exist_is_refused(ask: Ask, refusal_in: Refused, fault: str) -> None:
    """Our own rule: a misspelt fault would make a test of nothing."""
    assert refusal_in(ask(headers=doing(fault)))[0] == 400


def test_no_fault_lasts_longer_than_its_request(ask: Ask) -> None:
    statuses = [ask(headers={"x-l9gate-fault": f}).status for f in ("status=529", None, None)]
    assert statuses == [529, 200, 200]

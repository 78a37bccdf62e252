"""Answers are compared with a contract: whole, in passing, and whatever they hold."""

import json
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from l9gate.contract import Asked, Contract, Observed, Reliance, learn_baseline, make_baseline
from l9gate.wire.json import Json, JsonObject
from l9gate.wire.sse import SseEvent

Play = Callable[..., Observed]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["text", "tool_use", "x y"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "id", "name", "input", "a b"]), inner, max_size=4
        )
    ),
    max_leaves=6,
)
KEYS = ("id", "type", "role", "content", "stop_reason", "stop_sequence", "stop_details", "usage")


_CONTRACT = Contract()
_HEADERS = {"content-type": "application/json", "request-id": "req_1"}
for _family in ("requests", "tokens", "input-tokens", "output-tokens"):
    for _part, _value in (("limit", "9"), ("remaining", "9"), ("reset", "2026-11-22T00:00:00Z")):
        _HEADERS[f"anthropic-ratelimit-{_family}-{_part}"] = _value
_USAGE: JsonObject = {
    "input_tokens": 1, "output_tokens": 1, "cache_creation_input_tokens": 0,
    "cache_read_input_tokens": 0, "cache_creation": None, "server_tool_use": None,
    "service_tier": None, "inference_geo": None,
}  # fmt: skip
_MESSAGE: JsonObject = {
    "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [],
    "stop_reason": "max_tokens", "stop_sequence": None, "stop_details": None, "container": None,
    "usage": _USAGE,
}  # fmt: skip


@pytest.mark.parametrize(
    "name", ["text", "tool", "thinking", "format", "stop_sequence", "refusal", "max_tokens"]
)
def test_an_honest_answer_is_nothing_to_tell(contract: Contract, play: Play, name: str) -> None:
    seen = play(name)
    assert contract.find_drifts(seen) == []
    assert contract.glance(seen.asked, seen.status, seen.headers, seen.body) == []


def test_a_header_that_is_lost_is_missed_once(play: Play) -> None:
    seen = play("text")
    baseline = learn_baseline({"text": [seen] * 3}, Reliance(headers=("request-id",)))
    headers = {name: text for name, text in seen.headers.items() if name != "request-id"}
    lost = msgspec.structs.replace(seen, headers=headers, probe="text")
    found = [(one.code, one.path) for one in Contract(baseline).find_drifts(lost)]
    assert found == [("header.missing", "header request-id")]


@pytest.mark.parametrize("name", ["count", "models", "model", "batch", "error_400", "error_429"])
def test_other_documents_are_looked_at_in_passing_too(
    contract: Contract, play: Play, name: str
) -> None:
    seen = play(name)
    assert contract.glance(seen.asked, seen.status, seen.headers, seen.body) == []
    limited = {**_HEADERS, "retry-after": "1"}
    assert contract.glance(seen.asked, seen.status, limited, seen.body) == [
        drift
        for drift in contract.find_drifts(msgspec.structs.replace(seen, headers=limited))
        if drift.is_grave
    ]
    found = contract.glance(seen.asked, seen.status, seen.headers, b'{"type": 7}')
    assert found
    assert all(drift.is_grave for drift in found)


def test_what_does_not_fit_in_a_batch_is_seen_in_passing(contract: Contract, play: Play) -> None:
    seen = play("batch")
    body = json.loads(seen.body)
    assert body["processing_status"] == "in_progress"
    ended = json.dumps({**body, "processing_status": "ended"}).encode()
    found = contract.glance(seen.asked, seen.status, seen.headers, ended)
    assert {drift.code for drift in found} == {"batch.counts"}


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (200, b"not JSON", "body.malformed"),
        (200, b'{"type": "error", "error": {"type": "api_error"}}', "envelope.success"),
        (500, b"<html>", "envelope.foreign"),
        (500, b'{"type": "error", "error": {}, "request_id": null}', "shape.missing"),
    ],
)
def test_a_body_that_is_no_answer_is_told_by_one_rule(
    contract: Contract, play: Play, status: int, body: bytes, code: str
) -> None:
    found = contract.find_drifts(play("text", status=status, body=body))
    assert {drift.code for drift in found} == {code}


@pytest.mark.parametrize(
    ("name", "status", "headers"),
    [
        ("error_400", None, {}),
        ("error_400", 404, {}),
        ("error_400", None, {"request-id": "req_other"}),
        ("error_429", None, {}),
        ("error_429", None, {"retry-after": None}),
        ("error_429", None, {"retry-after": "soon"}),
        ("error_529", None, {"content-type": "text/html"}),
    ],
)
def test_an_error_in_passing_is_looked_at_as_closely(
    contract: Contract,
    play: Play,
    name: str,
    status: int | None,
    headers: dict[str, str | None],
) -> None:
    seen = play(name, status=status, headers=headers)
    expected = [drift for drift in contract.find_drifts(seen) if drift.is_grave]
    assert contract.glance(seen.asked, seen.status, seen.headers, seen.body) == expected
    assert bool(expected) == bool(status or headers)


def test_what_an_application_does_not_handle_is_told(play: Play) -> None:
    reliance = Reliance(stop_reasons=("tool_use",))
    contract = Contract(msgspec.structs.replace(make_baseline(), reliance=reliance))
    for name in ("text", "stream_text"):
        assert [drift.code for drift in contract.find_drifts(play(name))] == ["shape.unhandled"]


def test_a_place_without_promises_is_only_asked_for_its_headers(
    contract: Contract, play: Play
) -> None:
    seen = msgspec.structs.replace(play("text"), asked=Asked(path="/v1/else"), body=b"what")
    assert contract.find_drifts(seen) == []


def test_a_document_of_anybody_is_compared_as_it_is(contract: Contract) -> None:
    """E-01: what a mock answers is held against the contract."""
    assert contract.compare("message", _MESSAGE) == []
    mock: JsonObject = {**_MESSAGE, "usage": None}
    assert [drift.code for drift in contract.compare("message", mock)] == ["shape.null"]


def test_a_gateway_may_put_something_before_the_path(contract: Contract, play: Play) -> None:
    seen = play("text", body=b"{}")
    behind = msgspec.structs.replace(seen, asked=Asked(path="/anthropic/v1/messages"))
    codes = [drift.code for drift in contract.find_drifts(behind)]
    assert codes.count("shape.missing") == 10


def test_a_stream_that_nobody_asked_for_is_told_once(contract: Contract, play: Play) -> None:
    seen = play("stream_text")
    asked = msgspec.structs.replace(seen.asked, body={**seen.asked.body, "stream": False})
    found = contract.find_drifts(msgspec.structs.replace(seen, asked=asked))
    assert [drift.code for drift in found] == ["header.content_type"]


def test_a_message_instead_of_a_stream_is_told_once(contract: Contract, play: Play) -> None:
    seen = play("text")
    asked = msgspec.structs.replace(seen.asked, body={**seen.asked.body, "stream": True})
    found = contract.find_drifts(msgspec.structs.replace(seen, asked=asked))
    assert [drift.code for drift in found] == ["header.content_type"]


def test_what_an_application_reads_is_required_in_passing(play: Play) -> None:
    reads = Reliance(headers=("X-Served-By",), fields=("/usage/iterations",))
    contract = Contract(msgspec.structs.replace(make_baseline(), reliance=reads))
    seen = play("text")
    found = contract.glance(seen.asked, seen.status, seen.headers, seen.body)
    assert [drift.path for drift in found] == ["header x-served-by", "/usage/iterations"]
    stream = play("stream_text")
    watch = contract.follow(stream.asked, stream.status, stream.headers)
    for event in stream.events or ():
        watch.feed(event)
    assert [drift.path for drift in watch.finish()] == ["header x-served-by"]


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(st.sampled_from(KEYS), JSON), JSON)
def test_whatever_comes_is_compared_and_both_ways_agree(changes: JsonObject, tools: Json) -> None:
    """L1-04: what an observer sees may be anything."""
    body: JsonObject = {"model": "m", "max_tokens": 9, "tools": tools, "output_config": tools}
    asked = Asked(body=body)
    raw = msgspec.json.encode({**_MESSAGE, **changes})
    seen = Observed(asked=asked, status=200, headers=_HEADERS, body=raw)
    grave = [drift for drift in _CONTRACT.find_drifts(seen) if drift.is_grave]
    assert _CONTRACT.glance(asked, 200, _HEADERS, raw) == grave
    error = msgspec.structs.replace(seen, status=400)
    assert [drift.code for drift in _CONTRACT.find_drifts(error)]


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                [
                    "message_start",
                    "content_block_start",
                    "content_block_delta",
                    "content_block_stop",
                    "message_delta",
                    "message_stop",
                    "ping",
                    "error",
                    "message",
                    "other",
                ]
            ),
            JSON,
        ),
        max_size=8,
    )
)
def test_whatever_streams_is_followed_and_both_ways_agree(events: list[tuple[str, Json]]) -> None:
    shown = tuple(SseEvent(name, msgspec.json.encode(data)) for name, data in events)
    asked = Asked(body={"stream": True})
    headers = {**_HEADERS, "content-type": "text/event-stream"}
    seen = Observed(asked=asked, status=200, headers=headers, events=shown)
    watch = _CONTRACT.follow(asked, 200, headers)
    for event in shown:
        watch.feed(event)
    assert watch.finish() == [one for one in _CONTRACT.find_drifts(seen) if one.is_grave]

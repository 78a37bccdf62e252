"""Properties of every kind of answer, whole and streamed, over every event: sections 8 and 9."""

import json
from collections.abc import Callable, Iterator
from typing import TypeAlias

import pytest
from anthropic import BaseModel
from anthropic._models import validate_type
from anthropic.types import Message, RawMessageStreamEvent

from l9gate.wire.json import Json, JsonObject
from l9gate.wire.sse import SseParser
from l9gate.wire.stream import StreamFolder

Wanted: TypeAlias = tuple[list[str], str, int]
MESSAGE_KEYS = {
    *("id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "stop_details"),
    *("container", "diagnostics", "usage"),
}
DELTA_KEYS = {"stop_reason", "stop_sequence", "stop_details", "container"}
EMPTY: dict[str, JsonObject] = {
    "text": {"text": ""},
    "thinking": {"thinking": "", "signature": ""},
    "tool_use": {"input": {}},
    "server_tool_use": {"input": {}},
}
IDS = {"id", "tool_use_id", "tool_id", "expires_at"}  # and the moment that an id ends


def under(value: Json, *names: str) -> JsonObject:
    for name in names:
        assert isinstance(value, dict)
        value = value[name]
    assert isinstance(value, dict)
    return value


def blocks(message: JsonObject) -> list[JsonObject]:
    content = message["content"]
    assert isinstance(content, list)
    return [under(block) for block in content]


def without_ids(value: Json) -> Json:
    if isinstance(value, list):
        return [without_ids(item) for item in value]
    if isinstance(value, dict):
        return {name: without_ids(value[name]) for name in value if name not in IDS}
    return value


def fields_of(model: object, path: str = "") -> Iterator[tuple[str, bool]]:
    """Each field that a model of the SDK has, and whether it is declared and was set."""
    if isinstance(model, list):
        for item in model:
            yield from fields_of(item, path)
    if isinstance(model, BaseModel):
        for name in (*type(model).model_fields, *(model.model_extra or ())):
            at = f"{path}.{name}"
            yield at, name in model.model_fields_set and name not in (model.model_extra or ())
            yield from fields_of(getattr(model, name), at)


def numbers(usage: JsonObject) -> Iterator[tuple[str, int]]:
    for name, value in usage.items():
        if isinstance(value, int):
            yield name, value


def deltas_by_block(events: list[JsonObject]) -> Iterator[tuple[str, list[JsonObject]]]:
    """The type of each block of a stream, and its deltas."""
    for start in events:
        if start["type"] == "content_block_start":
            same = [event for event in events if event.get("index") == start["index"]]
            kind = str(under(start, "content_block")["type"])
            yield kind, [under(event, "delta") for event in same if "delta" in event]


def test_the_blocks_and_the_end_are_as_asked(whole: JsonObject, wanted: Wanted) -> None:
    """8."""
    assert [block["type"] for block in blocks(whole)] == wanted[0]
    assert whole["stop_reason"] == wanted[1]


def test_every_key_of_a_message_is_there(whole: JsonObject, wanted: Wanted) -> None:
    """8."""
    assert whole.keys() == MESSAGE_KEYS
    assert (whole["type"], whole["role"]) == ("message", "assistant")
    assert str(whole["id"]).startswith("msg_")
    assert (whole["stop_sequence"] is not None) == (wanted[1] == "stop_sequence")
    assert (whole["stop_details"] is not None) == (wanted[1] == "refusal")


def test_usage_adds_up(whole: JsonObject, wanted: Wanted) -> None:
    """8, 19.10."""
    usage = under(whole, "usage")
    written = sum(dict(numbers(under(usage, "cache_creation"))).values())
    assert usage["cache_creation_input_tokens"] == written
    counts = dict(numbers(usage))
    assert min(counts.values()) >= 0
    assert counts["input_tokens"] > 0
    assert 1 <= counts["output_tokens"] <= wanted[2]
    thought = dict(numbers(under(usage, "output_tokens_details")))["thinking_tokens"]
    assert thought <= counts["output_tokens"]
    assert bool(thought) == ("thinking" in wanted[0])


def test_a_call_is_last_exactly_where_the_reason_says_so(whole: JsonObject, wanted: Wanted) -> None:
    """19.9; K1, K19."""
    if wanted[1] != "max_tokens":
        is_call = [block["type"] for block in blocks(whole)][-1:] == ["tool_use"]
        assert is_call == (wanted[1] == "tool_use")


def test_the_sdks_strict_types_take_it_all(whole: JsonObject, events: list[JsonObject]) -> None:
    """19.17."""
    message = validate_type(type_=Message, value=whole)
    assert [path for path, is_right in fields_of(message) if not is_right] == []
    for event in events:
        if event["type"] != "ping":  # which the SDK passes over before it looks at types
            validate_type(type_=RawMessageStreamEvent, value=event)  # type: ignore[arg-type] # a union


def test_the_stream_adds_up_to_the_whole(
    whole: JsonObject, events: list[JsonObject], folded: Callable[[list[JsonObject]], JsonObject]
) -> None:
    """9.2, 19.6 to 19.8; K1, K3, K15, K21."""
    assert without_ids(folded(events)) == without_ids(whole)


def test_our_own_grammar_agrees(whole: JsonObject, raw: bytes) -> None:
    """9.2: read one byte at a time, so that every cut of the bytes occurs."""
    parser, folder = SseParser(), StreamFolder(strict=True)
    for byte in raw:
        for event in parser.feed(bytes([byte])):
            folder.feed(event)
    assert folder.has_ended
    assert not parser.has_partial_event
    assert without_ids(folder.to_message()) == without_ids(whole)


def test_a_stream_has_one_start_one_end_and_a_ping(events: list[JsonObject], raw: bytes) -> None:
    """9.1, 9.2, 9.4; K3, K29."""
    kinds = [event["type"] for event in events]
    assert kinds[0] == "message_start"
    assert kinds[-1] == "message_stop"
    assert kinds.count("message_start") == kinds.count("message_stop") == 1
    assert "ping" in kinds
    assert b"[DONE]" not in raw
    assert not any(line.startswith((b"id:", b"retry:", b":")) for line in raw.splitlines())


def test_the_start_is_a_message_without_content(
    whole: JsonObject, events: list[JsonObject]
) -> None:
    """9.2; K4, K20."""
    message = under(events[0], "message")
    assert message.keys() == MESSAGE_KEYS
    assert (message["content"], message["container"]) == ([], None)
    ends = (message["stop_reason"], message["stop_sequence"], message["stop_details"])
    assert ends == (None, None, None)
    before, after = under(message, "usage"), under(whole, "usage")
    assert before.keys() == after.keys()
    for name in ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"):
        assert before[name] == after[name]
    assert before["output_tokens"] in {0, 1, 2, 3}


def test_the_end_says_why_beside_the_totals(whole: JsonObject, events: list[JsonObject]) -> None:
    """9.2; K11."""
    (end,) = (event for event in events if event["type"] == "message_delta")
    assert end.keys() == {"type", "delta", "usage"}
    delta, usage = under(end, "delta"), under(end, "usage")
    assert delta.keys() == DELTA_KEYS
    assert without_ids(delta) == without_ids({name: whole[name] for name in DELTA_KEYS})
    total = under(whole, "usage")
    assert all(total[name] == value for name, value in usage.items())
    assert "output_tokens" in usage


def test_blocks_start_empty(events: list[JsonObject]) -> None:
    """9.2; K12."""
    for event in events:
        if event["type"] == "content_block_start":
            block = under(event, "content_block")
            kind = str(block["type"])
            assert kind in EMPTY or kind.endswith("_tool_result")  # which comes whole
            for name, value in EMPTY.get(kind, {}).items():
                assert block[name] == value


def test_deltas_are_of_their_block(events: list[JsonObject]) -> None:
    """9.3; K2, K5, K9: and none is empty but the first of a tool's input."""
    for kind, deltas in deltas_by_block(events):
        types = [delta["type"] for delta in deltas]
        if kind == "thinking":
            assert types[-1:] == ["signature_delta"]
            assert set(types[:-1]) <= {"thinking_delta"}
        elif kind in {"tool_use", "server_tool_use"}:
            assert set(types) == {"input_json_delta"}
            assert deltas[0]["partial_json"] == ""
        elif kind == "text":
            assert set(types) <= {"text_delta", "citations_delta"}
        else:
            assert types == []
        assert all(delta.get("text", delta.get("thinking", "x")) for delta in deltas)


def test_keys_come_once_and_numbers_are_numbers(raw: bytes) -> None:
    """9.1: JSON that every parser reads alike."""

    def once(items: list[tuple[str, Json]]) -> JsonObject:
        assert len({name for name, _ in items}) == len(items)
        return dict(items)

    for line in raw.splitlines():
        if line.startswith(b"data: "):
            json.loads(line[6:], object_pairs_hook=once, parse_constant=pytest.fail)

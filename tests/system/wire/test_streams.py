"""Every kind of answer, whole and streamed, every event of it: sections 8 and 9.

Each kind is asked for once whole and once as a stream; then each property is checked on both.
"""

import json
from collections.abc import Callable, Iterator

import msgspec
import pytest
from anthropic._models import validate_type
from anthropic.types import Message, RawMessageStreamEvent

from l9gate.net.client import ClientResponse
from l9gate.wire.json import Json, JsonObject
from l9gate.wire.sse import SseParser
from l9gate.wire.stream import StreamFolder

TREE: JsonObject = {
    "type": "object",
    "properties": {
        "path": {"type": "string"},
        "lines": {"type": "array", "items": {"type": "integer"}, "minItems": 1},
        "how": {
            "type": "object",
            "properties": {"mode": {"type": "string", "enum": ["r", "w"]}},
            "required": ["mode"],
            "additionalProperties": False,
        },
        "sure": {"type": "boolean"},
    },
    "required": ["path", "lines", "how", "sure"],
    "additionalProperties": False,
}
TOOL: JsonObject = {"name": "open_file", "description": "Opens a file", "input_schema": TREE}
BARE: JsonObject = {"name": "look", "input_schema": {"type": "object"}}
SHOWN: JsonObject = {"type": "adaptive", "display": "summarized"}
HIDDEN: JsonObject = {"type": "adaptive", "display": "omitted"}
BUDGET: JsonObject = {"type": "enabled", "budget_tokens": 1024}
MESSAGE_KEYS = {
    *("id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "stop_details"),
    *("container", "diagnostics", "usage"),
}
DELTA_KEYS = {"stop_reason", "stop_sequence", "stop_details", "container"}


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """What to ask for, and what must come."""

    changes: JsonObject
    blocks: list[str]
    stop_reason: str = "end_turn"
    fault: str | None = None


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of answer, both ways."""

    kind: Kind
    whole: JsonObject
    events: list[JsonObject]
    raw: bytes


def said(words: str, **fields: Json) -> JsonObject:
    return {"messages": [{"role": "user", "content": words}], **fields}


ROUND: JsonObject = {
    "tools": [TOOL],
    "messages": [
        {"role": "user", "content": "Open it."},
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": "t1", "name": "open_file", "input": {}}],
        },
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "done"}],
        },
    ],
}
KINDS = {
    "text": Kind(changes=said("Say something."), blocks=["text"]),
    "one word": Kind(changes=said("Reply with exactly: pong"), blocks=["text"]),
    "other scripts": Kind(
        changes=said('Reply with exactly: "naïve 🦜 語 \\" \\n"'), blocks=["text"]
    ),
    "stop sequence": Kind(
        changes=said("Reply with exactly: one two three", stop_sequences=["two"]),
        blocks=["text"],
        stop_reason="stop_sequence",
    ),
    "cut text": Kind(
        changes=said("Say something.", max_tokens=5), blocks=["text"], stop_reason="max_tokens"
    ),
    "call": Kind(changes={"tools": [TOOL]}, blocks=["tool_use"], stop_reason="tool_use"),
    "forced call": Kind(
        changes={"tools": [BARE, TOOL], "tool_choice": {"type": "tool", "name": "open_file"}},
        blocks=["tool_use"],
        stop_reason="tool_use",
    ),
    "call without input": Kind(
        changes={"tools": [BARE]}, blocks=["tool_use"], stop_reason="tool_use"
    ),
    "no call": Kind(changes={"tools": [TOOL], "tool_choice": {"type": "none"}}, blocks=["text"]),
    "cut call": Kind(
        changes={"tools": [TOOL], "max_tokens": 3}, blocks=["tool_use"], stop_reason="max_tokens"
    ),
    "after a result": Kind(changes=ROUND, blocks=["text"]),
    "schema": Kind(
        changes={"output_config": {"format": {"type": "json_schema", "schema": TREE}}},
        blocks=["text"],
    ),
    "thinking shown": Kind(changes={"thinking": SHOWN}, blocks=["thinking", "text"]),
    "thinking hidden": Kind(changes={"thinking": HIDDEN}, blocks=["thinking", "text"]),
    "thinking on a budget": Kind(
        changes={"thinking": BUDGET, "model": "claude-haiku-4-5", "max_tokens": 2000},
        blocks=["thinking", "text"],
    ),
    "thinking, then a call": Kind(
        changes={"thinking": SHOWN, "tools": [TOOL]},
        blocks=["thinking", "tool_use"],
        stop_reason="tool_use",
    ),
    "refusal": Kind(changes={}, blocks=[], stop_reason="refusal", fault="stop_reason=refusal"),
    "nothing": Kind(changes={}, blocks=[], fault="empty"),
}


@pytest.fixture(params=KINDS)
def pair(
    request: pytest.FixtureRequest,
    pairs: dict[str, Pair],
    ask: Callable[..., ClientResponse],
    object_in: Callable[[ClientResponse], JsonObject],
    events_in: Callable[[ClientResponse], list[JsonObject]],
) -> Pair:
    """One kind of answer; asked for by the first test that wants it."""
    name: str = request.param
    if name not in pairs:
        kind = KINDS[name]
        headers = {"x-l9gate-fault": kind.fault}
        streamed = ask({**kind.changes, "stream": True}, headers=headers)
        pairs[name] = Pair(
            kind=kind,
            whole=object_in(ask(kind.changes, headers=headers)),
            events=events_in(streamed),
            raw=streamed.body,
        )
    return pairs[name]


@pytest.fixture(scope="module")
def pairs() -> dict[str, Pair]:
    return {}


def of_type(pair: Pair, kind: str) -> list[JsonObject]:
    return [event for event in pair.events if event["type"] == kind]


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


def without_ids(message: JsonObject) -> JsonObject:
    bare = [{key: block[key] for key in block if key != "id"} for block in blocks(message)]
    return {**message, "id": None, "content": list[Json](bare)}


def numbers(usage: JsonObject) -> Iterator[tuple[str, int]]:
    for name, value in usage.items():
        if isinstance(value, int):
            yield name, value


def test_the_blocks_and_the_end_are_as_asked(pair: Pair) -> None:
    """8."""
    assert [block["type"] for block in blocks(pair.whole)] == pair.kind.blocks
    assert pair.whole["stop_reason"] == pair.kind.stop_reason


def test_every_key_of_a_message_is_there(pair: Pair) -> None:
    """8."""
    assert pair.whole.keys() == MESSAGE_KEYS
    assert (pair.whole["type"], pair.whole["role"]) == ("message", "assistant")
    assert str(pair.whole["id"]).startswith("msg_")
    is_named = pair.whole["stop_sequence"] is not None
    assert is_named == (pair.kind.stop_reason == "stop_sequence")
    assert (pair.whole["stop_details"] is not None) == (pair.kind.stop_reason == "refusal")


def test_usage_adds_up(pair: Pair) -> None:
    """8, 19.10."""
    usage = under(pair.whole, "usage")
    written = sum(dict(numbers(under(usage, "cache_creation"))).values())
    assert usage["cache_creation_input_tokens"] == written
    counts = dict(numbers(usage))
    assert min(counts.values()) >= 0
    assert counts["input_tokens"] > 0
    assert counts["output_tokens"] >= 1
    thought = dict(numbers(under(usage, "output_tokens_details")))["thinking_tokens"]
    assert thought <= counts["output_tokens"]
    limit = pair.kind.changes.get("max_tokens", 400)
    assert isinstance(limit, int)
    assert counts["output_tokens"] <= limit


def test_a_call_is_last_exactly_where_the_reason_says_so(pair: Pair) -> None:
    """19.9, K1, K19."""
    calls = [block["type"] == "tool_use" for block in blocks(pair.whole)]
    assert any(calls[:-1]) is False
    if pair.kind.stop_reason != "max_tokens":
        assert (pair.kind.stop_reason == "tool_use") == (calls[-1:] == [True])


def test_the_sdks_strict_types_take_it_all(pair: Pair) -> None:
    """19.17."""
    validate_type(type_=Message, value=pair.whole)
    for event in pair.events:
        if event["type"] != "ping":  # which the SDK passes over before it looks at types
            validate_type(type_=RawMessageStreamEvent, value=event)  # type: ignore[arg-type] # a union


def test_the_stream_adds_up_to_the_whole(
    pair: Pair, folded: Callable[[list[JsonObject]], JsonObject]
) -> None:
    """9.2, 19.6 to 19.8; K1, K3, K15, K21."""
    assert without_ids(folded(pair.events)) == without_ids(pair.whole)


def test_our_own_grammar_agrees(pair: Pair) -> None:
    """9.2: read one byte at a time, so that every cut of the bytes occurs."""
    parser, folder = SseParser(), StreamFolder(strict=True)
    for byte in pair.raw:
        for event in parser.feed(bytes([byte])):
            folder.feed(event)
    assert folder.has_ended
    assert not parser.has_partial_event
    assert without_ids(folder.to_message()) == without_ids(pair.whole)


def test_a_stream_has_one_start_one_end_and_a_ping(pair: Pair) -> None:
    """9.1, 9.2, 9.4; K3, K29."""
    kinds = [event["type"] for event in pair.events]
    assert kinds[0] == "message_start"
    assert kinds[-1] == "message_stop"
    assert kinds.count("message_start") == kinds.count("message_stop") == 1
    assert "ping" in kinds
    assert b"[DONE]" not in pair.raw
    assert not any(line.startswith((b"id:", b"retry:", b":")) for line in pair.raw.splitlines())


def test_the_start_is_a_message_without_content(pair: Pair) -> None:
    """9.2; K4, K20."""
    message = under(pair.events[0], "message")
    assert message.keys() == MESSAGE_KEYS
    assert message["content"] == []
    ends = (message["stop_reason"], message["stop_sequence"], message["stop_details"])
    assert ends == (None, None, None)
    before, after = under(message, "usage"), under(pair.whole, "usage")
    assert before.keys() == after.keys()
    for name in ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"):
        assert before[name] == after[name]
    assert before["output_tokens"] in (0, 1, 2, 3)


def test_the_end_says_why_beside_the_totals(pair: Pair) -> None:
    """9.2; K11."""
    (end,) = of_type(pair, "message_delta")
    assert end.keys() == {"type", "delta", "usage"}
    delta = under(end, "delta")
    assert delta.keys() == DELTA_KEYS
    assert all(delta[name] == pair.whole[name] for name in DELTA_KEYS)
    total = under(pair.whole, "usage")
    assert all(total[name] == value for name, value in under(end, "usage").items())
    assert "output_tokens" in under(end, "usage")


def test_blocks_start_empty(pair: Pair) -> None:
    """9.2; K12."""
    empty: dict[str, JsonObject] = {
        "text": {"text": ""},
        "thinking": {"thinking": "", "signature": ""},
        "tool_use": {"input": {}},
    }
    for event in of_type(pair, "content_block_start"):
        block = under(event, "content_block")
        for name, value in empty[str(block["type"])].items():
            assert block[name] == value


def test_deltas_are_of_their_block(pair: Pair) -> None:
    """9.3; K2, K5, K9: and no delta is empty but the first of a tool's input."""
    opened: dict[Json, Json] = {}
    seen: dict[Json, list[JsonObject]] = {}
    for event in pair.events:
        if event["type"] == "content_block_start":
            opened[event["index"]] = under(event, "content_block")["type"]
            seen[event["index"]] = []
        elif event["type"] == "content_block_delta":
            seen[event["index"]].append(under(event, "delta"))
    for index, deltas in seen.items():
        kinds = [delta["type"] for delta in deltas]
        if opened[index] == "thinking":
            assert kinds.count("signature_delta") == 1
            assert kinds[-1] == "signature_delta"
            assert set(kinds[:-1]) <= {"thinking_delta"}
        elif opened[index] == "tool_use":
            assert set(kinds) == {"input_json_delta"}
            assert deltas[0]["partial_json"] == ""
        else:
            assert set(kinds) <= {"text_delta", "citations_delta"}
        assert all(delta.get("text", delta.get("thinking", "x")) for delta in deltas)


def test_numbers_are_numbers_and_keys_come_once(pair: Pair) -> None:
    """9.1: JSON that every parser reads alike."""

    def once(items: list[tuple[str, Json]]) -> JsonObject:
        assert len({name for name, _ in items}) == len(items)
        return dict(items)

    for line in pair.raw.splitlines():
        if line.startswith(b"data: "):
            json.loads(line[6:], object_pairs_hook=once, parse_constant=pytest.fail)

"""Which bodies are refused for their shape, and which look odd and are not: sections 2, 6, 6.8.

The message of a refusal is documented as unstable, so what is asserted of it is the path that it
names, and its wording only where the sheet quotes one.
"""

from collections.abc import Callable

import pytest

from l9gate.net.client import ClientResponse
from l9gate.wire.json import Json, JsonObject

EXTRA = "Extra inputs are not permitted"
REQUIRED = "Field required"
TOOL: JsonObject = {"name": "look", "input_schema": {"type": "object"}}
USE: JsonObject = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}
RESULT: JsonObject = {"type": "tool_result", "tool_use_id": "toolu_1"}
CACHED: JsonObject = {"type": "ephemeral"}


def said(content: Json, role: str = "user") -> JsonObject:
    """A request of one message."""
    return {"messages": [{"role": role, "content": content}]}


def block(**fields: Json) -> JsonObject:
    """A request whose only message has one block."""
    return said([fields])


def went_round(use: JsonObject, result: JsonObject) -> JsonObject:
    """A request with a tool call and its result."""
    turns: list[Json] = [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": [use]},
        {"role": "user", "content": [result]},
    ]
    return {"messages": turns, "tools": [TOOL]}


@pytest.mark.parametrize("field", ["model", "messages", "max_tokens"])
def test_what_is_required_is_missed(
    ask: Callable[..., ClientResponse],
    refusal_in: Callable[[ClientResponse], tuple[int, str, str]],
    field: str,
) -> None:
    """6.1, 19.3, V8."""
    expected = (400, "invalid_request_error", f"{field}: {REQUIRED}")
    assert refusal_in(ask(drop=(field,))) == expected


MISSING = {
    "6.2 role": ({"messages": [{"content": "hi"}]}, "messages.0.role"),
    "6.2 content": ({"messages": [{"role": "user"}]}, "messages.0.content"),
    "6.2 text": (block(type="text"), "messages.0.content.0.text.text"),
    "6.2 image source": (block(type="image"), "messages.0.content.0.image.source"),
    "6.2 document source": (block(type="document"), "messages.0.content.0.document.source"),
    "6.2 search_result title": (
        block(type="search_result", content=[], source="s"),
        "messages.0.content.0.search_result.title",
    ),
    "6.2 signature": (
        said([{"type": "thinking", "thinking": ""}], "assistant"),
        "messages.0.content.0.thinking.signature",
    ),
    "6.2 thinking": (
        said([{"type": "thinking", "signature": "c2ln"}], "assistant"),
        "messages.0.content.0.thinking.thinking",
    ),
    "6.2 redacted data": (
        said([{"type": "redacted_thinking"}], "assistant"),
        "messages.0.content.0.redacted_thinking.data",
    ),
    "6.2 tool_use input": (
        said([{"type": "tool_use", "id": "t", "name": "n"}], "assistant"),
        "messages.0.content.0.tool_use.input",
    ),
    "6.2 tool_use_id": (block(type="tool_result"), "messages.0.content.0.tool_result.tool_use_id"),
    "6.3 input_schema": ({"tools": [{"name": "look"}]}, "tools.0.custom.input_schema"),
    "6.3 tool name": ({"tools": [{"input_schema": {"type": "object"}}]}, "tools.0.custom.name"),
    "6.3 tool_choice name": (
        {"tools": [TOOL], "tool_choice": {"type": "tool"}},
        "tool_choice.tool.name",
    ),
    "6.4 budget_tokens": ({"thinking": {"type": "enabled"}}, "thinking.enabled.budget_tokens"),
    "6.7 schema": (
        {"output_config": {"format": {"type": "json_schema"}}},
        "output_config.format.schema",
    ),
}


@pytest.mark.parametrize(("changes", "path"), MISSING.values(), ids=MISSING)
def test_a_missing_key_is_named_by_its_path(
    ask: Callable[..., ClientResponse],
    refusal_in: Callable[[ClientResponse], tuple[int, str, str]],
    changes: JsonObject,
    path: str,
) -> None:
    """V8."""
    assert refusal_in(ask(changes)) == (400, "invalid_request_error", f"{path}: {REQUIRED}")


UNKNOWN: dict[str, tuple[JsonObject, str]] = {
    "6 body": ({"response_format": {}}, "response_format"),
    "6 body of another API": ({"n": 1}, "n"),
    "6 message": (
        {"messages": [{"role": "user", "content": "hi", "name": "x"}]},
        "messages.0.name",
    ),
    "6 text block": (block(type="text", text="hi", x=1), "messages.0.content.0.text.x"),
    "6 tool_use": (
        went_round({**USE, "text": "x"}, RESULT),
        "messages.1.content.0.tool_use.text",
    ),
    "6 tool_result": (went_round(USE, {**RESULT, "x": 1}), "messages.2.content.0.tool_result.x"),
    "6 tool": ({"tools": [{**TOOL, "loading": True}]}, "tools.0.custom.loading"),
    "6 tool_choice": ({"tools": [TOOL], "tool_choice": {"type": "auto", "x": 1}}, "tool_choice."),
    "6 metadata": ({"metadata": {"user": "x"}}, "metadata.user"),
    "6 cache_control": (
        {"system": [{"type": "text", "text": "s", "cache_control": {**CACHED, "scope": "x"}}]},
        "system.0.",
    ),
    "6 output_config": ({"output_config": {"verbosity": "low"}}, "output_config.verbosity"),
    "6 thinking": ({"thinking": {"type": "adaptive", "effort": "low"}}, "thinking.adaptive.effort"),
    "6.8 V19 temperature": ({"temperature": 0.5}, "temperature"),
    "6.8 V19 temperature of 1": ({"temperature": 1.0}, "temperature"),
    "6.8 V19 top_p": ({"top_p": 0.9}, "top_p"),
    "6.8 V19 top_k": ({"top_k": 5}, "top_k"),
}


@pytest.mark.parametrize(("changes", "path"), UNKNOWN.values(), ids=UNKNOWN)
def test_an_unknown_key_is_refused_at_every_level(
    ask: Callable[..., ClientResponse],
    refusal_in: Callable[[ClientResponse], tuple[int, str, str]],
    changes: JsonObject,
    path: str,
) -> None:
    """19.3; V9, V19."""
    status, kind, message = refusal_in(ask(changes))
    assert (status, kind) == (400, "invalid_request_error")
    assert message.startswith(path)
    assert message.endswith(EXTRA)


WRONG: dict[str, tuple[JsonObject, str]] = {
    "6.1 model": ({"model": 5}, "model"),
    "6.1 messages": ({"messages": "hi"}, "messages"),
    "6.1 no messages": ({"messages": []}, "messages"),
    "6.1 max_tokens": ({"max_tokens": "9"}, "max_tokens"),
    "6.1 max_tokens below 0": ({"max_tokens": -1}, "max_tokens"),
    "6.1 max_tokens of 1.5": ({"max_tokens": 1.5}, "max_tokens"),
    "6.1 max_tokens of null": ({"max_tokens": None}, "max_tokens"),
    "6.1 max_tokens of true": ({"max_tokens": True}, "max_tokens"),
    "6.1 system": ({"system": 5}, "system"),
    "6.1 system of images": ({"system": [{"type": "image", "source": {}}]}, "system.0"),
    "6.1 stream": ({"stream": "yes"}, "stream"),
    "6.1 stop_sequences": ({"stop_sequences": "x"}, "stop_sequences"),
    "6.1 a stop sequence": ({"stop_sequences": [5]}, "stop_sequences.0"),
    "6.1 thinking": ({"thinking": True}, "thinking"),
    "6.1 effort": ({"output_config": {"effort": "huge"}}, "output_config.effort"),
    "6.1 tools": ({"tools": {}}, "tools"),
    "6.1 tool_choice": ({"tools": [TOOL], "tool_choice": {"type": "all"}}, "tool_choice"),
    "6.1 cache_control": ({"cache_control": {"type": "forever"}}, "cache_control"),
    "6.1 ttl": ({"cache_control": {"type": "ephemeral", "ttl": "2h"}}, "cache_control"),
    "6.1 user_id": ({"metadata": {"user_id": "x" * 513}}, "metadata.user_id"),
    "6.1 service_tier": ({"service_tier": "priority"}, "service_tier"),
    "6.1 speed": ({"speed": "slow"}, "speed"),
    "6.1 diagnostics": ({"diagnostics": "on"}, "diagnostics"),
    "6.2 role": (said("hi", "tool"), "messages.0.role"),
    "6.2 content": (said(5), "messages.0.content"),
    "6.2 a block": (said(["hi"]), "messages.0.content.0"),
    "6.2 a block without type": (said([{"text": "hi"}]), "messages.0.content.0"),
    "6.2 a block of unknown type": (block(type="audio"), "messages.0.content.0"),
    "6.2 text": (block(type="text", text=5), "messages.0.content.0.text.text"),
    "6.2 input is no object": (
        went_round({**USE, "input": "{}"}, RESULT),
        "messages.1.content.0.tool_use.input",
    ),
    "6.2 id of a call": (
        went_round({**USE, "id": "toolu 1"}, RESULT),
        "messages.1.content.0.tool_use.id",
    ),
    "6.2 id of a result": (
        went_round(USE, {**RESULT, "tool_use_id": "toolu.1"}),
        "messages.2.content.0.tool_result.tool_use_id",
    ),
    "6.2 is_error": (
        went_round(USE, {**RESULT, "is_error": "no"}),
        "messages.2.content.0.tool_result.is_error",
    ),
    "6.2 title too long": (
        block(type="document", source={"type": "url", "url": "u"}, title="x" * 501),
        "messages.0.content.0.document.title",
    ),
    "6.3 schema of no object": (
        {"tools": [{"name": "look", "input_schema": {"type": "string"}}]},
        "tools.0.custom.input_schema",
    ),
    "6.3 name with a space": ({"tools": [{**TOOL, "name": "a b"}]}, "tools.0.custom.name"),
    "6.3 name of 129": ({"tools": [{**TOOL, "name": "x" * 129}]}, "tools.0.custom.name"),
    "6.3 empty name": ({"tools": [{**TOOL, "name": ""}]}, "tools.0.custom.name"),
    "6.3 tool of unknown type": ({"tools": [{"type": "bash_2031", "name": "b"}]}, "tools.0"),
    "6.4 type": ({"thinking": {"type": "deep"}}, "thinking"),
    "6.4 display": ({"thinking": {"type": "adaptive", "display": "all"}}, "thinking.adaptive"),
    "6.4 budget below 1024": (
        {"thinking": {"type": "enabled", "budget_tokens": 1023}},
        "thinking.enabled.budget_tokens",
    ),
    "6.7 format": ({"output_config": {"format": {"type": "xml"}}}, "output_config.format"),
}


@pytest.mark.parametrize(("changes", "path"), WRONG.values(), ids=WRONG)
def test_a_wrong_value_is_named_by_its_path(
    ask: Callable[..., ClientResponse],
    refusal_in: Callable[[ClientResponse], tuple[int, str, str]],
    changes: JsonObject,
    path: str,
) -> None:
    """V10."""
    status, kind, message = refusal_in(ask(changes))
    assert (status, kind) == (400, "invalid_request_error")
    assert message.startswith(path)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[]",
        b'"hi"',
        b"null",
        b"\xff\xfe",
        b"{'model': 1}",
        b'{"model":1}x',
        b"[" * 9999,
    ],
    ids=lambda raw: repr(raw[:12]),
)
def test_a_body_that_is_no_json_object_is_a_400(
    ask: Callable[..., ClientResponse],
    refusal_in: Callable[[ClientResponse], tuple[int, str, str]],
    raw: bytes,
) -> None:
    """V6."""
    assert refusal_in(ask(raw=raw))[:2] == (400, "invalid_request_error")


IMAGE: JsonObject = {
    "type": "image",
    "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="},
}
ACCEPTED: dict[str, JsonObject] = {
    "6.1 system as text": {"system": "Be brief."},
    "6.1 system as blocks": {"system": [{"type": "text", "text": "Be brief."}]},
    "6.1 stop sequences": {"stop_sequences": ["zzz"]},
    "6.1 metadata": {"metadata": {"user_id": "x" * 512}},
    "6.1 metadata of null": {"metadata": {"user_id": None}},
    "6.1 service tier": {"service_tier": "standard_only"},
    "6.1 diagnostics": {"diagnostics": {"previous_message_id": None}},
    "6.1 cache_control": {"cache_control": {"type": "ephemeral", "ttl": "1h"}},
    "6.1 effort": {"output_config": {"effort": "max"}},
    "6.1 as much as the model gives": {"max_tokens": 128_000},
    "6.2 two messages of one role": {
        "messages": [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]
    },
    "6.2 image": said([IMAGE, {"type": "text", "text": "What is it?"}]),
    "6.2 image by address": block(type="image", source={"type": "url", "url": "https://a.b/c.png"}),
    "6.2 document": block(
        type="document",
        source={"type": "text", "media_type": "text/plain", "data": "Grass is green."},
        title="Grass",
        citations={"enabled": True},
    ),
    "6.2 search result": block(
        type="search_result",
        source="s",
        title="t",
        content=[{"type": "text", "text": "x"}],
    ),
    "6.2 result of text": went_round(USE, {**RESULT, "content": "done"}),
    "6.2 result of blocks": went_round(
        USE, {**RESULT, "content": [{"type": "text", "text": "done"}, IMAGE]}
    ),
    "6.2 failed result": went_round(USE, {**RESULT, "content": "no", "is_error": True}),
    "6.3 name of 64": {"tools": [{**TOOL, "name": "x" * 64}]},
    "6.3 typed tool": {"tools": [{**TOOL, "type": "custom", "description": "Looks"}]},
    "6.3 strict tool": {
        "tools": [
            {
                **TOOL,
                "strict": True,
                "input_schema": {"type": "object", "additionalProperties": False},
            }
        ]
    },
    "6.3 open schema": {"tools": [{**TOOL, "input_schema": {"type": "object", "x-own": {"a": 1}}}]},
    "6.3 tools of the API": {"tools": [{"type": "bash_20250124", "name": "bash"}]},
    "6.4 adaptive": {"thinking": {"type": "adaptive", "display": "omitted"}},
}


@pytest.mark.parametrize("changes", ACCEPTED.values(), ids=ACCEPTED)
def test_what_is_documented_is_accepted(
    ask: Callable[..., ClientResponse],
    object_in: Callable[[ClientResponse], JsonObject],
    changes: JsonObject,
) -> None:
    answer = ask(changes)
    assert answer.status == 200, answer.body
    assert object_in(answer)["type"] == "message"

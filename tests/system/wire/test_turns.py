"""Rules between the parts of a request: tool pairing, roles, thinking, tools, formats, caching."""

from collections.abc import Callable

import pytest

from l9gate.net.client import ClientResponse
from l9gate.wire.json import Json, JsonObject

TOOL: JsonObject = {"name": "look", "input_schema": {"type": "object"}}
OTHER: JsonObject = {"name": "other", "input_schema": {"type": "object"}}
DATA: JsonObject = {"type": "object", "additionalProperties": False}
CACHED: JsonObject = {"type": "ephemeral"}
UNANSWERED = "`tool_use` ids were found without `tool_result` blocks immediately after: "
THOUGHT: JsonObject = {"type": "thinking", "thinking": "", "signature": "c2ltdWxhdGVk"}


def text(words: str = "hi", **fields: Json) -> JsonObject:
    return {"type": "text", "text": words, **fields}


def use(name: str = "toolu_1") -> JsonObject:
    return {"type": "tool_use", "id": name, "name": "look", "input": {}}


def result(name: str = "toolu_1") -> JsonObject:
    return {"type": "tool_result", "tool_use_id": name, "content": "done"}


def turns(*contents: Json, **fields: Json) -> JsonObject:
    """A conversation whose user and assistant speak in turns."""
    roles = ("user", "assistant") * len(contents)
    spoken: list[Json] = [
        {"role": role, "content": content} for role, content in zip(roles, contents, strict=False)
    ]
    return {"messages": spoken, "tools": [TOOL], **fields}


def roles(*named: str, **fields: Json) -> JsonObject:
    """A conversation by roles."""
    spoken: list[Json] = [{"role": role, "content": "hi"} for role in named]
    return {"messages": spoken, **fields}


def formed(schema: JsonObject) -> JsonObject:
    """A request for output by a schema."""
    return {"output_config": {"format": {"type": "json_schema", "schema": {**DATA, **schema}}}}


def having(schema: Json) -> JsonObject:
    """A request for an object with one property."""
    return formed({"properties": {"x": schema}, "required": ["x"]})


def cached(*marks: Json) -> JsonObject:
    """A request with so many blocks to cache up to."""
    blocks: list[Json] = [text(f"part {n}", cache_control=mark) for n, mark in enumerate(marks)]
    return {"messages": [{"role": "user", "content": blocks}]}


ONE_HOUR: JsonObject = {"type": "ephemeral", "ttl": "1h"}
FORCED: JsonObject = {"tools": [TOOL], "tool_choice": {"type": "any"}}
THINKS: JsonObject = {"type": "enabled", "budget_tokens": 1024}
WARM: JsonObject = {"max_tokens": 0}

REFERENCE: JsonObject = {"$ref": "#/$defs/a"}
LOOP: JsonObject = {**DATA, "properties": {"a": REFERENCE}}

REFUSED: dict[str, tuple[JsonObject, str]] = {
    "6.2 empty text": (turns([text("")]), "messages: text content blocks must be non-empty"),
    "6.2 empty string": (turns(""), "messages: text content blocks must be non-empty"),
    "6.2 call without result": (
        turns("go", [use("toolu_A"), use("toolu_B")], "and?"),
        f"messages.1: {UNANSWERED}toolu_A, toolu_B. Each `tool_use` block must have a "
        "corresponding `tool_result` block in the next message.",
    ),
    "6.2 one result of two": (
        turns("go", [use("toolu_A"), use("toolu_B")], [result("toolu_A")]),
        f"messages.1: {UNANSWERED}toolu_B.",
    ),
    "6.2 text before the result": (
        turns("go", [use()], [text(), result()]),
        f"messages.1: {UNANSWERED}toolu_1.",
    ),
    "6.2 result a turn too late": (
        turns("go", [use()], "wait", "ok", [result()]),
        f"messages.1: {UNANSWERED}toolu_1.",
    ),
    "6.2 orphan result": (turns([result("toolu_X")]), "messages.0.content.0"),
    "6.2 result of another call": (turns("go", [use()], [result(), result("toolu_X")]), "toolu_X"),
    "6.2 duplicate ids": (turns("go", [use(), use()], [result()]), "unique"),
    "6.2 prefill": (
        turns("go", "I"),
        "This model does not support assistant message prefill. The conversation must end with a "
        "user message.",
    ),
    "6.1 too many tokens": (
        {"model": "claude-opus-4-5", "max_tokens": 128_001},
        "max_tokens: 128001 > 64000, which is the maximum allowed number of output tokens for "
        "claude-opus-4-5-20251101",
    ),
    "6.3 two tools of one name": ({"tools": [TOOL, TOOL]}, ""),
    "6.3 every tool deferred": (
        {"tools": [{**TOOL, "defer_loading": True}]},
        "All tools have defer_loading: true",
    ),
    "6.1 choice of a tool that is not there": (
        {"tools": [TOOL], "tool_choice": {"type": "tool", "name": "look2"}},
        "look2",
    ),
    "6.1 forced with thinking": (
        {"model": "claude-haiku-4-5", "max_tokens": 4000, "thinking": THINKS, **FORCED},
        "tool_choice",
    ),
    "1.9 forced on Opus 5.5": ({"model": "claude-opus-5-5", **FORCED}, "tool_choice"),
    "1.9 forced on Sonnet 5.5": ({"model": "claude-sonnet-5-5", **FORCED}, "tool_choice"),
    "1.9 forced on Fable 5.2": ({"model": "claude-fable-5-2", **FORCED}, "tool_choice"),
    "6.4 enabled on Opus 5.5": (
        {"model": "claude-opus-5-5", "max_tokens": 4000, "thinking": THINKS},
        '"thinking.type.enabled" is not supported for this model. Use "thinking.type.adaptive" '
        'and "output_config.effort" to control thinking behavior.',
    ),
    "6.4 enabled on Opus 4.8": (
        {"model": "claude-opus-4-8", "max_tokens": 4000, "thinking": THINKS},
        '"thinking.type.enabled" is not supported for this model.',
    ),
    "6.4 disabled on Fable 5": (
        {"model": "claude-fable-5", "thinking": {"type": "disabled"}},
        '"thinking.type.disabled" is not supported for this model.',
    ),
    "6.4 disabled at the highest effort": (
        {
            "model": "claude-opus-5",
            "thinking": {"type": "disabled"},
            "output_config": {"effort": "max"},
        },
        "",
    ),
    "6.4 adaptive on Haiku 4.5": (
        {"model": "claude-haiku-4-5", "thinking": {"type": "adaptive"}},
        "adaptive thinking is not supported on this model",
    ),
    "6.4 budget as large as the answer": (
        {"model": "claude-haiku-4-5", "max_tokens": 1024, "thinking": THINKS},
        "budget_tokens",
    ),
    "6.4 calls without their thinking": (
        {
            **turns("go", [text(), use()], [result()]),
            "model": "claude-haiku-4-5",
            "max_tokens": 4000,
            "thinking": THINKS,
        },
        "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `text`.",
    ),
    "6.5 system on Sonnet 5": (
        roles("user", "system", "assistant", "user", model="claude-sonnet-5"),
        "messages.1",
    ),
    "6.5 system first": (roles("system", "user", model="claude-opus-5"), "messages.0"),
    "6.5 system before the user": (
        roles("user", "assistant", "system", "user", model="claude-opus-5"),
        "messages.2",
    ),
    "6.6 streamed": ({**WARM, "stream": True}, "stream"),
    "6.6 with thinking": ({**WARM, "model": "claude-haiku-4-5", "thinking": THINKS}, "thinking"),
    "6.6 with a format": ({**WARM, **formed({})}, "output_config"),
    "6.6 with a forced tool": ({**WARM, **FORCED}, "tool_choice"),
    "6.7 open object": (having({"type": "object"}), "additionalProperties"),
    "6.7 minimum": (having({"type": "integer", "minimum": 1}), "minimum"),
    "6.7 maxLength": (having({"type": "string", "maxLength": 9}), "maxLength"),
    "6.7 minItems of 2": (
        having({"type": "array", "items": {"type": "string"}, "minItems": 2}),
        "minItems",
    ),
    "6.7 external reference": (having({"$ref": "https://example.com/a.json"}), "$ref"),
    "6.7 recursion": (formed({"properties": {"x": REFERENCE}, "$defs": {"a": LOOP}}), "ecursive"),
    "6.7 member that is no plain value": (having({"enum": [{"a": 1}]}), "enum"),
    "6.7 back reference": (having({"type": "string", "pattern": r"(a)\1"}), "regex"),
    "6.7 look-ahead": (having({"type": "string", "pattern": "a(?=b)"}), "regex"),
    "6.7 word boundary": (having({"type": "string", "pattern": r"\bword\b"}), "regex"),
    "6.7 strict tool": (
        {"tools": [{**TOOL, "strict": True}]},
        "tools.0.custom",
    ),
    "11 five breakpoints": (
        cached(*[CACHED] * 5),
        "A maximum of 4 blocks with cache_control may be provided. Found 5.",
    ),
    "11 four and the automatic one": (
        {**cached(*[CACHED] * 4), "cache_control": CACHED},
        "Found 5.",
    ),
    "11 an hour after five minutes": (cached(CACHED, ONE_HOUR), "ttl"),
    "11 automatic of another time": (
        {**cached(ONE_HOUR), "cache_control": CACHED},
        "cache_control",
    ),
}


@pytest.mark.parametrize(("changes", "says"), REFUSED.values(), ids=REFUSED)
def test_a_broken_rule_is_a_400_that_says_so(
    ask: Callable[..., ClientResponse],
    refusal_in: Callable[[ClientResponse], tuple[int, str, str]],
    changes: JsonObject,
    says: str,
) -> None:
    """V12 to V18."""
    status, kind, message = refusal_in(ask(changes))
    assert (status, kind) == (400, "invalid_request_error")
    assert says in message


@pytest.mark.parametrize(
    "name",
    [name for name in REFUSED if not name.startswith(("6.6", "6.1 too many", "6.4 budget"))],
)
def test_counting_refuses_what_creating_refuses(
    ask: Callable[..., ClientResponse],
    refusal_in: Callable[[ClientResponse], tuple[int, str, str]],
    name: str,
) -> None:
    """6.2, 15, 19.14."""
    answer = ask(REFUSED[name][0], path="/v1/messages/count_tokens", drop=("max_tokens",))
    assert refusal_in(answer)[:2] == (400, "invalid_request_error")


@pytest.mark.parametrize(
    "model",
    ["claude-nothing-9", "claude-3-opus-20240229", "claude-sonnet-4-20250514", "gpt-5", "-"],
)
@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/count_tokens"])
def test_a_model_that_is_not_there_is_a_404(
    ask: Callable[..., ClientResponse],
    refusal_in: Callable[[ClientResponse], tuple[int, str, str]],
    model: str,
    path: str,
) -> None:
    """V11, 14.2: unknown or retired."""
    drop = ("max_tokens",) if path.endswith("count_tokens") else ()
    status, kind, message = refusal_in(ask({"model": model}, path=path, drop=drop))
    assert (status, kind) == (404, "not_found_error")
    assert model in message


def test_a_prompt_beyond_the_window_is_a_400(
    ask: Callable[..., ClientResponse],
    refusal_in: Callable[[ClientResponse], tuple[int, str, str]],
) -> None:
    """V20."""
    long = turns("word " * 400_000, model="claude-haiku-4-5")
    status, kind, message = refusal_in(ask(long))
    assert (status, kind) == (400, "invalid_request_error")
    assert "too long" in message


ACCEPTED: dict[str, JsonObject] = {
    "6.2 text after the results": turns(
        "go",
        [use("toolu_A"), use("toolu_B")],
        [result("toolu_B"), result("toolu_A"), text("and now?")],
    ),
    "6.2 two rounds of calls": turns(
        "go", [use("toolu_A")], [result("toolu_A")], [use("toolu_B")], [result("toolu_B")]
    ),
    "6.2 calls long ago": turns("go", [use()], [result()], "It is done.", "Thanks."),
    "6.2 prefill on Opus 4.5": turns("go", "I", model="claude-opus-4-5"),
    "6.2 thinking sent back": turns("go", [THOUGHT, text("well")], "and?"),
    "6.2 redacted thinking": turns(
        "go", [{"type": "redacted_thinking", "data": "eA=="}, text("well")], "and?"
    ),
    "6.1 forced on Haiku 5.5": FORCED,
    "6.1 no tool": {"tools": [TOOL], "tool_choice": {"type": "none"}},
    "6.1 one tool by name": {
        "tools": [TOOL, OTHER],
        "tool_choice": {"type": "tool", "name": "other", "disable_parallel_tool_use": True},
    },
    "6.3 one tool deferred": {"tools": [TOOL, {**OTHER, "defer_loading": True}]},
    "6.4 enabled on Haiku 4.5": {
        "model": "claude-haiku-4-5",
        "max_tokens": 4000,
        "thinking": THINKS,
    },
    "6.4 disabled on Sonnet 5": {"model": "claude-sonnet-5", "thinking": {"type": "disabled"}},
    "6.4 between tools": {"model": "claude-sonnet-5-5", "thinking": {"type": "between_tools"}},
    "6.5 system on Opus 5": roles("user", "system", "assistant", "user", model="claude-opus-5"),
    "6.5 system last": roles("user", "assistant", "user", "system", model="claude-opus-4-8"),
    "6.6 warming": WARM,
    "6.7 nested": having({**DATA, "properties": {"y": {"type": ["string", "null"]}}}),
    "6.7 definition": formed({"properties": {"x": REFERENCE}, "$defs": {"a": {"type": "string"}}}),
    "6.7 pattern": having({"type": "string", "pattern": "^[a-z]+$"}),
    "6.7 minItems of 1": having({"type": "array", "items": {"type": "string"}, "minItems": 1}),
    "6.7 choice": having({"anyOf": [{"type": "string"}, {"type": "null"}]}),
    "11 four breakpoints": cached(*[CACHED] * 4),
    "11 an hour before five minutes": cached(ONE_HOUR, CACHED),
    "11 automatic of the same time": {**cached(ONE_HOUR), "cache_control": ONE_HOUR},
}


@pytest.mark.parametrize("changes", ACCEPTED.values(), ids=ACCEPTED)
def test_what_keeps_the_rules_is_accepted(
    ask: Callable[..., ClientResponse], changes: JsonObject
) -> None:
    answer = ask(changes)
    assert answer.status == 200, answer.body

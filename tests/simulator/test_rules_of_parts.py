"""Cache, thinking and tools; each request breaks one rule."""

from typing import cast

import pytest

from l9gate.simulator.thinking import sign
from l9gate.simulator.validate import find_refusal
from l9gate.wire.json import Json, JsonObject

NOW = "2026-10-21"
BEFORE = "2023-06-01"
USER: JsonObject = {"role": "user", "content": "hi"}
TOOL: JsonObject = {"name": "f", "input_schema": {"type": "object"}}


def _text(text: str, **more: Json) -> JsonObject:
    return {"type": "text", "text": text, **more}


def _says(role: str, *blocks: JsonObject) -> JsonObject:
    return {"role": role, "content": cast("list[Json]", list(blocks))}


def _call(tool_id: str) -> JsonObject:
    return {"type": "tool_use", "id": tool_id, "name": "f", "input": {}}


def _result(tool_id: str, **more: Json) -> JsonObject:
    return {"type": "tool_result", "tool_use_id": tool_id, "content": "4", **more}


HOUR: JsonObject = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
THOUGHT: JsonObject = {"type": "thinking", "thinking": "", "signature": "s"}
SIGNED: JsonObject = {
    "type": "thinking",
    "thinking": "A thought.",
    "signature": sign("claude-haiku-5-5", "A thought.", 1),
}
ENABLED: JsonObject = {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 2000}


CALL_A = _says("assistant", _call("a"))
CACHED: JsonObject = {"cache_control": {"type": "ephemeral"}}
ACCEPTED: dict[str, JsonObject] = {
    "four breakpoints": {"system": [_text("a", **CACHED)] * 4},
    "an hour before five minutes": {
        "tools": [{**TOOL, **HOUR}],
        "system": [_text("a", **HOUR)],
        "messages": [_says("user", _text("a", **CACHED))],
    },
    "automatic caching beside the same lifetime": {
        **HOUR,
        "messages": [_says("user", _text("a", **HOUR))],
    },
    "automatic caching of a text": CACHED,
    "a forced tool": {"tools": [TOOL], "tool_choice": {"type": "tool", "name": "f"}},
    "thinking": {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 2000},
    "no thinking": {"thinking": {"type": "disabled"}},
    "thoughts before a call": {
        **ENABLED,
        "tools": [TOOL],
        "messages": [USER, _says("assistant", THOUGHT, _call("a")), _says("user", _result("a"))],
    },
    "an answer without thoughts": {
        **ENABLED,
        "tools": [TOOL],
        "messages": [USER, _says("assistant", _text("x")), USER],
    },
    "thoughts for the first turn": {**ENABLED, "tools": [TOOL]},
    "thoughts as they were, hidden ones and cut ones": {
        "messages": [
            USER,
            _says("assistant", SIGNED, {**SIGNED, "thinking": ""}, {**SIGNED, "thinking": "A"}),
            USER,
        ]
    },
    "older thoughts in other words": {
        "messages": [
            USER,
            _says("assistant", {**SIGNED, "thinking": "Another."}),
            USER,
            _says("assistant", _text("x")),
            USER,
        ]
    },
    "an example that satisfies its schema": {
        "tools": [{**TOOL, "input_examples": [{"a": 1}], "input_schema": {"type": "object"}}]
    },
    "a reference to a tool": {
        "tools": [TOOL],
        "messages": [
            USER,
            CALL_A,
            _says("user", _result("a", content=[{"type": "tool_reference", "tool_name": "f"}])),
        ],
    },
    "no tool by choice": {"tools": [TOOL], "tool_choice": {"type": "none"}},
}
# Changes to the valid body → words that the message must hold (path or documented wording).
REFUSED: dict[str, tuple[JsonObject, str]] = {
    "V17 budget": (
        {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 1024},
        "`max_tokens` must be greater than `thinking.budget_tokens`",
    ),
    "V17 enabled": (
        {"model": "claude-opus-5-5", "thinking": {"type": "enabled", "budget_tokens": 1024}},
        '"thinking.type.enabled" is not supported for this model.',
    ),
    "V17 disabled": (
        {"model": "claude-opus-5-5", "thinking": {"type": "disabled"}},
        '"thinking.type.disabled" is not supported for this model.',
    ),
    "V17 adaptive": (
        {"model": "claude-haiku-4-5", "thinking": {"type": "adaptive"}},
        "adaptive thinking is not supported on this model",
    ),
    "V17 modified": (
        {"messages": [USER, _says("assistant", {**SIGNED, "thinking": "Another."}), USER]},
        "messages.1.content.0: `thinking` or `redacted_thinking` blocks in the latest assistant",
    ),
    "V17 effort": (
        {
            "model": "claude-opus-5",
            "thinking": {"type": "disabled"},
            "output_config": {"effort": "max"},
        },
        "not supported with this effort",
    ),
    "V18": (
        {"system": [_text("a", **CACHED)] * 4, **CACHED},
        "A maximum of 4 blocks with cache_control may be provided. Found 5.",
    ),
    "V18 order": (
        {"system": [_text("a", **CACHED)], "messages": [_says("user", _text("a", **HOUR))]},
        "messages.0.content.0.cache_control.ttl: a ttl='1h' cache_control block must not come",
    ),
    "V17 no thoughts": (
        {
            **ENABLED,
            "tools": [TOOL],
            "messages": [
                USER,
                _says("assistant", _text("x"), _call("a")),
                _says("user", _result("a")),
            ],
        },
        "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `text`.",
    ),
    "V18 order of the automatic one": (
        {**HOUR, "system": [_text("a", **CACHED)]},
        "cache_control.ttl: a ttl='1h' cache_control block must not come after",
    ),
    "automatic caching beside another lifetime": (
        {**CACHED, "messages": [_says("user", _text("a", **HOUR))]},
        "cache_control.ttl: ",
    ),
    "tool names twice": ({"tools": [TOOL, TOOL]}, "Tool names must be unique"),
    "all tools deferred": (
        {"tools": [{**TOOL, "defer_loading": True}]},
        "All tools have defer_loading: true",
    ),
    "a choice of no tools": ({"tool_choice": {"type": "any"}}, "while providing tools"),
    "a choice of another tool": (
        {"tools": [TOOL], "tool_choice": {"type": "tool", "name": "g"}},
        "Tool 'g' not found",
    ),
    "a forced tool on a model that refuses": (
        {"model": "claude-opus-5-5", "tools": [TOOL], "tool_choice": {"type": "any"}},
        "forced tool use is not supported",
    ),
    "a forced tool with thinking": (
        {
            "tools": [TOOL],
            "tool_choice": {"type": "any"},
            "thinking": {"type": "enabled", "budget_tokens": 1024},
            "max_tokens": 2000,
        },
        "forced tool use is not supported",
    ),
    "an example that breaks its schema": (
        {
            "tools": [
                {
                    **TOOL,
                    "input_examples": [{"a": "x"}],
                    "input_schema": {"type": "object", "properties": {"a": {"type": "integer"}}},
                }
            ]
        },
        "tools.0.custom.input_examples.0: does not satisfy the tool's `input_schema`: a: expected",
    ),
    "a reference to no tool": (
        {
            "messages": [
                USER,
                CALL_A,
                _says("user", _result("a", content=[{"type": "tool_reference", "tool_name": "g"}])),
            ]
        },
        "messages.2.content.0.tool_result.content.0.tool_reference.tool_name: no such tool: g",
    ),
    "a strict tool": (
        {"tools": [{**TOOL, "strict": True}]},
        "tools.0.custom.input_schema: For 'object' type",
    ),
}


def _changed(body: JsonObject, changes: JsonObject) -> JsonObject:
    return {**body, **changes}


@pytest.mark.parametrize("name", ACCEPTED)
def test_a_valid_body_is_accepted(body: JsonObject, name: str) -> None:
    assert [find_refusal(_changed(body, ACCEPTED[name]), version) for version in (NOW, BEFORE)] == [
        None
    ] * 2


@pytest.mark.parametrize("name", REFUSED)
def test_a_body_that_breaks_one_rule_is_refused(body: JsonObject, name: str) -> None:
    """L4-04."""
    changes, words = REFUSED[name]
    refusal = find_refusal(_changed(body, changes), NOW)
    assert refusal is not None
    assert words in refusal.message
    assert (refusal.status, refusal.error_type) == (400, "invalid_request_error")


def test_a_reference_that_leads_nowhere_has_its_code(body: JsonObject) -> None:
    refusal = find_refusal(_changed(body, REFUSED["a reference to no tool"][0]), NOW)
    assert refusal is not None
    assert refusal.code == "tool_reference_unresolved"


def test_leniently_parts_may_contradict_each_other(body: JsonObject) -> None:
    for name, (changes, _) in REFUSED.items():
        assert find_refusal({**body, **changes}, NOW, strictness="lenient") is None, name

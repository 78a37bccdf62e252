"""Which requests are refused; each breaks one rule."""

from typing import cast

import pytest

from l9gate.simulator.validate import find_refusal
from l9gate.wire.json import Json, JsonObject

NOW = "2026-10-21"
BEFORE = "2023-06-01"
MISSING = "<missing>"  # as a change: the field is left out
USER: JsonObject = {"role": "user", "content": "hi"}
SCHEMA: JsonObject = {"type": "object", "properties": {}, "additionalProperties": False}
FORMAT: JsonObject = {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}}
TOOL: JsonObject = {"name": "f", "input_schema": {"type": "object"}}


def _text(text: str, **more: Json) -> JsonObject:
    return {"type": "text", "text": text, **more}


def _says(role: str, *blocks: JsonObject) -> JsonObject:
    return {"role": role, "content": cast("list[Json]", list(blocks))}


def _call(tool_id: str) -> JsonObject:
    return {"type": "tool_use", "id": tool_id, "name": "f", "input": {}}


def _result(tool_id: str, **more: Json) -> JsonObject:
    return {"type": "tool_result", "tool_use_id": tool_id, "content": "4", **more}


CITATION: JsonObject = {
    "type": "char_location",
    "cited_text": "x",
    "document_index": 0,
    "document_title": None,
    "start_char_index": 0,
    "end_char_index": 1,
}
URL: JsonObject = {"type": "url", "url": "https://example.com/x"}
DOCUMENT: JsonObject = {"type": "document", "source": URL}
SEARCH: JsonObject = {"type": "web_search_20260318", "name": "web_search"}
HOUR: JsonObject = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
THOUGHT: JsonObject = {"type": "thinking", "thinking": "", "signature": "s"}
ENABLED: JsonObject = {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 2000}
SYSTEM: JsonObject = {"role": "system", "content": "now"}
RULED = {"model": "claude-opus-5"}  # takes `role: "system"`


def _searches(call_id: str = "srvtoolu_1", name: str = "web_search") -> JsonObject:
    return {"type": "server_tool_use", "id": call_id, "name": name, "input": {}}


FOUND: JsonObject = {
    "type": "web_search_tool_result",
    "tool_use_id": "srvtoolu_1",
    "content": [],
}
CALL_A = _says("assistant", _call("a"))
CACHED: JsonObject = {"cache_control": {"type": "ephemeral"}}
ACCEPTED: dict[str, JsonObject] = {
    "nothing special": {},
    "consecutive user messages": {"messages": [USER, USER]},
    "a system prompt of blocks": {"system": [_text("be kind", **CACHED)]},
    "a tool that was answered": {
        "messages": [
            USER,
            _says("assistant", _call("t1")),
            _says("user", _result("t1"), _text("x")),
        ]
    },
    "a tool of another type": {"tools": [{"type": "web_search_20260318", "name": "web_search"}]},
    "an image in a result": {
        "messages": [
            USER,
            _says("assistant", _call("t1")),
            _says(
                "user",
                _result("t1", content=[_text("x"), {"type": "image", "source": URL}]),
            ),
        ]
    },
    "four breakpoints": {"system": [_text("a", **CACHED)] * 4},
    "a schema": FORMAT,
    "a forced tool": {"tools": [TOOL], "tool_choice": {"type": "tool", "name": "f"}},
    "thinking": {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 2000},
    "no thinking": {"thinking": {"type": "disabled"}},
    "warming the cache": {"max_tokens": 0},
    "a document of the user": {"messages": [_says("user", DOCUMENT)]},
    "a system message on a model that takes it": {
        "model": "claude-opus-5",
        "messages": [USER, {"role": "system", "content": "now"}],
    },
    "prefill on an old model": {
        "model": "claude-haiku-4-5",
        "messages": [USER, {"role": "assistant", "content": "{"}],
    },
    "effort": {"output_config": {"effort": "low"}},
    "results in several user messages": {
        "messages": [
            USER,
            _says("assistant", _call("a"), _call("b")),
            _says("user", _result("a")),
            _says("user", _result("b"), _text("x")),
        ]
    },
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
    "a search that was answered": {
        "messages": [USER, _says("assistant", _searches(), FOUND, _text("x")), USER]
    },
    "a search that paused": {
        "tools": [SEARCH],
        "messages": [USER, _says("assistant", _searches())],
    },
    "a search that waits for a client's tool": {
        "tools": [SEARCH, TOOL],
        "messages": [
            USER,
            _says("assistant", _searches(), _call("a")),
            _says("user", _result("a")),
        ],
    },
    "code that waits in a shell": {
        "tools": [{"type": "code_execution_20260521", "name": "code_execution"}],
        "messages": [USER, _says("assistant", _searches(name="bash_code_execution"))],
    },
    "a system message after a search": {
        **RULED,
        "messages": [USER, _says("assistant", _searches(), FOUND), SYSTEM],
    },
    "a system message in two parts": {
        **RULED,
        "messages": [
            USER,
            SYSTEM,
            _says("system", _text("x")),
            CALL_A,
            _says("user", _result("a")),
        ],
    },
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
    "V8 model": ({"model": MISSING}, "model: Field required"),
    "V8 max_tokens": ({"max_tokens": MISSING}, "max_tokens: Field required"),
    "V8 content": ({"messages": [{"role": "user"}]}, "messages.0.content: Field required"),
    "V8 schema": ({"tools": [{"name": "f"}]}, "tools.0.custom.input_schema: Field required"),
    "V9 top": ({"response_format": {}}, "response_format: Extra inputs are not permitted"),
    "V9 block": (
        {"messages": [USER, _says("assistant", {**_call("t"), "text": "x"})]},
        "messages.1.content.0.tool_use.text: Extra inputs are not permitted",
    ),
    "V9 cache control": (
        {"system": [_text("a", cache_control={"type": "ephemeral", "scope": "x"})]},
        "system.0.cache_control.ephemeral.scope: Extra inputs are not permitted",
    ),
    "V10 string": ({"model": 3}, "model: Input should be a valid string"),
    "V10 short": ({"model": ""}, "model: String should have at least 1"),
    "V10 long": ({"metadata": {"user_id": "x" * 513}}, "metadata.user_id: String should have at"),
    "V10 pattern": (
        {"tools": [{**TOOL, "name": "a b"}]},
        "tools.0.custom.name: String should match pattern",
    ),
    "V10 integer": ({"max_tokens": "5"}, "max_tokens: Input should be a valid integer"),
    "V10 true": ({"max_tokens": True}, "max_tokens: Input should be a valid integer"),
    "V10 negative": ({"max_tokens": -1}, "max_tokens: Input should be greater than or equal to 0"),
    "V10 boolean": ({"stream": "yes"}, "stream: Input should be a valid boolean"),
    "V10 list": ({"messages": {}}, "messages: Input should be a valid list"),
    "V10 object": ({"messages": ["hi"]}, "messages.0: Input should be a valid dictionary"),
    "V10 tagged": ({"thinking": "on"}, "thinking: Input should be a valid dictionary"),
    "V10 role": ({"messages": [{"role": "bot", "content": "x"}]}, "messages.0.role: Input should"),
    "V10 tag": ({"thinking": {"type": "deep"}}, "thinking: Input tag 'deep' found"),
    "V10 no tag": ({"thinking": {}}, "thinking.type: Field required"),
    "V10 odd tag": ({"thinking": {"type": 1}}, "thinking: Input tag '1'"),
    "V11 unknown": ({"model": "claude-99"}, "model: claude-99"),
    "V11 retired": ({"model": "claude-opus-4-0"}, "model: claude-opus-4-0"),
    "V12": (
        {"model": "claude-opus-4-5", "max_tokens": 128_001},
        "max_tokens: 128001 > 64000, which is the maximum allowed number of output tokens for "
        "claude-opus-4-5-20251101",
    ),
    "V13": (
        {"messages": [_says("user", _text(""))]},
        "messages: text content blocks must be non-empty",
    ),
    "V14": (
        {"messages": [USER, _says("assistant", _call("a"), _call("b")), USER]},
        "`tool_use` ids were found without `tool_result` blocks immediately after: a, b. Each",
    ),
    "V14 at the end": ({"messages": [USER, CALL_A]}, "messages.1: `tool_u"),
    "V14 text first": (
        {
            "messages": [
                USER,
                CALL_A,
                _says("user", _text("x"), _result("a")),
            ]
        },
        "messages.1: `tool_use` ids",
    ),
    "V15": (
        {"messages": [_says("user", _result("a"))]},
        "messages.0.content.0: unexpected `tool_use_id` found in `tool_result` blocks: a",
    ),
    "the same id twice": (
        {
            "messages": [
                CALL_A,
                _says("user", _result("a")),
                CALL_A,
                _says("user", _result("a")),
            ]
        },
        "messages.2.content.0: `tool_use` ids must be unique: a",
    ),
    "a call by the user": ({"messages": [_says("user", _call("a"))]}, "can only be in `assistant`"),
    "a result by the assistant": (
        {"messages": [CALL_A, _says("assistant", _result("a")), USER]},
        "messages.1.content.0: `tool_result` blocks can only be in `user` messages",
    ),
    "V16": (
        {"messages": [USER, {"role": "assistant", "content": "{"}]},
        "This model does not support assistant message prefill.",
    ),
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
    "V19": ({"temperature": 1.0}, "temperature: Extra inputs are not permitted"),
    "V23 document": (
        {
            "messages": [
                USER,
                _says("assistant", DOCUMENT),
                USER,
            ]
        },
        "messages.1.content.0.document",
    ),
    "V23 citations": (
        {"messages": [_says("user", _text("x", citations=[CITATION]))]},
        "messages.0.content.0.text.citations",
    ),
    "V23 citations in a search result": (
        {
            "messages": [
                _says(
                    "user",
                    {
                        "type": "search_result",
                        "source": "s",
                        "title": "t",
                        "content": [_text("x", citations=[CITATION])],
                    },
                )
            ]
        },
        "messages.0.content.0.search_result.content.0.citations",
    ),
    "no messages": ({"messages": []}, "messages: at least one message"),
    "a system message": (
        {"model": "claude-sonnet-5", "messages": [USER, {"role": "system", "content": "x"}]},
        "messages.1.role",
    ),
    "a system message first": (
        {"model": "claude-opus-5", "messages": [{"role": "system", "content": "x"}]},
        "messages.0: a `system` message",
    ),
    "a system message before a user": (
        {"model": "claude-opus-5", "messages": [USER, {"role": "system", "content": "x"}, USER]},
        "messages.1: a `system` message must precede",
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
    "warming with a stream": ({"max_tokens": 0, "stream": True}, "stream: cannot be used"),
    "warming with a format": ({"max_tokens": 0, **FORMAT}, "output_config.format: cannot"),
    "V13 system": ({"system": [_text("")]}, "system: text content blocks must be non-empty"),
    "V13 inside": (
        {"messages": [USER, CALL_A, _says("user", _result("a", content=[_text("")]))]},
        "messages: text content blocks must be non-empty",
    ),
    "V18 order": (
        {"system": [_text("a", **CACHED)], "messages": [_says("user", _text("a", **HOUR))]},
        "messages.0.content.0.cache_control.ttl: a ttl='1h' cache_control block must not come",
    ),
    "automatic caching beside another lifetime": (
        {**CACHED, "messages": [_says("user", _text("a", **HOUR))]},
        "cache_control.ttl: ",
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
    "a search that nobody answered": (
        {"tools": [SEARCH], "messages": [USER, _says("assistant", _searches()), USER]},
        "`web_search` tool use with id `srvtoolu_1` was found without a corresponding "
        "`web_search_tool_result` block",
    ),
    "a search for tools that nobody answered": (
        {
            "messages": [
                USER,
                _says("assistant", _searches(name="tool_search_tool_bm25")),
                USER,
            ]
        },
        "`tool_search_tool_result` block",
    ),
    "a search without its tool": (
        {"messages": [USER, _says("assistant", _searches())]},
        "messages.1.content.0: `web_search` tool use with id `srvtoolu_1` was found, but no "
        "`web_search` tool was provided",
    ),
    "a system message after an answer": (
        {**RULED, "messages": [USER, _says("assistant", _text("x")), SYSTEM]},
        "messages.2: a `system` message must directly follow",
    ),
    "a system message between a call and its result": (
        {**RULED, "messages": [USER, CALL_A, SYSTEM, _says("user", _result("a"))]},
        "messages.2: a `system` message must directly follow",
    ),
    "a system message with an image": (
        {**RULED, "messages": [USER, _says("system", {"type": "image", "source": URL})]},
        "messages.1.content.0: a `system` message holds `text` blocks only",
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
    "warming with thoughts": ({**ENABLED, "max_tokens": 0}, "thinking.type: cannot be used"),
    "warming with a forced tool": (
        {"max_tokens": 0, "tools": [TOOL], "tool_choice": {"type": "any"}},
        "tool_choice.type: cannot be used",
    ),
    "too many messages": ({"messages": [USER] * 100_001}, "messages: List should have at most"),
    "a strict tool": (
        {"tools": [{**TOOL, "strict": True}]},
        "tools.0.custom.input_schema: For 'object' type",
    ),
}


def _changed(body: JsonObject, changes: JsonObject) -> JsonObject:
    return {name: item for name, item in {**body, **changes}.items() if item != MISSING}


@pytest.mark.parametrize("name", ACCEPTED)
@pytest.mark.parametrize("version", [NOW, BEFORE])
def test_a_valid_body_is_accepted(body: JsonObject, name: str, version: str) -> None:
    assert find_refusal(_changed(body, ACCEPTED[name]), version) is None


@pytest.mark.parametrize("name", REFUSED)
def test_a_body_that_breaks_one_rule_is_refused(body: JsonObject, name: str) -> None:
    """L4-04."""
    changes, words = REFUSED[name]
    refusal = find_refusal(_changed(body, changes), NOW)
    assert refusal is not None
    assert words in refusal.message
    expected = (
        (404, "not_found_error") if name.startswith("V11") else (400, "invalid_request_error")
    )
    assert (refusal.status, refusal.error_type) == expected


@pytest.mark.parametrize("name", ["V23 document", "V23 citations"])
def test_the_version_before_accepts_what_the_current_one_refuses(
    body: JsonObject, name: str
) -> None:
    """L4-07."""
    assert find_refusal(_changed(body, REFUSED[name][0]), BEFORE) is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"temperature": 1.0}, None),
        ({"temperature": 0.5}, "temperature is deprecated for this model."),
        ({"top_k": 5}, "top_k is deprecated for this model."),
        ({"top_p": 0.99}, None),
        ({"top_p": 0.9}, "top_p is deprecated for this model."),
        ({"temperature": 2}, "temperature: Input should be less than or equal to 1"),
        ({"top_p": -1}, "top_p: Input should be greater than or equal to 0"),
        ({"top_p": "x"}, "top_p: Input should be a valid number"),
        ({"model": "claude-opus-4-5", "temperature": 0.5}, None),
        ({"model": "claude-haiku-4-5", "temperature": 0.5, "top_p": 0.5}, "cannot both"),
    ],
)
def test_sampling_under_the_version_before(
    body: JsonObject, changes: JsonObject, words: str | None
) -> None:
    refusal = find_refusal(_changed(body, changes), BEFORE)
    assert (refusal is None) == (words is None)
    assert refusal is None or (words or "") in refusal.message


def test_counting_refuses_what_only_generating_needs(body: JsonObject) -> None:
    refusal = find_refusal(body, NOW, counts_only=True)
    assert refusal is not None
    assert refusal.message == "max_tokens: Extra inputs are not permitted"


def test_counting_refuses_what_generating_refuses() -> None:
    count: JsonObject = {"model": "claude-haiku-5-5", "messages": [_says("user", _text(""))]}
    refusal = find_refusal(count, NOW, counts_only=True)
    assert refusal is not None
    assert "non-empty" in refusal.message


@pytest.mark.parametrize(
    "changes",
    [
        {"context_management": {"edits": []}},
        {"mcp_servers": []},
        {"output_config": {"task_budget": {"type": "tokens", "total": 1}}},
        {"tools": [{"type": "advisor_20260301", "name": "advisor"}]},
    ],
)
def test_fields_of_betas_need_a_beta(body: JsonObject, changes: JsonObject) -> None:
    refusal = find_refusal({**body, **changes}, NOW)
    assert refusal is not None
    assert refusal.status == 400
    assert find_refusal({**body, **changes}, NOW, has_betas=True) is None


# What breaks a rule of value, or one between fields: the lenient profile lets it pass.
LENIENT = (
    "V10 short", "V10 long", "V10 pattern", "V10 negative", "V11 unknown", "V11 retired", "V12",
    "V13", "V14", "V15", "V16", "V17 enabled", "V18", "V23 document", "tool names twice",
)  # fmt: skip


@pytest.mark.parametrize("name", LENIENT)
def test_leniently_only_the_form_counts(body: JsonObject, name: str) -> None:
    changed = _changed(body, REFUSED[name][0])
    assert find_refusal(changed, NOW, strictness="lenient") is None


@pytest.mark.parametrize(
    "name", ["V8 model", "V9 top", "V9 block", "V10 string", "V10 tag", "V19", "no messages"]
)
def test_leniently_the_form_still_counts(body: JsonObject, name: str) -> None:
    changed = _changed(body, REFUSED[name][0])
    assert find_refusal(changed, NOW) == find_refusal(changed, NOW, strictness="lenient")
    assert find_refusal(changed, NOW) is not None


def test_a_reference_that_leads_nowhere_has_its_code(body: JsonObject) -> None:
    refusal = find_refusal(_changed(body, REFUSED["a reference to no tool"][0]), NOW)
    assert refusal is not None
    assert refusal.code == "tool_reference_unresolved"

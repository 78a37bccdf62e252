"""The order of turns and blocks; each request breaks one rule."""

from typing import cast

import pytest

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
ACCEPTED: dict[str, JsonObject] = {
    "consecutive user messages": {"messages": [USER, USER]},
    "a tool that was answered": {
        "messages": [
            USER,
            _says("assistant", _call("t1")),
            _says("user", _result("t1"), _text("x")),
        ]
    },
    "a document of the user": {"messages": [_says("user", DOCUMENT)]},
    "a system message on a model that takes it": {
        "model": "claude-opus-5",
        "messages": [USER, {"role": "system", "content": "now"}],
    },
    "prefill on an old model": {
        "model": "claude-haiku-4-5",
        "messages": [USER, {"role": "assistant", "content": "{"}],
    },
    "results in several user messages": {
        "messages": [
            USER,
            _says("assistant", _call("a"), _call("b")),
            _says("user", _result("a")),
            _says("user", _result("b"), _text("x")),
        ]
    },
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
}
# Changes to the valid body → words that the message must hold (path or documented wording).
REFUSED: dict[str, tuple[JsonObject, str]] = {
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
    "V16": (
        {"messages": [USER, {"role": "assistant", "content": "{"}]},
        "This model does not support assistant message prefill.",
    ),
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
    "V13 system": ({"system": [_text("")]}, "system: text content blocks must be non-empty"),
    "V13 inside": (
        {"messages": [USER, CALL_A, _says("user", _result("a", content=[_text("")]))]},
        "messages: text content blocks must be non-empty",
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
    "no messages": ({"messages": []}, "messages: at least one message"),
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


@pytest.mark.parametrize("name", ["V23 document", "V23 citations"])
def test_the_version_before_accepts_what_the_current_one_refuses(
    body: JsonObject, name: str
) -> None:
    """L4-07."""
    assert find_refusal(_changed(body, REFUSED[name][0]), BEFORE) is None


def test_leniently_turns_come_in_any_order(body: JsonObject) -> None:
    for name, (changes, _) in REFUSED.items():
        refusal = find_refusal({**body, **changes}, NOW, strictness="lenient")
        assert (refusal is None) == (name != "no messages"), name

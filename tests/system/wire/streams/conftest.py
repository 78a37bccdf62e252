"""Every kind of answer, asked for once whole and once as a stream."""

from collections.abc import Callable

import msgspec
import pytest

from l9gate.net.client import ClientResponse
from l9gate.wire.json import Json, JsonObject

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
SEARCH: JsonObject = {"type": "web_search_20260318", "name": "web_search"}
FETCH: JsonObject = {
    "type": "web_fetch_20260318",
    "name": "web_fetch",
    "citations": {"enabled": True},
}
CODE: JsonObject = {"type": "code_execution_20260120", "name": "code_execution"}
OLD_CODE: JsonObject = {"type": "code_execution_20250522", "name": "code_execution"}
FOR_CODE: JsonObject = {**BARE, "allowed_callers": ["code_execution_20260120"]}
REGEX: JsonObject = {"type": "tool_search_tool_regex", "name": "tool_search_tool_regex"}
DEFERRED: JsonObject = {**BARE, "defer_loading": True}
COMPUTER: JsonObject = {"type": "computer_toolset_20260801"}
SHOWN: JsonObject = {"type": "adaptive", "display": "summarized"}
HIDDEN: JsonObject = {"type": "adaptive", "display": "omitted"}
BUDGET: JsonObject = {"type": "enabled", "budget_tokens": 1024}
CITED: JsonObject = {"enabled": True}
PLAIN: JsonObject = {"type": "text", "media_type": "text/plain", "data": "Grass is green."}
PAGES: JsonObject = {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0xLjQK"}
FOUND: JsonObject = {
    "type": "search_result",
    "source": "https://a.example/b",
    "title": "Found",
    "content": [{"type": "text", "text": "Snow is white."}],
    "citations": CITED,
}


class Kind(msgspec.Struct, frozen=True):
    """What to ask for, and which blocks, stop reason and so on must come."""

    changes: JsonObject
    blocks: list[str]
    stop_reason: str = "end_turn"
    fault: str | None = None


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of answer, both ways."""

    name: str
    kind: Kind
    whole: JsonObject
    events: list[JsonObject]
    raw: bytes


def said(words: Json, **fields: Json) -> JsonObject:
    """A request of one message."""
    return {"messages": [{"role": "user", "content": words}], **fields}


def document(source: JsonObject) -> JsonObject:
    return {"type": "document", "source": source, "title": "Grass", "citations": CITED}


def cut_by(reason: str, *blocks: str) -> Kind:
    """An answer that ends as a fault says."""
    return Kind({}, list(blocks), reason, f"stop_reason={reason}")


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
NO_CALL: JsonObject = {"tools": [TOOL], "tool_choice": {"type": "none"}}
ONE_CALL: JsonObject = {"type": "auto", "disable_parallel_tool_use": True}
NAMED: JsonObject = {"type": "tool", "name": "open_file"}
BY_SCHEMA: JsonObject = {"output_config": {"format": {"type": "json_schema", "schema": TREE}}}
ON_BUDGET: JsonObject = {"thinking": BUDGET, "model": "claude-haiku-4-5", "max_tokens": 2000}
QUESTION: JsonObject = {"type": "text", "text": "What colour is it?"}
STOPPED = said("Reply with exactly: one two three", stop_sequences=["two"])
SCRIPTS = said('Reply with exactly: "naïve 🦜 語 \\" \\n"')
SEARCHED = ["server_tool_use", "web_search_tool_result"]
FETCHED = ["server_tool_use", "web_fetch_tool_result"]
RAN = [
    *("server_tool_use", "text_editor_code_execution_tool_result"),
    *("server_tool_use", "bash_code_execution_tool_result"),
]
RAN_ONCE = ["server_tool_use", "code_execution_tool_result"]
LOADED = ["server_tool_use", "tool_search_tool_result"]

KINDS = {
    "text": Kind(said("Say something."), ["text"]),
    "one word": Kind(said("Reply with exactly: pong"), ["text"]),
    "other scripts": Kind(SCRIPTS, ["text"]),
    "stop sequence": Kind(STOPPED, ["text"], "stop_sequence"),
    "cut text": Kind(said("Say something.", max_tokens=5), ["text"], "max_tokens"),
    "one token": Kind(said("Say something.", max_tokens=1), ["text"], "max_tokens"),
    "call": Kind({"tools": [TOOL]}, ["tool_use"], "tool_use"),
    "two calls": Kind({"tools": [TOOL, BARE]}, ["tool_use", "tool_use"], "tool_use"),
    "one call of two": Kind(
        {"tools": [TOOL, BARE], "tool_choice": ONE_CALL}, ["tool_use"], "tool_use"
    ),
    "forced call": Kind({"tools": [BARE, TOOL], "tool_choice": NAMED}, ["tool_use"], "tool_use"),
    "call without input": Kind({"tools": [BARE]}, ["tool_use"], "tool_use"),
    "no call": Kind(NO_CALL, ["text"]),
    "cut call": Kind({"tools": [TOOL], "max_tokens": 3}, ["tool_use"], "max_tokens"),
    "after a result": Kind(ROUND, ["text"]),
    "schema": Kind(BY_SCHEMA, ["text"]),
    "thinking shown": Kind({"thinking": SHOWN}, ["thinking", "text"]),
    "thinking hidden": Kind({"thinking": HIDDEN}, ["thinking", "text"]),
    "thinking on a budget": Kind(ON_BUDGET, ["thinking", "text"]),
    "thinking, then a call": Kind(
        {"thinking": SHOWN, "tools": [TOOL]}, ["thinking", "tool_use"], "tool_use"
    ),
    "search": Kind({"tools": [SEARCH]}, [*SEARCHED, "text", "text"]),
    "fetch": Kind({"tools": [FETCH]}, [*FETCHED, "text", "text"]),
    "run of code": Kind({"tools": [CODE]}, [*RAN, "text"]),
    "run of code, first version": Kind({"tools": [OLD_CODE]}, [*RAN_ONCE, "text"]),
    "code that calls": Kind(
        {"tools": [CODE, FOR_CODE]}, ["server_tool_use", "tool_use"], "tool_use"
    ),
    "search of tools": Kind({"tools": [REGEX, DEFERRED]}, [*LOADED, "tool_use"], "tool_use"),
    "member of a toolset": Kind({"tools": [COMPUTER]}, ["tool_use"], "tool_use"),
    "pause of code": Kind({"tools": [CODE]}, RAN, "pause_turn", "stop_reason=pause_turn"),
    "pause": Kind({"tools": [SEARCH]}, SEARCHED, "pause_turn", "stop_reason=pause_turn"),
    "cited text": Kind(said([document(PLAIN), QUESTION]), ["text", "text"]),
    "cited pages": Kind(said([document(PAGES), QUESTION]), ["text", "text"]),
    "cited search result": Kind(said([FOUND, QUESTION]), ["text", "text"]),
    "refusal": cut_by("refusal"),
    "full window": cut_by("model_context_window_exceeded", "text"),
    "nothing": Kind({}, [], fault="empty"),
}


@pytest.fixture(scope="module")
def pairs() -> dict[str, Pair]:
    return {}


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
            name=name,
            kind=kind,
            whole=object_in(ask(kind.changes, headers=headers)),
            events=events_in(streamed),
            raw=streamed.body,
        )
    return pairs[name]


@pytest.fixture
def whole(pair: Pair) -> JsonObject:
    """The answer without streaming."""
    return pair.whole


@pytest.fixture
def events(pair: Pair) -> list[JsonObject]:
    """Every event of the same answer as a stream."""
    return pair.events


@pytest.fixture
def raw(pair: Pair) -> bytes:
    """Every byte of that stream."""
    return pair.raw


@pytest.fixture
def wanted(pair: Pair) -> tuple[list[str], str, int]:
    """The types of the blocks, the stop reason, and the most tokens."""
    limit = pair.kind.changes.get("max_tokens", 400)
    assert isinstance(limit, int)
    return pair.kind.blocks, pair.kind.stop_reason, limit

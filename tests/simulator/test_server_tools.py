"""Tools that the API runs itself: in each answer, and over the turns of a conversation."""

from collections.abc import Callable

import msgspec
import pytest

from l9gate.net.http import HttpResponse
from l9gate.simulator.turns import objects_of
from l9gate.wire.json import Json, JsonObject

Ask = Callable[..., HttpResponse]
SCHEMA: JsonObject = {"type": "object", "properties": {"q": {"type": "string"}}}
CODE: JsonObject = {"type": "code_execution_20260120", "name": "code_execution"}
OLD_CODE: JsonObject = {"type": "code_execution_20250522", "name": "code_execution"}
SEARCH: JsonObject = {"type": "web_search_20260318", "name": "web_search"}
FETCH: JsonObject = {"type": "web_fetch_20260318", "name": "web_fetch"}
CITING: JsonObject = {**FETCH, "citations": {"enabled": True}}
BM25: JsonObject = {"type": "tool_search_tool_bm25_20251119", "name": "tool_search_tool_bm25"}
REGEX: JsonObject = {"type": "tool_search_tool_regex", "name": "tool_search_tool_regex"}
DEFERRED: JsonObject = {"name": "later", "input_schema": SCHEMA, "defer_loading": True}
VERSION = "code_execution_20260120"
COMMANDS = ["text_editor_code_execution", "bash_code_execution"]


def tool(name: str, *callers: str) -> JsonObject:
    made: JsonObject = {"name": name, "input_schema": SCHEMA}
    return made if not callers else {**made, "allowed_callers": [*callers]}


@pytest.fixture
def converse(ask: Ask, body: JsonObject) -> Callable[..., list[JsonObject]]:
    """Run the loop of an agent and return its messages, at most eight; each turn is accepted."""

    def run(*tools: Json, words: str = "Look.", **fields: Json) -> list[JsonObject]:
        turns: list[Json] = [{"role": "user", "content": words}]
        found: list[JsonObject] = []
        while len(found) < 8:
            response = ask({**body, "tools": list(tools), "messages": [*turns], **fields})
            assert response.status == 200, response.body
            assert isinstance(response.body, bytes)
            message = msgspec.json.decode(response.body)
            found.append(message)
            if message["stop_reason"] != "tool_use":
                break
            results: list[Json] = [
                {"type": "tool_result", "tool_use_id": block["id"], "content": "done"}
                for block in blocks(message, "tool_use")
            ]
            turns.append({"role": "assistant", "content": message["content"]})
            turns.append({"role": "user", "content": results})
        return found

    return run


def blocks(message: JsonObject, kind: str) -> list[JsonObject]:
    return [block for block in objects_of(message["content"]) if block["type"] == kind]


def kinds(message: JsonObject) -> list[Json]:
    return [block.get("name", block["type"]) for block in objects_of(message["content"])]


def under(value: Json, *names: str | int) -> Json:
    for name in names:
        if isinstance(name, int):
            assert isinstance(value, list)
            value = value[name]
        else:
            assert isinstance(value, dict)
            value = value[name]
    return value


@pytest.mark.parametrize(
    ("used", "names"),
    [
        (SEARCH, ["web_search"]),
        (FETCH, ["web_fetch"]),
        (OLD_CODE, ["code_execution"]),
        (CODE, COMMANDS),
        ({**CODE, "type": "code_execution_20250825"}, COMMANDS),
        ({**CODE, "type": "code_execution_20260521"}, COMMANDS),
        (BM25, ["tool_search_tool_bm25"]),
        (REGEX, ["tool_search_tool_regex"]),
    ],
)
def test_a_tool_of_the_api_is_used_once_and_its_results_follow(
    converse: Callable[..., list[JsonObject]], ask: Ask, used: JsonObject, names: list[str]
) -> None:
    message = converse(used, DEFERRED)[0]
    calls = blocks(message, "server_tool_use")
    assert [call["name"] for call in calls] == names
    content = objects_of(message["content"])
    for call in calls:
        result = content[content.index(call) + 1]
        assert result["tool_use_id"] == call["id"]
        assert str(call["id"]).startswith("srvtoolu_")


def test_what_was_used_is_not_used_again(
    converse: Callable[..., list[JsonObject]], body: JsonObject
) -> None:
    tools: list[Json] = [SEARCH, FETCH, CODE, BM25, REGEX]
    (first,) = converse(*tools)
    history: list[Json] = [
        {"role": "user", "content": "Look."},
        {"role": "assistant", "content": first["content"]},
        {"role": "user", "content": "Again."},
    ]
    (second,) = converse(*tools, messages=history)
    assert kinds(second) == ["text"]
    assert len(blocks(first, "server_tool_use")) == 6


def test_visits_of_the_web_are_counted(converse: Callable[..., list[JsonObject]]) -> None:
    (message,) = converse(SEARCH, FETCH, CODE)
    assert under(message, "usage", "server_tool_use") == {
        "web_search_requests": 1,
        "web_fetch_requests": 1,
    }
    assert under(converse(CODE)[0], "usage", "server_tool_use") is None


def test_a_visit_that_is_cut_off_is_not_counted(converse: Callable[..., list[JsonObject]]) -> None:
    (message,) = converse(SEARCH, max_tokens=1)
    assert (message["content"], message["stop_reason"]) == ([], "max_tokens")
    assert under(message, "usage", "server_tool_use") is None


def test_the_page_that_was_asked_for_is_fetched_and_cited(
    converse: Callable[..., list[JsonObject]],
) -> None:
    (message,) = converse(CITING, words="What does (https://a.example/b?c=1) say?")
    (result,) = blocks(message, "web_fetch_tool_result")
    assert under(result, "content", "url") == "https://a.example/b?c=1"
    title = under(result, "content", "content", "title")
    citation = under(message, "content", 3, "citations", 0)
    assert under(citation, "type") == "char_location"
    assert (under(citation, "document_index"), under(citation, "document_title")) == (0, title)
    for citations in (None, {}, {"enabled": False}):
        (message,) = converse({**FETCH, "citations": citations})
        assert kinds(message) == ["web_fetch", "web_fetch_tool_result", "text"]
        assert under(message, "content", 1, "content", "content", "citations") is None


def test_a_page_that_is_not_allowed_is_an_error_of_the_tool(
    converse: Callable[..., list[JsonObject]],
) -> None:
    blocked: JsonObject = {**CITING, "blocked_domains": ["a.example"]}
    (message,) = converse(blocked, words="Read https://www.a.example/b")
    (result,) = blocks(message, "web_fetch_tool_result")
    assert result["content"] == {
        "type": "web_fetch_tool_result_error",
        "error_code": "url_not_allowed",
    }
    assert kinds(message)[2:] == ["text"]


def test_a_search_finds_pages_of_the_allowed_domains(
    converse: Callable[..., list[JsonObject]],
) -> None:
    (message,) = converse({**SEARCH, "allowed_domains": ["b.example"]})
    (result,) = blocks(message, "web_search_tool_result")
    assert under(result, "content", 0, "url") == "https://b.example/simulated"


@pytest.mark.parametrize("search", [BM25, REGEX])
def test_a_tool_that_a_search_found_is_called(
    converse: Callable[..., list[JsonObject]], search: JsonObject
) -> None:
    first, last = converse(search, DEFERRED, {**SEARCH, "defer_loading": True})
    (result,) = blocks(first, "tool_search_tool_result")
    assert under(result, "content", "tool_references") == [
        {"type": "tool_reference", "tool_name": "later"},
        {"type": "tool_reference", "tool_name": "web_search"},
    ]
    assert [call["name"] for call in blocks(first, "server_tool_use")][1:] == ["web_search"]
    assert [call["name"] for call in blocks(first, "tool_use")] == ["later"]
    assert (kinds(last), last["stop_reason"]) == (["text"], "end_turn")


def test_a_demand_for_any_tool_gets_one_that_is_loaded(
    converse: Callable[..., list[JsonObject]],
) -> None:
    turns = converse(DEFERRED, tool("a"), tool_choice={"type": "any"})
    assert [kinds(turn) for turn in turns] == [["a"]] * 8


def test_code_calls_the_tools_that_are_for_it_and_then_ends(
    converse: Callable[..., list[JsonObject]],
) -> None:
    names = ("a", "b", "c")
    turns = converse(CODE, *(tool(name, VERSION) for name in names), tool("d"))
    assert [kinds(turn) for turn in turns] == [
        ["code_execution", "a", "b"],
        ["c"],
        ["code_execution_tool_result", "d"],
        ["text"],
    ]
    (run,) = blocks(turns[0], "server_tool_use")
    caller = {"type": VERSION, "tool_id": run["id"]}
    callers = [call["caller"] for turn in turns for call in blocks(turn, "tool_use")]
    assert callers == [caller, caller, caller, {"type": "direct"}]
    containers = [turn["container"] for turn in turns]
    assert containers[0] == containers[1] == containers[2] != containers[3] is None


def test_code_that_came_to_its_end_needs_no_tool_any_more(
    converse: Callable[..., list[JsonObject]],
) -> None:
    run: JsonObject = {
        "type": "server_tool_use",
        "id": "srvtoolu_1",
        "name": "code_execution",
        "input": {},
    }
    call: JsonObject = {"type": "tool_use", "id": "toolu_1", "name": "a", "input": {}}
    output: JsonObject = {"stdout": "", "stderr": "", "return_code": 0, "content": []}
    result: JsonObject = {
        "type": "code_execution_tool_result",
        "tool_use_id": "srvtoolu_1",
        "content": {"type": "code_execution_result", **output},
    }
    history: list[Json] = [
        {"role": "user", "content": "Look."},
        {"role": "assistant", "content": [run, call]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1"}]},
        {"role": "assistant", "content": [result, {"type": "text", "text": "Done."}]},
        {"role": "user", "content": "Again."},
    ]
    assert kinds(converse(tool("a"), messages=history)[0]) == ["text"]


def test_only_the_version_that_the_request_has_calls_tools(
    converse: Callable[..., list[JsonObject]],
) -> None:
    (message,) = converse(CODE, tool("a", "code_execution_20250825"))
    assert kinds(message)[::2] == [*COMMANDS, "text"]


def test_a_choice_of_a_tool_holds_for_the_api_too(
    converse: Callable[..., list[JsonObject]],
) -> None:
    named: JsonObject = {"type": "tool", "name": "web_fetch"}
    (message,) = converse(SEARCH, FETCH, CODE, tool("a"), tool_choice=named)
    assert kinds(message)[:2] == ["web_fetch", "web_fetch_tool_result"]
    assert kinds(converse(SEARCH, tool_choice={"type": "none"})[0]) == ["text"]
    only_for_code: JsonObject = {**SEARCH, "allowed_callers": [VERSION]}
    assert kinds(converse(only_for_code)[0]) == ["text"]


@pytest.mark.parametrize(
    ("name", "used", "result"),
    [
        ("web_search", SEARCH, "web_search_tool_result"),
        ("web_fetch", FETCH, "web_fetch_tool_result"),
        ("bash_code_execution", CODE, "bash_code_execution_tool_result"),
        ("text_editor_code_execution", CODE, "text_editor_code_execution_tool_result"),
        ("tool_search_tool_bm25", BM25, "tool_search_tool_result"),
    ],
)
def test_a_call_that_was_left_open_gets_its_result_first(
    converse: Callable[..., list[JsonObject]], name: str, used: JsonObject, result: str
) -> None:
    left: JsonObject = {"type": "server_tool_use", "id": "srvtoolu_1", "name": name, "input": {}}
    history: list[Json] = [
        {"role": "user", "content": "Look."},
        {"role": "assistant", "content": [left]},
    ]
    (message,) = converse(used, messages=history)
    assert kinds(message)[:2] == [result, "text"]
    assert blocks(message, "server_tool_use") == []
    assert under(message, "content", 0, "tool_use_id") == "srvtoolu_1"


def test_code_runs_in_the_container_that_the_request_names(
    converse: Callable[..., list[JsonObject]],
) -> None:
    skills: list[Json] = [{"type": "anthropic", "skill_id": "xlsx"}]
    (message,) = converse(CODE, container={"id": "container_1", "skills": skills})
    assert message["container"] == {
        "id": "container_1",
        "expires_at": "2023-12-14T22:13:20Z",
        "skills": [{"type": "anthropic", "skill_id": "xlsx", "version": "latest"}],
    }
    assert under(converse(CODE, container="container_2")[0], "container", "id") == "container_2"
    assert converse(SEARCH, container="container_2")[0]["container"] is None

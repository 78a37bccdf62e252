"""Tools that the API runs itself: what an answer does with them, and what they find.

Each is used once in a conversation: a search of tools, a search and a fetch of the web, a run of
code. Code that calls tools of the client stays open until these were called; its result begins the
answer that follows. Blocks are those of SDK 2.12.0; their inputs are not documented, so any serves.
"""

import base64
from collections.abc import Callable

import msgspec

from l9gate.simulator.availability import (
    called,
    calling_version,
    choice_of,
    is_direct,
    is_loaded,
    references_in,
    tools_for_code,
)
from l9gate.simulator.citations import cite_page, cite_search, count_documents
from l9gate.simulator.turns import blocks_of, objects_of
from l9gate.simulator.web_pages import find_page, is_allowed, site_of
from l9gate.wire.json import Json, JsonObject

_CODE_TOOLS = frozenset({"code_execution", "bash_code_execution", "text_editor_code_execution"})
_SEARCHES = frozenset({"tool_search_tool_bm25", "tool_search_tool_regex"})
_FAMILIES = (*sorted(_SEARCHES), "web_search", "web_fetch", "code_execution")  # in their order
_REFERENCES_AT_ONCE = 5
_TITLE = "A page that a simulator found"
_DIRECT: JsonObject = {"type": "direct"}
_PATH = "/tmp/simulated.py"  # noqa: S108 - a word in an answer
_CODE = "print('simulated')"
_RAN: JsonObject = {"stdout": "simulated\n", "stderr": "", "return_code": 0, "content": []}


class ServerWork(msgspec.Struct):
    """What an answer holds of the API's own tools."""

    references: set[str]  # names of deferred tools that are loaded
    blocks: list[Json] = []
    citations: list[Json] = []  # of what was found
    caller: JsonObject | None = None  # code that is still running, as its calls name it


def serve(body: JsonObject, make_id: Callable[[int], str]) -> ServerWork:
    """Return what the API's tools do for a request: they end what is open, then start anew."""
    messages = objects_of(body["messages"])
    work = ServerWork(references_in(messages))
    for left_open in _open_calls(messages):
        _run(work, left_open, body)
    before, number = called(messages, "server_tool_use"), 0
    for family, tool in _usable(body):
        names = _CODE_TOOLS if family == "code_execution" else {family}
        if not before.isdisjoint(names) or not is_loaded(tool, work.references):
            continue
        for name, given in _inputs(family, tool, body, work):
            call: JsonObject = {"type": "server_tool_use", "id": make_id(number), "name": name}
            call |= {"input": given, "caller": _DIRECT}
            number += 1
            work.blocks.append(call)
            _run(work, call, body)
    return work


def _open_calls(messages: list[JsonObject]) -> list[JsonObject]:
    """Return the calls of the API's tools that have no result so far."""
    blocks = [block for message in messages for block in blocks_of(message)]
    closed = {block.get("tool_use_id") for block in blocks}
    calls = [block for block in blocks if block["type"] == "server_tool_use"]
    return [call for call in calls if call["id"] not in closed]


def _usable(body: JsonObject) -> list[tuple[str, JsonObject]]:
    """Return the API's tools that the choice of a tool leaves, with their families."""
    choice = choice_of(body)
    tools = [] if choice["type"] == "none" else objects_of(body.get("tools"))
    wanted = [tool for tool in tools if choice.get("name") in {None, tool.get("name")}]
    found = [
        (family, tool)
        for tool in wanted
        for family in _FAMILIES
        if str(tool.get("type")).startswith(family) and is_direct(tool)
    ]
    return sorted(found, key=lambda pair: _FAMILIES.index(pair[0]))


def _inputs(
    family: str, tool: JsonObject, body: JsonObject, work: ServerWork
) -> list[tuple[str, JsonObject]]:
    """Return the calls that a tool gets: the name of each, which may not be its own, and input."""
    if family == "web_fetch":
        return [(family, {"url": find_page(tool, objects_of(body["messages"]))})]
    if family != "code_execution":
        is_pattern = family == "tool_search_tool_regex"
        return [(family, {"pattern": ".*"} if is_pattern else {"query": "simulated"})]
    if tool["type"] == "code_execution_20250522" or tools_for_code(body, work.references):
        return [(family, {"code": _CODE})]
    return [
        ("text_editor_code_execution", {"command": "create", "path": _PATH, "file_text": _CODE}),
        ("bash_code_execution", {"command": f"python {_PATH}"}),
    ]


def _run(work: ServerWork, call: JsonObject, body: JsonObject) -> None:
    """Add the result of a call; code that has tools to call stays open."""
    name, call_id = str(call["name"]), call["id"]
    result: JsonObject = {"type": f"{name}_tool_result", "tool_use_id": call_id}
    if name == "code_execution" and tools_for_code(body, work.references):
        work.caller = {"type": calling_version(body), "tool_id": call_id}
        return
    if name == "web_search":
        result |= {"content": _search(work, body), "caller": _DIRECT}
    elif name == "web_fetch":
        result |= {"content": _fetch(work, call["input"], body), "caller": _DIRECT}
    elif name in _SEARCHES:
        result |= {"type": "tool_search_tool_result", "content": _search_tools(work, body)}
    elif name == "text_editor_code_execution":
        made: JsonObject = {"type": f"{name}_create_result", "is_file_update": False}
        result["content"] = made
    else:
        result["content"] = {"type": f"{name}_result", **_RAN}
    work.blocks.append(result)


def _tool_of(family: str, body: JsonObject) -> JsonObject:
    tools = objects_of(body.get("tools"))
    return next((tool for tool in tools if str(tool.get("type")).startswith(family)), {})


def _search(work: ServerWork, body: JsonObject) -> list[Json]:
    url = f"https://{site_of(_tool_of('web_search', body))}/simulated"
    work.citations.append(cite_search(_TITLE, url))
    sealed = base64.b64encode(_TITLE.encode()).decode()
    found: JsonObject = {"type": "web_search_result", "url": url, "title": _TITLE}
    return [{**found, "encrypted_content": sealed, "page_age": None}]


def _fetch(work: ServerWork, given: Json, body: JsonObject) -> JsonObject:
    tool = _tool_of("web_fetch", body)
    url = str(given.get("url")) if isinstance(given, dict) else ""
    if not is_allowed(tool, url):
        return {"type": "web_fetch_tool_result_error", "error_code": "url_not_allowed"}
    citations = tool.get("citations")
    is_cited = isinstance(citations, dict) and citations.get("enabled") is True
    if is_cited:
        work.citations.append(cite_page(_TITLE, count_documents(objects_of(body["messages"]))))
    source: JsonObject = {"type": "text", "media_type": "text/plain", "data": _TITLE}
    page: JsonObject = {"type": "document", "source": source, "title": _TITLE}
    page["citations"] = {"enabled": True} if is_cited else None
    return {"type": "web_fetch_result", "url": url, "retrieved_at": None, "content": page}


def _search_tools(work: ServerWork, body: JsonObject) -> JsonObject:
    """Return references to tools that were deferred; from now on they are loaded."""
    tools = [tool for tool in objects_of(body.get("tools")) if "name" in tool]
    names = [str(tool["name"]) for tool in tools if not is_loaded(tool, work.references)]
    found = names[:_REFERENCES_AT_ONCE]
    work.references |= set(found)
    references: list[Json] = [{"type": "tool_reference", "tool_name": name} for name in found]
    return {"type": "tool_search_tool_search_result", "tool_references": references}

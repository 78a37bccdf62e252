"""Calls of tools: which, how many at once, with which input.

With `tool_choice: auto` each tool is called at most once in a conversation, two at a time unless
parallel calls are switched off, so that every loop of an agent ends.
"""

import base64
from collections.abc import Callable

from l9gate.simulator.instances import instance_of
from l9gate.simulator.turns import blocks_of, objects_of
from l9gate.wire.json import Json, JsonObject

_CALLS_AT_ONCE = 2
# Tools that Anthropic defines and the client runs: they come without a schema.
_KNOWN_INPUTS: tuple[tuple[str, JsonObject], ...] = (
    ("bash_", {"command": "ls"}),
    ("text_editor_", {"command": "view", "path": "/"}),
    ("memory_", {"command": "view", "path": "/memories"}),
)
_URL = "https://example.com/simulated"
_FOUND = "A page that a simulator found"


def tool_calls(body: JsonObject, make_id: Callable[[int], str]) -> list[Json]:
    """Return the calls that are demanded, or of the next tools not called so far."""
    given = body.get("tool_choice")
    choice = given if isinstance(given, dict) else {"type": "auto"}
    kind = choice["type"]
    if kind == "none":
        return []
    tools = [tool for tool in objects_of(body.get("tools")) if _input_of(tool) is not None]
    called = _called(objects_of(body["messages"]), "tool_use")
    if kind == "tool":
        wanted = [tool for tool in tools if tool["name"] == choice["name"]]
    else:
        wanted = [tool for tool in tools if _may_call(tool) and tool["name"] not in called]
        if kind == "any":
            wanted = wanted or tools[:1]
    is_single = kind == "tool" or choice.get("disable_parallel_tool_use") is True
    return [
        {
            "type": "tool_use",
            "id": make_id(number),
            "name": tool["name"],
            "input": _input_of(tool),
            "caller": {"type": "direct"},
        }
        for number, tool in enumerate(wanted[: 1 if is_single else _CALLS_AT_ONCE])
    ]


def web_search(body: JsonObject, make_id: Callable[[int], str]) -> list[Json]:
    """Return a search and what it found, if the request has the tool and did not use it so far."""
    given = body.get("tool_choice")
    choice = given if isinstance(given, dict) else {"type": "auto"}
    tools = [t for t in objects_of(body.get("tools")) if str(t.get("type")).startswith("web_sea")]
    if not tools or choice["type"] == "none" or choice.get("name", "web_search") != "web_search":
        return []
    if "web_search" in _called(objects_of(body["messages"]), "server_tool_use"):
        return []
    call_id = make_id(0)
    found: JsonObject = {
        "type": "web_search_result",
        "url": _URL,
        "title": _FOUND,
        "encrypted_content": base64.b64encode(_FOUND.encode()).decode(),
        "page_age": None,
    }
    direct: JsonObject = {"type": "direct"}
    return [
        {
            "type": "server_tool_use",
            "id": call_id,
            "name": "web_search",
            "input": {"query": "simulated"},
            "caller": direct,
        },
        {
            "type": "web_search_tool_result",
            "tool_use_id": call_id,
            "content": [found],
            "caller": direct,
        },
    ]


def cite_search() -> JsonObject:
    """Return the citation of what a search found."""
    return {
        "type": "web_search_result_location",
        "cited_text": _FOUND,
        "encrypted_index": base64.b64encode(b"1").decode(),
        "title": _FOUND,
        "url": _URL,
    }


def _input_of(tool: JsonObject) -> Json:
    """Return an input for a tool that the client runs, None for any other."""
    schema = tool.get("input_schema")
    if isinstance(schema, dict):
        made = instance_of(schema)
        return made if isinstance(made, dict) else {}
    kind = str(tool.get("type"))
    found = next((known for start, known in _KNOWN_INPUTS if kind.startswith(start)), None)
    return found if "name" in tool else None


def _may_call(tool: JsonObject) -> bool:
    """Whether a model may call a tool itself, now: it is loaded and not for code alone."""
    callers = tool.get("allowed_callers")
    is_direct = not isinstance(callers, list) or "direct" in callers
    return is_direct and tool.get("defer_loading") is not True


def _called(messages: list[JsonObject], kind: str) -> set[str]:
    blocks = [block for message in messages for block in blocks_of(message)]
    return {str(block.get("name")) for block in blocks if block["type"] == kind}

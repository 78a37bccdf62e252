"""Calls of tools that the client runs: which, how many at once, with which input.

With `tool_choice: auto` each tool is called at most once in a conversation, two at a time unless
parallel calls are switched off, so that every loop of an agent ends. Of a toolset one member is
called.
"""

from collections.abc import Callable

from l9gate.simulator.availability import (
    called,
    choice_of,
    is_direct,
    is_loaded,
    tools_for_code,
)
from l9gate.simulator.instances import instance_of
from l9gate.simulator.server_tools import ServerWork
from l9gate.simulator.toolsets import call_of_member, families_called, family_of
from l9gate.simulator.turns import objects_of
from l9gate.wire.json import Json, JsonObject

_CALLS_AT_ONCE = 2
# Tools that Anthropic defines and the client runs: they come without a schema.
_KNOWN_INPUTS: tuple[tuple[str, JsonObject], ...] = (
    ("bash_", {"command": "ls"}),
    ("text_editor_", {"command": "view", "path": "/"}),
    ("memory_", {"command": "view", "path": "/memories"}),
)


def tool_calls(body: JsonObject, work: ServerWork, make_id: Callable[[int], str]) -> list[Json]:
    """Return the calls that are demanded, or of the next tools not called so far.

    Args:
        body: the request.
        work: what the API's own tools did; code that is still running calls before the model does.
        make_id: gives the ids of calls.
    """
    choice = choice_of(body)
    if choice["type"] == "none":
        return []
    is_single = choice["type"] == "tool" or choice.get("disable_parallel_tool_use") is True
    calls = _calls_of_code(body, work) or _calls_of_model(body, work, choice)
    return [
        {"type": "tool_use", "id": make_id(number), "toolset_name": None, **call}
        for number, call in enumerate(calls[: 1 if is_single else _CALLS_AT_ONCE])
    ]


def _calls_of_code(body: JsonObject, work: ServerWork) -> list[JsonObject]:
    tools = [] if work.caller is None else tools_for_code(body, work.references)
    return [{**_call_of(tool), "caller": work.caller} for tool in tools]


def _calls_of_model(body: JsonObject, work: ServerWork, choice: JsonObject) -> list[JsonObject]:
    messages = objects_of(body["messages"])
    tools = [tool for tool in objects_of(body.get("tools")) if _call_of(tool)]
    if choice["type"] == "tool":
        wanted = [tool for tool in tools if tool.get("name") == choice["name"]]
    else:
        before, families = called(messages, "tool_use"), families_called(messages)
        usable = [tool for tool in tools if is_direct(tool) and is_loaded(tool, work.references)]
        wanted = [
            tool
            for tool in usable
            if tool.get("name") not in before and family_of(tool) not in families
        ]
        if choice["type"] == "any":
            wanted = wanted or usable[:1] or tools[:1]
    return [{**_call_of(tool), "caller": {"type": "direct"}} for tool in wanted]


def _call_of(tool: JsonObject) -> JsonObject:
    """Return name and input of the call of a tool; nothing if the client does not run it."""
    schema = tool.get("input_schema")
    if isinstance(schema, dict):
        made = instance_of(schema)
        return {"name": tool["name"], "input": made if isinstance(made, dict) else {}}
    if family_of(tool) is not None:
        return call_of_member(tool) or {}
    kind = str(tool.get("type"))
    found = next((known for start, known in _KNOWN_INPUTS if kind.startswith(start)), None)
    return {} if found is None else {"name": tool["name"], "input": found}

"""Which tools of a request may be used now, and by whom."""

from l9gate.simulator.turns import blocks_of, objects_of
from l9gate.wire.json import Json, JsonObject

# The versions of code execution that may call tools of the client, as far as the SDK types them.
_CALLING = frozenset({"code_execution_20250825", "code_execution_20260120"})


def choice_of(body: JsonObject) -> JsonObject:
    """Return the choice of a tool, `auto` if there is none."""
    choice = body.get("tool_choice")
    return choice if isinstance(choice, dict) else {"type": "auto"}


def called(messages: list[JsonObject], kind: str) -> set[str]:
    """Return the names of the tools called so far, without members of toolsets.

    Args:
        messages: the conversation.
        kind: `tool_use` or `server_tool_use`.
    """
    blocks = [block for message in messages for block in blocks_of(message)]
    found = [block for block in blocks if block["type"] == kind]
    return {str(block.get("name")) for block in found if block.get("toolset_name") is None}


def references_in(messages: list[JsonObject]) -> set[str]:
    """Return the names of deferred tools that a search has loaded, the client's or the API's."""
    found: list[JsonObject] = []
    for block in [block for message in messages for block in blocks_of(message)]:
        content = block.get("content")
        if isinstance(content, dict):
            found += objects_of(content.get("tool_references"))
        found += objects_of(content)
    return {str(item["tool_name"]) for item in found if item.get("type") == "tool_reference"}


def is_loaded(tool: JsonObject, references: set[str]) -> bool:
    """Whether a model knows a tool: it is not deferred, or a search has loaded it."""
    return tool.get("defer_loading") is not True or tool.get("name") in references


def is_direct(tool: JsonObject) -> bool:
    """Whether a model may call a tool itself, and not only code that it writes."""
    return "direct" in _callers_of(tool)


def calling_version(body: JsonObject) -> str | None:
    """Return the version of code execution that may call tools of the client, if there is one."""
    kinds = [str(tool.get("type")) for tool in objects_of(body.get("tools"))]
    return next((kind for kind in kinds if kind in _CALLING), None)


def tools_for_code(body: JsonObject, references: set[str]) -> list[JsonObject]:
    """Return the client's tools that are for code alone and that it did not call so far."""
    version = calling_version(body)
    if version is None or choice_of(body)["type"] not in {"auto", "any"}:
        return []
    before = called(objects_of(body["messages"]), "tool_use")
    return [
        tool
        for tool in objects_of(body.get("tools"))
        if "input_schema" in tool
        and not is_direct(tool)
        and version in _callers_of(tool)
        and is_loaded(tool, references)
        and tool["name"] not in before
    ]


def _callers_of(tool: JsonObject) -> list[Json]:
    callers = tool.get("allowed_callers")
    return callers if isinstance(callers, list) else ["direct"]

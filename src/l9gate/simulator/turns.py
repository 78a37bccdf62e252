"""Rules for the order of messages and blocks: tool pairing, roles, prefill, empty text.

Consecutive messages of one role are one turn, as the API documents.
"""

from collections.abc import Iterator
from itertools import groupby

import msgspec

from l9gate.simulator.refusal import Refusal, invalid
from l9gate.wire.json import Json, JsonObject
from l9gate.wire.models import ModelFacts

_SERVER_CALL = "server_tool_use"
_DEFINED_BY = {  # which tool defines a server's tool that has another name
    "bash_code_execution": "code_execution",
    "text_editor_code_execution": "code_execution",
}


class Place(msgspec.Struct, frozen=True):
    """A block and where it stands."""

    message: int
    number: int
    block: JsonObject

    @property
    def kind(self) -> str:
        """The type of the block."""
        return str(self.block["type"])

    @property
    def path(self) -> str:
        """The path of the block within the request."""
        return f"messages.{self.message}.content.{self.number}"


class Turn(msgspec.Struct, frozen=True):
    """What one side says at a time."""

    role: str
    places: list[Place]

    def of_kind(self, kind: str) -> list[Place]:
        """Return the blocks of one type."""
        return [place for place in self.places if place.kind == kind]


def blocks_of(message: JsonObject) -> list[JsonObject]:
    """Return the content blocks of a message; a string is one text block."""
    content = message["content"]
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return objects_of(content)


def objects_of(value: Json) -> list[JsonObject]:
    """Return the objects of a list."""
    if not isinstance(value, list):
        return []
    return [item for item in value if isinstance(item, dict)]


def turns_of(messages: list[JsonObject]) -> list[Turn]:
    """Return the turns of a conversation."""
    turns = []
    for role, group in groupby(enumerate(messages), key=lambda pair: str(pair[1]["role"])):
        places = [
            Place(index, number, block)
            for index, message in group
            for number, block in enumerate(blocks_of(message))
        ]
        turns.append(Turn(role, places))
    return turns


def check_turns(body: JsonObject, facts: ModelFacts) -> Iterator[Refusal]:
    """Yield what is wrong with the conversation of a body of right form; it has a message."""
    messages = objects_of(body["messages"])
    turns = turns_of(messages)
    yield from _check_text(body, turns)  # V13
    yield from _check_system_roles(turns, messages, facts)
    spoken = [turn for turn in turns if turn.role != "system"]
    yield from _check_tools(spoken)  # V14, V15
    tools = {str(tool["name"]) for tool in objects_of(body.get("tools")) if "name" in tool}
    results = {place.block.get("tool_use_id") for turn in spoken for place in turn.places}
    for turn, following in zip(spoken, [*spoken[1:], None], strict=True):
        yield from _check_server_tools(turn, following, tools, results)
    last = turns[-1]
    if last.role == "assistant" and not facts.accepts_prefill and not last.of_kind(_SERVER_CALL):
        yield invalid(  # V16; what a server's tool interrupted comes back as it was
            "This model does not support assistant message prefill. "
            "The conversation must end with a user message."
        )


def check_placement(messages: list[JsonObject]) -> Iterator[Refusal]:
    """Yield blocks that version 2026-10-21 refuses where they stand."""
    for turn in turns_of(messages):
        for place in turn.places:
            if turn.role == "assistant" and place.kind == "document":
                yield invalid(f"{place.path}.document: Input should not be in an assistant message")
            if turn.role == "user":
                yield from _check_citations(place)


def _check_citations(place: Place) -> Iterator[Refusal]:
    if place.kind == "text" and place.block.get("citations"):
        yield invalid(f"{place.path}.text.citations: Extra inputs are not permitted")
    if place.kind == "search_result":
        for number, item in enumerate(objects_of(place.block["content"])):
            if item.get("citations"):
                path = f"{place.path}.search_result.content.{number}"
                yield invalid(f"{path}.citations: Extra inputs are not permitted")


def _check_text(body: JsonObject, turns: list[Turn]) -> Iterator[Refusal]:
    if any(block["text"] == "" for block in objects_of(body.get("system"))):
        yield invalid("system: text content blocks must be non-empty")
    if any(_has_empty_text(place.block) for turn in turns for place in turn.places):
        yield invalid("messages: text content blocks must be non-empty")


def _has_empty_text(block: JsonObject) -> bool:
    if block["type"] == "text":
        return not block["text"]
    inner = objects_of(block.get("content"))
    return any(item.get("type") == "text" and not item.get("text") for item in inner)


def _check_tools(turns: list[Turn]) -> Iterator[Refusal]:
    seen: set[str] = set()
    open_calls: dict[str, int] = {}  # by id: the message that holds the call
    for turn in turns:
        yield from _check_results(turn, open_calls)
        answered = _leading_results(turn) if turn.role == "user" else set()
        yield from _unanswered({i: at for i, at in open_calls.items() if i not in answered})
        calls = turn.of_kind("tool_use")
        for place in calls:
            tool_id = str(place.block["id"])
            if turn.role != "assistant":
                yield invalid(
                    f"{place.path}: `tool_use` blocks can only be in `assistant` messages"
                )
            if tool_id in seen:
                yield invalid(f"{place.path}: `tool_use` ids must be unique: {tool_id}")
            seen.add(tool_id)
        open_calls = {str(place.block["id"]): place.message for place in calls}
    yield from _unanswered(open_calls)


def _check_results(turn: Turn, open_calls: dict[str, int]) -> Iterator[Refusal]:
    for place in turn.of_kind("tool_result"):
        tool_id = place.block["tool_use_id"]
        if turn.role != "user":
            yield invalid(f"{place.path}: `tool_result` blocks can only be in `user` messages")
        if tool_id not in open_calls:
            yield invalid(
                f"{place.path}: unexpected `tool_use_id` found in "
                f"`tool_result` blocks: {tool_id}. Each `tool_result` block must have "
                "a corresponding `tool_use` block in the previous message."
            )


def _leading_results(turn: Turn) -> set[str]:
    answered: set[str] = set()
    for place in turn.places:
        if place.kind != "tool_result":
            break
        answered.add(str(place.block["tool_use_id"]))
    return answered


def _unanswered(missing: dict[str, int]) -> Iterator[Refusal]:
    if missing:
        yield invalid(
            f"messages.{next(iter(missing.values()))}: `tool_use` ids were found without "
            f"`tool_result` blocks immediately after: {', '.join(missing)}. Each `tool_use` block "
            "must have a corresponding `tool_result` block in the next message."
        )


def _check_server_tools(
    turn: Turn, following: Turn | None, tools: set[str], results: set[Json]
) -> Iterator[Refusal]:
    """Check calls of servers' tools that are open: those without a result in the same turn.

    Code that called tools of the client has its result in a later turn, among `results`.
    """
    closed = {place.block.get("tool_use_id") for place in turn.places}
    for place in turn.of_kind(_SERVER_CALL):
        call_id, name = place.block["id"], str(place.block["name"])
        if call_id in closed:
            continue
        found = f"{place.path}: `{name}` tool use with id `{call_id}` was found"
        if following is not None and any(item.kind != "tool_result" for item in following.places):
            yield invalid(f"{found} without a corresponding `{_result_kind(name)}` block")
        if call_id not in results and _DEFINED_BY.get(name, name) not in tools:
            yield invalid(f"{found}, but no `{_DEFINED_BY.get(name, name)}` tool was provided")


def _result_kind(name: str) -> str:
    return "tool_search_tool_result" if name.startswith("tool_search") else f"{name}_tool_result"


def _check_system_roles(
    turns: list[Turn], messages: list[JsonObject], facts: ModelFacts
) -> Iterator[Refusal]:
    roles = [str(message["role"]) for message in messages]
    if "system" not in roles:
        return
    path = f"messages.{roles.index('system')}"
    if not facts.accepts_system_role:
        yield invalid(f"{path}.role: Input should be 'user' or 'assistant'")
    for number, turn in enumerate(turns):
        if turn.role != "system":
            continue
        path = f"messages.{turn.places[0].message}" if turn.places else path
        if number == 0:
            yield invalid(f"{path}: a `system` message can not come first")
        elif not _may_precede_system(turns[number - 1]):
            yield invalid(
                f"{path}: a `system` message must directly follow a `user` turn, or an "
                "`assistant` turn that ends in the result of a server tool"
            )
        if number + 1 < len(turns) and turns[number + 1].role == "user":
            yield invalid(f"{path}: a `system` message must precede an `assistant` turn")
        for place in turn.places:
            if place.kind != "text":
                yield invalid(f"{place.path}: a `system` message holds `text` blocks only")


def _may_precede_system(turn: Turn) -> bool:
    if turn.role == "user" or not turn.places:
        return True
    kind = turn.places[-1].kind
    return kind.endswith("_tool_result") and kind != "tool_result"

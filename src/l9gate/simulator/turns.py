"""Rules for the order of messages and blocks: tool pairing, roles, prefill, empty text."""

from collections.abc import Iterator

from l9gate.simulator.refusal import Refusal, invalid
from l9gate.wire.json import Json, JsonObject
from l9gate.wire.models import ModelFacts


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


def check_turns(messages: list[JsonObject], facts: ModelFacts) -> Iterator[Refusal]:
    """Yield what is wrong with the conversation, its shape being right."""
    if not messages:
        yield invalid("messages: at least one message is required")
        return
    yield from _check_text(messages)
    yield from _check_tools(messages)
    yield from _check_system_roles(messages, facts)
    if messages[-1]["role"] == "assistant" and not facts.accepts_prefill:
        yield invalid(
            "This model does not support assistant message prefill. "
            "The conversation must end with a user message."
        )


def check_placement(messages: list[JsonObject]) -> Iterator[Refusal]:
    """Yield blocks that version 2026-10-21 refuses where they stand."""
    for index, message in enumerate(messages):
        for place, block in enumerate(blocks_of(message)):
            path = f"messages.{index}.content.{place}"
            if message["role"] == "assistant" and block["type"] == "document":
                yield invalid(f"{path}.document: Input should not be in an assistant message")
            if message["role"] == "user":
                yield from _check_citations(path, block)


def _check_citations(path: str, block: JsonObject) -> Iterator[Refusal]:
    inner = objects_of(block.get("content")) if block["type"] == "search_result" else [block]
    for item in inner:
        if item.get("type") == "text" and item.get("citations"):
            yield invalid(f"{path}.text.citations: Extra inputs are not permitted")


def _check_text(messages: list[JsonObject]) -> Iterator[Refusal]:
    for message in messages:
        if any(block["type"] == "text" and not block["text"] for block in blocks_of(message)):
            yield invalid("messages: text content blocks must be non-empty")


def _check_tools(messages: list[JsonObject]) -> Iterator[Refusal]:
    seen: set[str] = set()
    called: list[str] = []
    for index, message in enumerate(messages):
        blocks = blocks_of(message)
        yield from _check_results(index, blocks, called)
        answered = _leading_results(blocks) if message["role"] == "user" else set()
        missing = [tool_id for tool_id in called if tool_id not in answered]
        if missing:
            yield _unanswered(index - 1, missing)
        called = [str(block["id"]) for block in blocks if block["type"] == "tool_use"]
        if called and message["role"] != "assistant":
            yield invalid(
                f"messages.{index}: `tool_use` blocks can only be in `assistant` messages"
            )
        for tool_id in called:
            if tool_id in seen:
                yield invalid(f"messages.{index}: `tool_use` ids must be unique: {tool_id}")
            seen.add(tool_id)
    if called:
        yield _unanswered(len(messages) - 1, called)


def _check_results(index: int, blocks: list[JsonObject], called: list[str]) -> Iterator[Refusal]:
    for place, block in enumerate(blocks):
        if block["type"] == "tool_result" and block["tool_use_id"] not in called:
            yield invalid(
                f"messages.{index}.content.{place}: unexpected `tool_use_id` found in "
                f"`tool_result` blocks: {block['tool_use_id']}. Each `tool_result` block must have "
                "a corresponding `tool_use` block in the previous message."
            )


def _leading_results(blocks: list[JsonObject]) -> set[str]:
    answered: set[str] = set()
    for block in blocks:
        if block["type"] != "tool_result":
            break
        answered.add(str(block["tool_use_id"]))
    return answered


def _unanswered(index: int, tool_ids: list[str]) -> Refusal:
    return invalid(
        f"messages.{index}: `tool_use` ids were found without `tool_result` blocks immediately "
        f"after: {', '.join(tool_ids)}. Each `tool_use` block must have a corresponding "
        "`tool_result` block in the next message."
    )


def _check_system_roles(messages: list[JsonObject], facts: ModelFacts) -> Iterator[Refusal]:
    roles = [message["role"] for message in messages]
    for index, role in enumerate(roles):
        if role != "system":
            continue
        if not facts.accepts_system_role:
            yield invalid(f"messages.{index}.role: Input should be 'user' or 'assistant'")
        if index == 0:
            yield invalid("messages.0: a `system` message can not come first")
        following = next((other for other in roles[index:] if other != "system"), "assistant")
        if following == "user":
            yield invalid(f"messages.{index}: a `system` message must precede an `assistant` turn")

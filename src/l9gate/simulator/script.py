"""What to answer: decided by the request alone, so the same request gets the same answer.

In order: a tool that was not called yet, output for a schema, a reply that was asked for word by
word, a few sentences.
"""

import re
from collections.abc import Callable
from typing import TypeAlias

import msgspec

from l9gate.simulator.instances import instance_of
from l9gate.simulator.tokens import count_output_tokens, count_text_tokens, cut_text
from l9gate.simulator.turns import blocks_of, objects_of
from l9gate.simulator.validate import format_of
from l9gate.wire.json import Json, JsonObject
from l9gate.wire.models import ModelFacts

Plugin: TypeAlias = Callable[[JsonObject], Json]
"""Takes the request; returns text, a list of content blocks, an object to be sent as JSON text, or
None to leave the answer to the simulator."""

_EXACT = re.compile(
    r"(?:reply|respond|answer|say)\s+(?:\w+\s+)?exactly\b(?:[^:\n\"'`]{0,40}:)?\s*(.+)",
    re.IGNORECASE,
)
_SENTENCES = (
    "This answer comes from a simulator and means nothing.",
    "It has the shape, the counts and the pace of a real one.",
    "Whoever reads it should look at how it arrived, not at what it says.",
    "The same request gets the same answer, with or without streaming.",
)


class Answer(msgspec.Struct, kw_only=True):
    """Content of an answer and why it ends there."""

    content: list[Json]
    stop_reason: str
    stop_sequence: str | None = None
    output_tokens: int = 0
    thinking_tokens: int = 0


def answer_to(
    body: JsonObject, facts: ModelFacts, plugin: Plugin | None, make_tool_id: Callable[[int], str]
) -> Answer:
    """Return the answer to a valid request.

    Args:
        body: the decoded request.
        facts: the model that it names.
        plugin: asked first, if there is one.
        make_tool_id: gives the id of the nth tool call.
    """
    if body.get("max_tokens") == 0:
        return Answer(content=[], stop_reason="max_tokens")
    content = _content_for(body, plugin, make_tool_id)
    thought = _thinking(body, facts)
    answer = Answer(content=[*thought, *content], stop_reason=_stop_reason(content))
    _apply_stop_sequences(answer, body)
    _apply_max_tokens(answer, body)
    return answer


def _content_for(
    body: JsonObject, plugin: Plugin | None, make_tool_id: Callable[[int], str]
) -> list[Json]:
    given = None if plugin is None else plugin(body)
    if isinstance(given, list):
        return given
    if given is not None:
        return [_text_block(given if isinstance(given, str) else _json_text(given))]
    call = _tool_call(body, make_tool_id)
    if call is not None:
        return [call]
    schema = format_of(body)
    if schema is not None:
        return [_text_block(_json_text(instance_of(schema)))]
    return [_text_block(_reply(body))]


def _text_block(text: str) -> JsonObject:
    return {"type": "text", "text": text, "citations": None}


def _json_text(value: Json) -> str:
    return msgspec.json.encode(value).decode()


def _stop_reason(content: list[Json]) -> str:
    last = content[-1] if content else None
    is_call = isinstance(last, dict) and last.get("type") == "tool_use"
    return "tool_use" if is_call else "end_turn"


def _tool_call(body: JsonObject, make_tool_id: Callable[[int], str]) -> JsonObject | None:
    """Return a call of the tool that is demanded, or of the next one not called so far."""
    tools = [tool for tool in objects_of(body.get("tools")) if "input_schema" in tool]
    choice = body.get("tool_choice")
    wanted = choice if isinstance(choice, dict) else {"type": "auto"}
    if wanted["type"] == "none":
        return None
    if wanted["type"] == "tool":
        tools = [tool for tool in tools if tool["name"] == wanted["name"]]
    elif wanted["type"] == "auto":
        called = _called_tools(objects_of(body["messages"]))
        tools = [tool for tool in tools if tool["name"] not in called]
    if not tools:
        return None
    schema = tools[0]["input_schema"]
    return {
        "type": "tool_use",
        "id": make_tool_id(0),
        "name": tools[0]["name"],
        "input": instance_of(schema) if isinstance(schema, dict) else {},
        "caller": {"type": "direct"},
    }


def _called_tools(messages: list[JsonObject]) -> set[Json]:
    blocks = [block for message in messages for block in blocks_of(message)]
    return {str(block["name"]) for block in blocks if block["type"] == "tool_use"}


def _reply(body: JsonObject) -> str:
    """Return the words that the last user message asks for exactly, else some sentences."""
    texts = [
        str(block["text"])
        for message in objects_of(body["messages"])[-1:]
        for block in blocks_of(message)
        if block["type"] == "text"
    ]
    found = _EXACT.search("\n".join(texts))
    if found is None:
        return " ".join(_SENTENCES)
    return found[1].strip().strip("\"'`").strip() or _SENTENCES[0]


def _thinking(body: JsonObject, facts: ModelFacts) -> list[Json]:
    """Return a thinking block where the request asks for thinking."""
    thinking = body.get("thinking")
    if not isinstance(thinking, dict) or thinking["type"] not in {"adaptive", "enabled"}:
        return []
    default = "summarized" if facts.thinking_default == "off" else "omitted"
    is_shown = (thinking.get("display") or default) == "summarized"
    return [
        {
            "type": "thinking",
            "thinking": "A simulator does not think." if is_shown else "",
            "signature": "c2ltdWxhdGVk",
        }
    ]


def _apply_stop_sequences(answer: Answer, body: JsonObject) -> None:
    sequences = body.get("stop_sequences")
    last = answer.content[-1] if answer.content else None
    if not isinstance(sequences, list) or not isinstance(last, dict) or last.get("type") != "text":
        return
    text = str(last["text"])
    places = [(text.find(str(stop)), str(stop)) for stop in sequences if stop]
    hits = [(place, stop) for place, stop in places if place >= 0]
    if hits:
        place, answer.stop_sequence = min(hits)
        answer.stop_reason = "stop_sequence"
        answer.content[-1] = {**last, "text": text[:place]}


def _apply_max_tokens(answer: Answer, body: JsonObject) -> None:
    """Count the answer, and cut it where it exceeds what was allowed."""
    limit = body.get("max_tokens")
    answer.output_tokens = count_output_tokens(answer.content)
    if isinstance(limit, int) and answer.output_tokens > limit:
        cut_answer(answer, limit)
    answer.thinking_tokens = sum(
        count_text_tokens(str(block["thinking"]))
        for block in objects_of(answer.content)
        if block["type"] == "thinking"
    )


def cut_answer(answer: Answer, tokens: int) -> None:
    """Shorten an answer to some tokens and say so; a cut tool call is left with an empty input."""
    kept: list[Json] = []
    left = tokens
    for block in objects_of(answer.content):
        if left <= 0:
            break
        size = count_output_tokens([block])
        kept.append(block if size <= left else _cut_block(block, left))
        left -= size
    answer.content = kept
    answer.stop_reason, answer.stop_sequence = "max_tokens", None
    answer.output_tokens = min(tokens, answer.output_tokens)


def _cut_block(block: JsonObject, tokens: int) -> JsonObject:
    if block["type"] == "tool_use":
        return {**block, "input": {}}
    name = "thinking" if block["type"] == "thinking" else "text"
    return {**block, name: cut_text(str(block[name]), tokens)}

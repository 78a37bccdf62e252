"""What to answer: decided by the request alone, so the same request gets the same answer.

In order: a refusal that was asked for, tools that were not called yet, output for a schema, a reply
that was asked for word by word, a few sentences.
"""

import re
from collections.abc import Callable
from typing import TypeAlias

import msgspec

from l9gate.simulator.citations import citations_for
from l9gate.simulator.instances import instance_of
from l9gate.simulator.server_tools import serve
from l9gate.simulator.thinking import think
from l9gate.simulator.tokens import bytes_per_token, count_text_tokens
from l9gate.simulator.tool_use import tool_calls
from l9gate.simulator.trimming import Answer, apply_stop_sequences, count_answer, cut_answer
from l9gate.simulator.turns import blocks_of, objects_of
from l9gate.simulator.validate import format_of
from l9gate.wire.json import Json, JsonObject
from l9gate.wire.models import ModelFacts

__all__ = ["Answer", "Plugin", "answer_to", "cut_answer"]

Plugin: TypeAlias = Callable[[JsonObject], Json]
"""Takes the request; returns text, a list of content blocks, an object to be sent as JSON text, or
None to leave the answer to the simulator."""
MakeId: TypeAlias = Callable[[str, int], str]
"""Takes the prefix of an id and a number within the answer."""

_EXACT = re.compile(
    r"(?:reply|respond|answer|say)\s+(?:\w+\s+)?exactly\b(?:[^:\n\"'`]{0,40}:)?\s*(.+)",
    re.IGNORECASE,
)
# The API documents a longer string, which begins like this, to test how refusals are met.
_REFUSE = "ANTHROPIC_MAGIC_STRING_TRIGGER_REFUSAL"
_SENTENCES = (
    "This answer comes from a simulator and means nothing.",
    "It has the shape, the counts and the pace of a real one.",
    "Whoever reads it should look at how it arrived, not at what it says.",
    "The same request gets the same answer, with or without streaming.",
)
_INTRODUCTION = "The source that was given says this: "


def answer_to(
    body: JsonObject, facts: ModelFacts, plugin: Plugin | None, make_id: MakeId
) -> Answer:
    """Return the answer to a valid request.

    Args:
        body: the decoded request.
        facts: the model that it names.
        plugin: asked first, if there is one.
        make_id: gives the ids of tool calls.
    """
    per_token = bytes_per_token(facts.id)
    if body.get("max_tokens") == 0:
        return Answer(content=[], stop_reason="max_tokens", bytes_per_token=per_token)
    answer = Answer(content=[], stop_reason="end_turn", bytes_per_token=per_token)
    given = None if plugin is None else plugin(body)
    if given is None and _REFUSE in _last_text(body):
        answer.stop_reason = "refusal"
    elif isinstance(given, list):
        answer.content = given
    else:
        _fill(answer, body, facts, given, make_id)
    if answer.stop_reason != "refusal":
        answer.stop_reason = _stop_reason(answer.content)
    apply_stop_sequences(answer, body.get("stop_sequences"))
    count_answer(answer)
    limit = body.get("max_tokens")
    if isinstance(limit, int) and answer.output_tokens > limit:
        cut_answer(answer, limit)
    return answer


def _fill(
    answer: Answer, body: JsonObject, facts: ModelFacts, given: Json, make_id: MakeId
) -> None:
    """Put thoughts and content into an answer."""
    thought = think(body, facts)
    if thought is not None:
        answer.content.append(thought.block)
        if not thought.block["thinking"]:
            answer.hidden_tokens = count_text_tokens(thought.text, answer.bytes_per_token)
    if given is not None:
        text = given if isinstance(given, str) else _json_text(given)
        answer.content.append(_text_block(text))
        return
    work = serve(body, lambda number: make_id("srvtoolu", number))
    calls = tool_calls(body, work, lambda number: make_id("toolu", number))
    answer.content += [*work.blocks, *(calls or _words(body, work.citations))]


def _words(body: JsonObject, found: list[Json]) -> list[Json]:
    schema = format_of(body)
    if schema is not None:
        return [_text_block(_json_text(instance_of(schema)))]
    cited = found or citations_for(body)
    exact = _exact_reply(body)
    if not cited:
        return [_text_block(exact or " ".join(_SENTENCES))]
    if exact is not None:
        return [_text_block(exact, cited)]
    return [_text_block(_INTRODUCTION), *(_text_block(_quote(item), [item]) for item in cited)]


def _quote(citation: Json) -> str:
    cited = citation.get("cited_text") if isinstance(citation, dict) else None
    return str(cited or _SENTENCES[0])


def _text_block(text: str, citations: list[Json] | None = None) -> JsonObject:
    return {"type": "text", "text": text, "citations": citations}


def _json_text(value: Json) -> str:
    return msgspec.json.encode(value).decode()


def _stop_reason(content: list[Json]) -> str:
    last = content[-1] if content else None
    is_call = isinstance(last, dict) and last.get("type") == "tool_use"
    return "tool_use" if is_call else "end_turn"


def _last_text(body: JsonObject) -> str:
    """Return what the user said last; results of tools are nothing said."""
    for message in reversed(objects_of(body["messages"])):
        if message["role"] == "user":
            blocks = blocks_of(message)
            texts = [str(block["text"]) for block in blocks if block["type"] == "text"]
            if texts:
                return "\n".join(texts)
    return ""


def _exact_reply(body: JsonObject) -> str | None:
    """Return the words that the user asks for exactly."""
    found = _EXACT.search(_last_text(body))
    return None if found is None else found[1].strip().strip("\"'`").strip() or _SENTENCES[0]

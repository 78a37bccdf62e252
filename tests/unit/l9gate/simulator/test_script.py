"""What is answered."""

import msgspec
import pytest

from l9gate.simulator.script import Answer, answer_to
from l9gate.wire.json import Json, JsonObject
from l9gate.wire.models import find_model

RANKING: JsonObject = {
    "type": "object",
    "properties": {"ids": {"type": "array", "items": {"type": "string", "enum": ["b", "a"]}}},
    "required": ["ids"],
    "additionalProperties": False,
}
FORMAT: JsonObject = {"output_config": {"format": {"type": "json_schema", "schema": RANKING}}}
TOOLS: JsonObject = {
    "tools": [
        {"name": "f", "input_schema": {"type": "object", "properties": {"n": {"type": "integer"}}}},
        {"name": "g", "input_schema": {"type": "object"}},
    ]
}


def _answer(body: JsonObject, plugin_says: Json = None) -> Answer:
    facts = find_model(str(body["model"]))
    assert facts is not None
    return answer_to(body, facts, lambda _: plugin_says, lambda number: f"toolu_{number}")


def _text(answer: Answer) -> str:
    block = answer.content[-1]
    assert isinstance(block, dict)
    return str(block["text"])


def _asks(body: JsonObject, text: str) -> JsonObject:
    return {**body, "messages": [{"role": "user", "content": text}]}


def test_the_same_request_gets_the_same_answer(body: JsonObject) -> None:
    assert _answer(body) == _answer({**body, "stream": True})
    assert _answer(body).stop_reason == "end_turn"


def test_a_schema_gets_an_instance(body: JsonObject) -> None:
    assert msgspec.json.decode(_text(_answer({**body, **FORMAT}))) == {"ids": ["b", "a"]}


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        ("Reply with exactly: pong", "pong"),
        ('Please answer with exactly "12:30"', "12:30"),
        ("Respond exactly: `a: b`\nthank you", "a: b"),
        ("reply with exactly one word: pong", "pong"),
    ],
)
def test_words_that_are_asked_for_are_given(body: JsonObject, text: str, reply: str) -> None:
    assert _text(_answer(_asks(body, text))) == reply


def test_no_words_asked_for_exactly_get_sentences(body: JsonObject) -> None:
    assert "simulator" in _text(_answer(_asks(body, 'Reply exactly: ""')))


def _turn(body: JsonObject, answer: Answer) -> JsonObject:
    call = answer.content[-1]
    assert isinstance(call, dict)
    messages = body["messages"]
    assert isinstance(messages, list)
    result: JsonObject = {"type": "tool_result", "tool_use_id": call["id"], "content": "4"}
    turn: list[Json] = [
        {"role": "assistant", "content": answer.content},
        {"role": "user", "content": [result]},
    ]
    return {**body, "messages": [*messages, *turn]}


def test_each_tool_is_called_once_and_then_the_turn_ends(body: JsonObject) -> None:
    conversation: JsonObject = {**body, **TOOLS}
    names = []
    for _ in range(2):
        answer = _answer(conversation)
        assert answer.stop_reason == "tool_use"
        call = answer.content[-1]
        assert isinstance(call, dict)
        names.append(call["name"])
        conversation = _turn(conversation, answer)
    assert names == ["f", "g"]
    assert _answer(conversation).stop_reason == "end_turn"


def test_the_input_of_a_call_satisfies_its_schema(body: JsonObject) -> None:
    call = _answer({**body, **TOOLS}).content[-1]
    assert isinstance(call, dict)
    assert call["input"] == {"n": 1}


@pytest.mark.parametrize(
    ("choice", "name"),
    [({"type": "tool", "name": "g"}, "g"), ({"type": "any"}, "f"), ({"type": "none"}, None)],
)
def test_the_choice_of_a_tool_is_followed(
    body: JsonObject, choice: JsonObject, name: str | None
) -> None:
    block = _answer({**body, **TOOLS, "tool_choice": choice}).content[-1]
    assert isinstance(block, dict)
    assert block.get("name") == name


@pytest.mark.parametrize(
    ("says", "text"), [("hello", "hello"), ({"ids": [1]}, '{"ids":[1]}'), (7, "7")]
)
def test_a_plugin_answers_first(body: JsonObject, says: Json, text: str) -> None:
    assert _text(_answer({**body, **TOOLS}, says)) == text


def test_a_plugin_may_give_blocks(body: JsonObject) -> None:
    call: JsonObject = {"type": "tool_use", "id": "t", "name": "f", "input": {}}
    answer = _answer(body, [call])
    assert (answer.content, answer.stop_reason) == ([call], "tool_use")
    assert _answer(body, []).content == []


def test_thinking_that_was_asked_for_comes_first(body: JsonObject) -> None:
    answer = _answer({**body, "thinking": {"type": "adaptive", "display": "summarized"}})
    first = answer.content[0]
    assert isinstance(first, dict)
    assert first["type"] == "thinking"
    assert first["thinking"]
    assert 0 < answer.thinking_tokens < answer.output_tokens


def test_thinking_of_the_newest_models_is_empty_unless_shown(body: JsonObject) -> None:
    first = _answer({**body, "thinking": {"type": "adaptive"}}).content[0]
    assert isinstance(first, dict)
    assert (first["thinking"], bool(first["signature"])) == ("", True)


def test_a_stop_sequence_ends_the_text_before_it(body: JsonObject) -> None:
    answer = _answer(
        {**_asks(body, "Reply with exactly: abcdef"), "stop_sequences": ["", "e", "cd"]}
    )
    assert (_text(answer), answer.stop_reason, answer.stop_sequence) == (
        "ab",
        "stop_sequence",
        "cd",
    )


def test_a_stop_sequence_that_does_not_come_changes_nothing(body: JsonObject) -> None:
    assert _answer({**body, "stop_sequences": ["§"]}).stop_reason == "end_turn"


@pytest.mark.parametrize("limit", [1, 10, 40])
def test_max_tokens_cuts_the_text(body: JsonObject, limit: int) -> None:
    answer = _answer({**body, "max_tokens": limit})
    assert (answer.stop_reason, answer.output_tokens) == ("max_tokens", limit)
    assert len(_text(answer)) <= 4 * limit


def test_max_tokens_cuts_a_call_to_an_empty_input(body: JsonObject) -> None:
    answer = _answer({**body, **TOOLS, "max_tokens": 1})
    call = answer.content[-1]
    assert isinstance(call, dict)
    assert (call["input"], answer.stop_reason) == ({}, "max_tokens")


def test_max_tokens_may_leave_only_thoughts(body: JsonObject) -> None:
    asked: JsonObject = {"type": "adaptive", "display": "summarized"}
    answer = _answer({**body, "thinking": asked, "max_tokens": 3})
    assert len(answer.content) == 1
    assert answer.output_tokens == 3


def test_no_tokens_give_no_content(body: JsonObject) -> None:
    answer = _answer({**body, "max_tokens": 0})
    assert (answer.content, answer.stop_reason, answer.output_tokens) == ([], "max_tokens", 0)

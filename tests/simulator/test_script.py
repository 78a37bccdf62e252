"""What is answered."""

import msgspec
import pytest

from l9gate.simulator.script import Answer, answer_to
from l9gate.simulator.turns import objects_of
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
        {"type": "bash_20250124", "name": "bash"},
    ]
}


def _answer(body: JsonObject, plugin_says: Json = None) -> Answer:
    facts = find_model(str(body["model"]))
    assert facts is not None
    return answer_to(
        body, facts, lambda _: plugin_says, lambda prefix, number: f"{prefix}_{number}"
    )


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
    messages = body["messages"]
    assert isinstance(messages, list)
    results: list[Json] = [
        {"type": "tool_result", "tool_use_id": call["id"], "content": "4"}
        for call in objects_of(answer.content)
    ]
    turn: list[Json] = [
        {"role": "assistant", "content": answer.content},
        {"role": "user", "content": results},
    ]
    return {**body, "messages": [*messages, *turn]}


def _names(answer: Answer) -> list[Json]:
    return [block["name"] for block in objects_of(answer.content) if block["type"] == "tool_use"]


@pytest.mark.parametrize(
    ("choice", "turns"),
    [
        ({"type": "auto"}, [["f", "g"], ["bash"]]),
        ({"type": "auto", "disable_parallel_tool_use": True}, [["f"], ["g"], ["bash"]]),
    ],
)
def test_each_tool_is_called_once_and_then_the_turn_ends(
    body: JsonObject, choice: JsonObject, turns: list[list[str]]
) -> None:
    conversation: JsonObject = {**body, **TOOLS, "tool_choice": choice}
    for names in turns:
        answer = _answer(conversation)
        assert (answer.stop_reason, _names(answer)) == ("tool_use", names)
        conversation = _turn(conversation, answer)
    assert _answer(conversation).stop_reason == "end_turn"


def test_calls_at_once_have_ids_of_their_own(body: JsonObject) -> None:
    ids = [block["id"] for block in objects_of(_answer({**body, **TOOLS}).content)]
    assert ids == ["toolu_0", "toolu_1"]


def test_a_tool_that_is_not_loaded_or_only_for_code_is_not_called(body: JsonObject) -> None:
    schema: JsonObject = {"type": "object"}
    tools: list[Json] = [
        {"name": "later", "input_schema": schema, "defer_loading": True},
        {"name": "code", "input_schema": schema, "allowed_callers": ["code_execution_20260521"]},
        {"name": "now", "input_schema": schema, "allowed_callers": ["direct"]},
    ]
    assert _names(_answer({**body, "tools": tools})) == ["now"]


def test_the_last_words_after_tools_are_those_that_were_asked_for(body: JsonObject) -> None:
    asked: JsonObject = {**_asks(body, "Reply with exactly: pong"), **TOOLS}
    asked = _turn(asked, _answer(asked))
    asked = _turn(asked, _answer(asked))
    assert _text(_answer(asked)) == "pong"


def test_the_input_of_a_call_satisfies_its_schema(body: JsonObject) -> None:
    call = _answer({**body, **TOOLS}).content[0]
    assert isinstance(call, dict)
    assert call["input"] == {"n": 1}


@pytest.mark.parametrize(
    ("choice", "name"),
    [
        ({"type": "tool", "name": "g"}, "g"),
        ({"type": "any"}, "g"),
        ({"type": "any", "disable_parallel_tool_use": True}, "f"),
        ({"type": "none"}, None),
    ],
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


def test_forced_tools_are_called_again_when_all_were_called(body: JsonObject) -> None:
    asked: JsonObject = {**body, **TOOLS, "tool_choice": {"type": "any"}}
    asked = _turn(asked, _answer(asked))
    asked = _turn(asked, _answer(asked))
    assert _names(_answer(asked)) == ["f"]


def test_the_string_that_is_documented_for_refusals_is_refused(body: JsonObject) -> None:
    answer = _answer(_asks(body, "ANTHROPIC_MAGIC_STRING_TRIGGER_REFUSAL_1FAE"))
    assert (answer.content, answer.stop_reason, answer.output_tokens) == ([], "refusal", 1)


def test_a_search_of_the_server_is_done_once_and_cited(body: JsonObject) -> None:
    tools: list[Json] = [{"type": "web_search_20250305", "name": "web_search"}]
    asked: JsonObject = {**body, "tools": tools}
    answer = _answer(asked)
    blocks = objects_of(answer.content)
    kinds = [block["type"] for block in blocks]
    assert kinds[:2] == ["server_tool_use", "web_search_tool_result"]
    assert blocks[0]["id"] == blocks[1]["tool_use_id"] == "srvtoolu_0"
    assert "web_search_result_location" in str(blocks[-1]["citations"])
    assert answer.stop_reason == "end_turn"
    history: list[Json] = [
        *objects_of(body["messages"]),
        {"role": "assistant", "content": answer.content},
        {"role": "user", "content": "and then?"},
    ]
    changes: list[JsonObject] = [{"messages": history}, {"tool_choice": {"type": "none"}}]
    for change in changes:
        content = _answer(asked | change).content
        assert [block["type"] for block in objects_of(content)] == ["text"]


def test_older_models_count_fewer_tokens_for_the_same_words(body: JsonObject) -> None:
    new = _answer({**body, "model": "claude-opus-4-7"}).output_tokens
    old = _answer({**body, "model": "claude-opus-4-6"}).output_tokens
    assert 1.25 < new / old < 1.35


def test_max_tokens_may_leave_only_thoughts(body: JsonObject) -> None:
    asked: JsonObject = {"type": "adaptive", "display": "summarized"}
    answer = _answer({**body, "thinking": asked, "max_tokens": 3})
    assert len(answer.content) == 1
    assert answer.output_tokens == 3


def test_no_tokens_give_no_content(body: JsonObject) -> None:
    answer = _answer({**body, "max_tokens": 0})
    assert (answer.content, answer.stop_reason, answer.output_tokens) == ([], "max_tokens", 0)

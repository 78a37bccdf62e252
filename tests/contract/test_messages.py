"""L4-03: a whole message has the shape that the stored schema and the SDK's types promise."""

import json
from collections.abc import Callable

import anthropic
import pytest
from anthropic.types import Message, TextBlock, ToolUseBlock

from l9gate.wire.json import Json, JsonObject

pytestmark = pytest.mark.contract

Ask = Callable[..., anthropic.APIResponse[Message]]
Check = Callable[[str, Json], list[str]]

ROUNDS = 3
COUNTED: JsonObject = {
    "type": "object",
    "properties": {
        "language": {"type": "string", "enum": ["python", "c"]},
        "lines": {"type": "integer"},
        "is_async": {"type": "boolean"},
    },
    "required": ["language", "lines", "is_async"],
    "additionalProperties": False,
}
TOOL: JsonObject = {
    "name": "find_function",
    "description": "Find a function by its exact name.",
    "input_schema": {
        "type": "object",
        "properties": {"name": {"type": "string", "description": "The function's name."}},
        "required": ["name"],
        "additionalProperties": False,
    },
}
FORCED: JsonObject = {"type": "tool", "name": "find_function"}


@pytest.mark.parametrize("number", range(ROUNDS))
def test_text_answer_keeps_the_schema(ask: Ask, violations: Check, number: int) -> None:
    response = ask(f"What does the number {number} mean in Python? Answer in one sentence.")
    assert violations("message", json.loads(response.read())) == []
    message = response.parse()
    assert message.stop_reason == "end_turn"
    assert [type(block) for block in message.content] == [TextBlock]
    _assert_usage(message)


@pytest.mark.parametrize("number", range(ROUNDS))
def test_structured_answer_is_what_its_schema_asks_for(
    ask: Ask, violations: Check, number: int
) -> None:
    code = "async def f(x):\n" + "    x += 1\n" * (number + 1) + "    return x"
    response = ask(
        f"Describe this code:\n{code}",
        output_config={"format": {"type": "json_schema", "schema": COUNTED}},
    )
    assert violations("message", json.loads(response.read())) == []
    message = response.parse()
    block = message.content[-1]
    assert isinstance(block, TextBlock)
    answer = json.loads(block.text)
    assert set(answer) == {"language", "lines", "is_async"}
    assert answer["language"] in {"python", "c"}
    assert (type(answer["lines"]), type(answer["is_async"])) == (int, bool)
    assert message.stop_reason == "end_turn"
    _assert_usage(message)


@pytest.mark.parametrize("number", range(ROUNDS))
def test_forced_tool_is_called_with_an_object(ask: Ask, violations: Check, number: int) -> None:
    response = ask(f"Find the function f{number}.", tools=[TOOL], tool_choice=FORCED)
    assert violations("message", json.loads(response.read())) == []
    message = response.parse()
    assert message.stop_reason == "tool_use"
    call = message.content[-1]
    assert isinstance(call, ToolUseBlock)
    assert call.name == "find_function"
    assert isinstance(call.input, dict)
    assert set(call.input) == {"name"}
    _assert_usage(message)


def test_result_of_a_tool_is_taken_and_ends_the_turn(ask: Ask, violations: Check) -> None:
    """Round trip: what the API calls, it takes the result of."""
    question = "Find the function f7 and say in which file it is."
    call = ask(question, tools=[TOOL], tool_choice=FORCED).parse().content[-1]
    assert isinstance(call, ToolUseBlock)
    used: JsonObject = {
        "type": "tool_use",
        "id": call.id,
        "name": call.name,
        "input": {"name": "f"},
    }
    result: JsonObject = {"type": "tool_result", "tool_use_id": call.id, "content": "in seven.py"}
    turns: list[Json] = [
        {"role": "user", "content": question},
        {"role": "assistant", "content": [used]},
        {"role": "user", "content": [result]},
    ]
    response = ask("", messages=turns, tools=[TOOL])
    assert violations("message", json.loads(response.read())) == []
    assert response.parse().stop_reason == "end_turn"


def test_answer_that_reaches_max_tokens_says_so(ask: Ask, violations: Check) -> None:
    response = ask("List the first hundred prime numbers.", max_tokens=5)
    assert violations("message", json.loads(response.read())) == []
    message = response.parse()
    assert message.stop_reason == "max_tokens"
    assert message.usage.output_tokens <= 5


def test_answer_that_meets_a_stop_sequence_names_it(ask: Ask, violations: Check) -> None:
    response = ask("Reply with exactly: one two three", stop_sequences=["three"])
    assert violations("message", json.loads(response.read())) == []
    message = response.parse()
    assert (message.stop_reason, message.stop_sequence) == ("stop_sequence", "three")


def test_ids_never_repeat(ask: Ask) -> None:
    """Invariant 1: neither the message's nor the request's."""
    responses = [ask("Reply with exactly: ready") for _ in range(4)]
    assert len({response.headers["request-id"] for response in responses}) == 4
    assert len({response.parse().id for response in responses}) == 4


def test_sdk_reports_the_request_id_of_the_header(ask: Ask) -> None:
    response = ask("Reply with exactly: ready")
    assert response.parse()._request_id == response.headers["request-id"]
    assert response.headers["content-type"].startswith("application/json")


def _assert_usage(message: Message) -> None:
    usage = message.usage
    assert usage.input_tokens >= 1
    assert usage.output_tokens >= 1
    if usage.cache_creation is not None:
        parts = usage.cache_creation
        both = parts.ephemeral_5m_input_tokens + parts.ephemeral_1h_input_tokens
        assert usage.cache_creation_input_tokens == both
    if usage.output_tokens_details is not None:
        assert usage.output_tokens_details.thinking_tokens <= usage.output_tokens

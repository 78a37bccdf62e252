"""L4-03: streams keep their grammar, event for event, and add up to a whole message."""

import json
from collections.abc import Callable

import anthropic
import pytest
from anthropic.types import Message, TextBlock, ToolUseBlock

from l9gate.wire.json import Json, JsonObject
from l9gate.wire.sse import SseEvent
from l9gate.wire.stream import StreamFolder

pytestmark = pytest.mark.contract

Ask = Callable[..., anthropic.APIResponse[Message]]
Check = Callable[[str, Json], list[str]]
Stream = Callable[..., list[SseEvent]]

ROUNDS = 3
TOOL: JsonObject = {
    "name": "find_function",
    "description": "Find a function by its exact name.",
    "input_schema": {
        "type": "object",
        "properties": {"name": {"type": "string"}, "is_async": {"type": "boolean"}},
        "required": ["name", "is_async"],
        "additionalProperties": False,
    },
}


def _fold(events: list[SseEvent], violations: Check) -> Message:
    """Return the message that a stream adds up to; every event is checked on the way."""
    folder = StreamFolder(strict=True)
    for event in events:
        folder.feed(event)
        data = json.loads(event.data)
        assert data["type"] == event.event
        assert violations("stream_event", data) == []
    body = folder.to_message()
    assert violations("message", body) == []
    return Message.model_validate(body)


@pytest.mark.parametrize("number", range(ROUNDS))
def test_streamed_text_adds_up_to_a_message(stream: Stream, violations: Check, number: int) -> None:
    message = _fold(stream(f"Say in one sentence what list[{number}] is."), violations)
    assert message.stop_reason == "end_turn"
    assert [type(block) for block in message.content] == [TextBlock]
    assert message.usage.output_tokens >= 1


@pytest.mark.parametrize("number", range(ROUNDS))
def test_streamed_tool_input_adds_up_to_an_object(
    stream: Stream, violations: Check, number: int
) -> None:
    """Invariant 8."""
    choice: JsonObject = {"type": "tool", "name": "find_function"}
    events = stream(f"Find the function f{number}.", tools=[TOOL], tool_choice=choice)
    message = _fold(events, violations)
    call = message.content[-1]
    assert isinstance(call, ToolUseBlock)
    assert isinstance(call.input, dict)
    assert set(call.input) == {"name", "is_async"}
    assert message.stop_reason == "tool_use"


def test_stream_that_reaches_max_tokens_says_so(stream: Stream, violations: Check) -> None:
    message = _fold(stream("List the first hundred prime numbers.", max_tokens=5), violations)
    assert message.stop_reason == "max_tokens"


def test_stream_is_charged_like_a_whole_answer(ask: Ask, stream: Stream, violations: Check) -> None:
    """Invariant 7: the same question costs the same input, streamed or not."""
    text = "Reply with exactly: ready"
    whole, streamed = ask(text).parse(), _fold(stream(text), violations)
    assert streamed.usage.input_tokens == whole.usage.input_tokens
    assert streamed.model == whole.model


@pytest.mark.expects_error("not_found_error")
def test_error_before_the_first_event_is_no_event(stream: Stream) -> None:
    with pytest.raises(anthropic.NotFoundError) as refused:
        stream("anything", model="claude-no-such-model")
    assert refused.value.response.headers["content-type"].startswith("application/json")

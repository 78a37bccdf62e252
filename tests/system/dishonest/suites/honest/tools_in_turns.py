"""A conversation of several turns with a tool."""

import app
import pytest
from anthropic.types import MessageParam, ToolParam

TOOL: ToolParam = {
    "name": "weather",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
}


@pytest.mark.integration
def test_a_tool_is_used_and_its_result_taken() -> None:
    turns: list[MessageParam] = [{"role": "user", "content": "What is the weather in Rome?"}]
    with app.client() as api:
        first = api.messages.create(model=app.MODEL, max_tokens=64, messages=turns, tools=[TOOL])
        assert first.stop_reason == "tool_use"
        use = next(block for block in first.content if block.type == "tool_use")
        result = {"type": "tool_result", "tool_use_id": use.id, "content": "sunny"}
        turns.append({"role": "assistant", "content": first.content})
        turns.append({"role": "user", "content": [result]})
        last = api.messages.create(model=app.MODEL, max_tokens=64, messages=turns, tools=[TOOL])
    assert last.stop_reason == "end_turn"

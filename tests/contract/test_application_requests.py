"""L4-03, T-02: the very requests that the application sends, over real candidates."""

import json
from collections.abc import Callable

import anthropic
import pytest
from anthropic.types import Message, TextBlock

from l9gate.wire.json import Json, JsonObject
from l9gate.wire.sse import SseEvent
from l9gate.wire.stream import StreamFolder
from neural_tools.answer import parse_ranking
from neural_tools.index import CodeIndex
from neural_tools.prompt import Question, build_question
from neural_tools.settings import Settings

pytestmark = pytest.mark.contract

QUESTIONS = range(450, 470)
TOLERANCE = 0.05  # `count_tokens` says of itself that it is an estimate
SLACK_TOKENS = 20


@pytest.fixture(params=QUESTIONS)
def question(
    request: pytest.FixtureRequest,
    code_index: CodeIndex,
    queries: tuple[str, ...],
    settings: Settings,
) -> Question:
    query = queries[request.param]
    return build_question(query, code_index.search(query, settings.candidates))


def _asked(question: Question, basis: JsonObject) -> JsonObject:
    config = basis.get("output_config", {})
    assert isinstance(config, dict)
    form: Json = {"type": "json_schema", "schema": json.loads(json.dumps(question.schema))}
    return {"system": question.system, "output_config": {**config, "format": form}}


def test_whole_answer_ranks_all_candidates_and_costs_what_was_counted(
    ask: Callable[..., anthropic.APIResponse[Message]],
    client: anthropic.Anthropic,
    basis: JsonObject,
    violations: Callable[[str, Json], list[str]],
    question: Question,
) -> None:
    """Invariant 14, and that structured output keeps to the ids it was given."""
    asked = _asked(question, basis)
    response = ask(question.user, max_tokens=384, **asked)
    assert violations("message", json.loads(response.read())) == []
    message = response.parse()
    assert message.stop_reason == "end_turn"
    block = message.content[-1]
    assert isinstance(block, TextBlock)
    assert parse_ranking(block.text, question.ids).unknown == 0
    counted = client.messages.with_raw_response.count_tokens(
        model=str(basis["model"]),
        messages=[{"role": "user", "content": question.user}],
        **asked,  # type: ignore[arg-type]
    )
    assert violations("token_count", json.loads(counted.read())) == []
    tokens, charged = counted.parse().input_tokens, message.usage.input_tokens
    assert abs(tokens - charged) <= charged * TOLERANCE + SLACK_TOKENS


def test_streamed_answer_ranks_all_candidates(
    stream: Callable[..., list[SseEvent]],
    basis: JsonObject,
    violations: Callable[[str, Json], list[str]],
    question: Question,
) -> None:
    folder = StreamFolder(strict=True)
    for event in stream(question.user, max_tokens=384, **_asked(question, basis)):
        folder.feed(event)
        assert violations("stream_event", json.loads(event.data)) == []
    message = Message.model_validate(folder.to_message())
    block = message.content[-1]
    assert isinstance(block, TextBlock)
    assert parse_ranking(block.text, question.ids).unknown == 0
    assert message.stop_reason == "end_turn"

"""Every kind of answer under the official SDK, which checks each field of it strictly."""

from collections.abc import Iterator

import anthropic
import httpx2
import pytest
from anthropic.types import (
    CodeExecutionTool20260120Param,
    Message,
    MessageParam,
    ToolParam,
    ToolUnionParam,
    WebSearchTool20250305Param,
)
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming

from l9gate.simulator.config import SimulatorConfig
from l9gate.simulator.server import SimulatorThread

KEY = "sk-simulated-key"
MODEL = "claude-haiku-5-5"
LONG = "word " * 1_500
TOOLS: list[ToolParam] = [
    {"name": name, "input_schema": {"type": "object", "properties": {"path": {"type": "string"}}}}
    for name in ("open_file", "close_file", "find_file")
]
SEARCH: WebSearchTool20250305Param = {"type": "web_search_20250305", "name": "web_search"}
CODE: CodeExecutionTool20260120Param = {
    "type": "code_execution_20260120",
    "name": "code_execution",
}
SERVED: list[ToolUnionParam] = [
    SEARCH,
    {"type": "web_fetch_20260318", "name": "web_fetch", "citations": {"enabled": True}},
    {"type": "tool_search_tool_bm25", "name": "tool_search_tool_bm25"},
    {"type": "computer_toolset_20260801"},
    {**TOOLS[0], "defer_loading": True},
]
DOCUMENT: MessageParam = {
    "role": "user",
    "content": [
        {
            "type": "document",
            "source": {"type": "text", "media_type": "text/plain", "data": "The sky is blue."},
            "citations": {"enabled": True},
        },
        {"type": "text", "text": "What colour is it?"},
    ],
}
ASKED: MessageCreateParamsNonStreaming = {
    "model": MODEL,
    "max_tokens": 300,
    "messages": [{"role": "user", "content": "Which function opens a file?"}],
}
SCHEMA: dict[str, object] = {
    "type": "object",
    "properties": {"answer": {"type": "string"}},
    "required": ["answer"],
    "additionalProperties": False,
}
KINDS: dict[str, MessageCreateParamsNonStreaming] = {
    "text": ASKED,
    "thinking shown": {**ASKED, "thinking": {"type": "adaptive", "display": "summarized"}},
    "thinking omitted": {**ASKED, "model": "claude-opus-5-5"},
    "calls": {**ASKED, "tools": TOOLS},
    "search": {**ASKED, "tools": [SEARCH]},
    "search and calls": {**ASKED, "tools": [SEARCH, *TOOLS]},
    "all that the API runs": {**ASKED, "tools": SERVED},
    "code": {**ASKED, "tools": [CODE], "container": "container_1"},
    "citations": {**ASKED, "messages": [DOCUMENT]},
    "schema": {**ASKED, "output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
    "stop sequence": {**ASKED, "stop_sequences": ["means"]},
    "cut text": {**ASKED, "max_tokens": 9},
    "cut call": {**ASKED, "max_tokens": 6, "tools": TOOLS},
    "refusal": {
        **ASKED,
        "messages": [{"role": "user", "content": "ANTHROPIC_MAGIC_STRING_TRIGGER_REFUSAL_1"}],
    },
    "cached": {**ASKED, "system": LONG, "cache_control": {"type": "ephemeral", "ttl": "1h"}},
}


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    with SimulatorThread(SimulatorConfig(load_factor=0)) as simulator:
        yield simulator.base_url


@pytest.fixture
def client(base_url: str) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(
        api_key=KEY,
        base_url=base_url,
        max_retries=0,
        timeout=10,
        _strict_response_validation=True,
    ) as made:
        yield made


_OWN = frozenset({"id", "tool_use_id", "parsed_output"})  # the last is the SDK's, in streams only


def _shown(message: Message) -> object:
    """Return what is the same in two answers to one request: all but ids and the cache."""
    blocks = [
        {name: value for name, value in block.to_dict().items() if name not in _OWN}
        for block in message.content
    ]
    ends = (message.stop_reason, message.stop_sequence, message.stop_details)
    return blocks, ends, message.usage.output_tokens, message.usage.output_tokens_details


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_answer_is_the_same_whole_and_streamed(
    client: anthropic.Anthropic, kind: str
) -> None:
    """L4-03, L4-05."""
    whole = client.messages.create(**KINDS[kind])
    asked = {name: value for name, value in KINDS[kind].items() if name != "stream"}
    with client.messages.stream(**asked) as events:  # type: ignore[arg-type]
        streamed = events.get_final_message()
    assert _shown(streamed) == _shown(whole)


def _run_agent(client: anthropic.Anthropic, tools: list[ToolUnionParam]) -> list[list[str]]:
    """Run the loop that every agent runs and return which tools were called in each turn."""
    turns: list[MessageParam] = [{"role": "user", "content": "Open, find, close."}]
    called: list[list[str]] = []
    for _ in range(9):
        message = client.messages.create(
            model="claude-opus-5-5", max_tokens=900, messages=turns, tools=tools
        )
        if message.stop_reason == "end_turn":
            return called
        assert message.stop_reason == "tool_use"
        calls = [block for block in message.content if block.type == "tool_use"]
        called.append([call.name for call in calls])
        turns.append({"role": "assistant", "content": message.content})
        turns.append(
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": call.id, "content": "done"}
                    for call in calls
                ],
            }
        )
    raise AssertionError("the loop does not end")


def test_an_agent_that_thinks_and_searches_comes_to_an_end(client: anthropic.Anthropic) -> None:
    assert _run_agent(client, [*TOOLS]) == [["open_file", "close_file"], ["find_file"]]
    assert _run_agent(client, [SEARCH, *TOOLS[:1]]) == [["open_file"]]
    assert _run_agent(client, SERVED) == [["screenshot", "open_file"]]


def test_code_that_calls_tools_comes_to_an_end(client: anthropic.Anthropic) -> None:
    for_code: list[ToolParam] = [
        {**tool, "allowed_callers": ["code_execution_20260120"]} for tool in TOOLS
    ]
    called = _run_agent(client, [CODE, *for_code, {"type": "bash_20250124", "name": "bash"}])
    assert called == [["open_file", "close_file"], ["find_file"], ["bash"]]


def test_a_turn_that_was_paused_goes_on(client: anthropic.Anthropic) -> None:
    paused = client.messages.create(
        **KINDS["search"], extra_headers={"x-l9gate-fault": "stop_reason=pause_turn"}
    )
    assert paused.stop_reason == "pause_turn"
    turns: list[MessageParam] = [
        *ASKED["messages"],
        {"role": "assistant", "content": paused.content},
    ]
    rest = client.messages.create(model=MODEL, max_tokens=300, messages=turns, tools=[SEARCH])
    assert rest.stop_reason == "end_turn"


def test_a_refusal_says_why(client: anthropic.Anthropic) -> None:
    message = client.messages.create(**KINDS["refusal"])
    assert message.stop_reason == "refusal"
    assert message.stop_details is not None
    assert message.stop_details.type == "refusal"


def test_warming_writes_what_the_next_request_reads(client: anthropic.Anthropic) -> None:
    """Invariant 10 of the sheet."""
    asked: MessageCreateParamsNonStreaming = {
        **KINDS["cached"],
        "system": [
            {"type": "text", "text": f"warm {LONG}", "cache_control": {"type": "ephemeral"}}
        ],
        "cache_control": None,
    }
    warming: MessageCreateParamsNonStreaming = {**asked, "max_tokens": 0}
    first = client.messages.create(**warming)
    second = client.messages.create(**asked)
    assert (first.content, first.stop_reason, first.usage.output_tokens) == ([], "max_tokens", 0)
    assert first.usage.cache_creation_input_tokens
    assert second.usage.cache_read_input_tokens == first.usage.cache_creation_input_tokens
    assert second.usage.input_tokens == first.usage.input_tokens
    counted = client.messages.count_tokens(
        model=MODEL, messages=asked["messages"], system=asked["system"]
    )
    assert counted.input_tokens == (
        first.usage.input_tokens + first.usage.cache_creation_input_tokens
    )


def test_a_batch_is_created_awaited_and_read(client: anthropic.Anthropic) -> None:
    """Invariant 15 of the sheet."""
    batch = client.messages.batches.create(
        requests=[
            {"custom_id": "good", "params": ASKED},
            {"custom_id": "bad", "params": {**ASKED, "model": "claude-99"}},
        ]
    )
    assert batch.request_counts.processing == 2
    batch = client.messages.batches.retrieve(batch.id)
    assert (batch.processing_status, batch.request_counts.succeeded) == ("ended", 1)
    results = {line.custom_id: line.result for line in client.messages.batches.results(batch.id)}
    good, bad = results["good"], results["bad"]
    assert good.type == "succeeded"
    assert good.message.usage.service_tier == "batch"
    assert bad.type == "errored"
    assert bad.error.error.type == "not_found_error"
    assert batch.id in [listed.id for listed in client.messages.batches.list(limit=1)]
    assert client.messages.batches.cancel(batch.id).processing_status == "ended"
    assert client.messages.batches.delete(batch.id).type == "message_batch_deleted"


def test_files_are_uploaded_listed_and_deleted(client: anthropic.Anthropic) -> None:
    made = [client.files.upload(file=(f"{n}.txt", b"hello", "text/plain")) for n in range(3)]
    assert (made[0].filename, made[0].size_bytes, made[0].mime_type) == ("0.txt", 5, "text/plain")
    assert [file.id for file in client.files.list(limit=2)] == [file.id for file in made[::-1]]
    assert client.files.retrieve_metadata(made[0].id) == made[0]
    with pytest.raises(anthropic.BadRequestError):
        client.files.download(made[0].id)
    for file in made:
        assert client.files.delete(file.id).type == "file_deleted"


def _model_of_answer(client: anthropic.Anthropic, model: str) -> str:
    asked: MessageCreateParamsNonStreaming = {**ASKED, "model": model}
    return client.messages.create(**asked).model


def test_files_and_batches_may_be_larger_than_messages(client: anthropic.Anthropic) -> None:
    """Section 2 of the sheet."""
    size = 33 * 1024 * 1024
    assert client.files.upload(file=("a.bin", bytes(size))).size_bytes == size
    with pytest.raises(anthropic.APIStatusError) as caught:
        client.messages.create(**{**ASKED, "system": "x" * size})  # type: ignore[call-overload]
    assert caught.value.status_code == 413


def test_every_active_model_answers_and_pages_are_complete(client: anthropic.Anthropic) -> None:
    """Invariant 16 of the sheet."""
    listed = list(client.models.list(limit=3))
    assert len({model.id for model in listed}) == len(listed)
    with pytest.warns(DeprecationWarning, match="claude-sonnet-4-5"):
        answered = [_model_of_answer(client, model.id) for model in listed]
    assert answered == [model.id for model in listed]
    retired = client.models.list(lifecycle=["retired"], limit=1000)
    assert {model.lifecycle for model in retired} == {"retired"}


def test_a_spend_cap_is_a_429_that_names_no_time(base_url: str) -> None:
    response = httpx2.post(
        f"{base_url}/v1/messages",
        json=ASKED,
        headers={
            "x-api-key": KEY,
            "anthropic-version": "2026-10-21",
            "x-l9gate-fault": "status=429,error_code=enforced_spend_limit_reached",
        },
    )
    assert response.status_code == 429
    assert response.json()["error"]["details"]["error_code"] == "enforced_spend_limit_reached"
    assert "retry-after" not in response.headers

"""The simulator under the official SDK, over real sockets."""

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import TypedDict

import anthropic
import httpx2
import msgspec
import pytest
from anthropic.types import MessageParam, ToolParam

from l9gate.simulator.server import SimulatorThread

MODEL = "claude-haiku-5-5"

KEY = "sk-simulated-key"


class Asked(TypedDict):
    model: str
    max_tokens: int
    messages: list[MessageParam]


ASKED: Asked = {
    "model": MODEL,
    "max_tokens": 300,
    "messages": [{"role": "user", "content": "Reply with exactly: pong, and some more words."}],
}

TOOL: ToolParam = {
    "name": "open_file",
    "description": "Opens a file",
    "input_schema": {
        "type": "object",
        "properties": {"path": {"type": "string"}, "mode": {"type": "string", "enum": ["r"]}},
        "required": ["path", "mode"],
    },
}


@pytest.fixture
def client(simulator: SimulatorThread) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(
        api_key=KEY,
        base_url=simulator.base_url,
        max_retries=0,
        timeout=5,
        _strict_response_validation=True,
    ) as made:
        yield made


def _faulty(fault: str) -> dict[str, str]:
    return {"x-l9gate-fault": fault}


def test_a_message_satisfies_the_sdks_strict_types(client: anthropic.Anthropic) -> None:
    """L4-03."""
    message = client.messages.create(**ASKED)
    assert message.content[0].type == "text"
    assert message.content[0].text == "pong, and some more words."
    assert message.stop_reason == "end_turn"
    assert message._request_id is not None
    assert message._request_id.startswith("req_")


def test_both_clients_get_the_same_from_a_stream(
    client: anthropic.Anthropic, simulator: SimulatorThread
) -> None:
    whole = client.messages.create(**ASKED)
    with client.messages.stream(**ASKED) as events:
        text = "".join(events.text_stream)
        streamed = events.get_final_message()
    assert whole.content[0].type == "text"
    assert text == whole.content[0].text
    assert streamed.usage == whole.usage
    assert streamed.stop_reason == whole.stop_reason

    async def ask() -> tuple[str, str]:
        async with anthropic.AsyncAnthropic(api_key=KEY, base_url=simulator.base_url) as other:
            message = await other.messages.create(**ASKED)
            async with other.messages.stream(**ASKED) as pieces:
                streamed_text = await pieces.get_final_text()
        assert message.content[0].type == "text"
        return message.content[0].text, streamed_text

    assert asyncio.run(ask()) == (text, text)


def test_tool_use_goes_round(client: anthropic.Anthropic) -> None:
    first = client.messages.create(**ASKED, tools=[TOOL])
    call = first.content[-1]
    assert call.type == "tool_use"
    assert first.stop_reason == "tool_use"
    assert call.input == {"path": "simulated", "mode": "r"}
    with client.messages.stream(**ASKED, tools=[TOOL]) as events:
        streamed = events.get_final_message().content[-1]
    assert streamed.type == "tool_use"
    assert streamed.input == call.input
    result: MessageParam = {
        "role": "user",
        "content": [{"type": "tool_result", "tool_use_id": call.id, "content": "done"}],
    }
    turns: list[MessageParam] = [
        *ASKED["messages"],
        {"role": "assistant", "content": [{**call.to_dict(), "type": "tool_use"}]},  # type: ignore[list-item,misc]
        result,
    ]
    second = client.messages.create(model=MODEL, max_tokens=300, messages=turns, tools=[TOOL])
    assert second.stop_reason == "end_turn"


def test_output_follows_the_schema(client: anthropic.Anthropic) -> None:
    ids = ["d3", "d1", "d2"]
    schema: dict[str, object] = {
        "type": "object",
        "properties": {
            "ranking": {"type": "array", "items": {"type": "string", "enum": ids}},
            "sure": {"type": "boolean"},
        },
        "required": ["ranking", "sure"],
        "additionalProperties": False,
    }
    message = client.messages.create(
        **ASKED, output_config={"format": {"type": "json_schema", "schema": schema}}
    )
    assert message.content[0].type == "text"
    assert msgspec.json.decode(message.content[0].text) == {"ranking": ids, "sure": False}


def test_tokens_are_counted_as_they_are_billed(client: anthropic.Anthropic) -> None:
    counted = client.messages.count_tokens(model=MODEL, messages=ASKED["messages"])
    assert counted.input_tokens == client.messages.create(**ASKED).usage.input_tokens


def test_models_come_in_pages(client: anthropic.Anthropic) -> None:
    """L4-06."""
    ids = [model.id for model in client.models.list(limit=4)]
    assert len(ids) == len(set(ids)) > 8
    assert client.models.retrieve("claude-haiku-4-5").id == "claude-haiku-4-5-20251001"
    assert client.models.retrieve(MODEL).lifecycle == "active"


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, anthropic.BadRequestError),
        (401, anthropic.AuthenticationError),
        (403, anthropic.PermissionDeniedError),
        (404, anthropic.NotFoundError),
        (409, anthropic.ConflictError),
        (429, anthropic.RateLimitError),
        (500, anthropic.InternalServerError),
        (529, anthropic.InternalServerError),
    ],
)
def test_errors_become_the_sdks_classes(
    client: anthropic.Anthropic, status: int, error: type[anthropic.APIStatusError]
) -> None:
    """L1-04, L4-04."""
    with pytest.raises(error) as caught:
        client.messages.create(**ASKED, extra_headers=_faulty(f"status={status}"))
    assert caught.value.status_code == status
    assert caught.value.request_id == caught.value.response.json()["request_id"]


def test_the_sdk_waits_as_it_is_told_and_tries_again(simulator: SimulatorThread) -> None:
    """L2-09."""
    simulator.set_fault("status=429,retry-after=0.3")
    timer = threading.Timer(0.15, simulator.set_fault, [None])
    before = simulator.requests_seen
    timer.start()
    started_s = time.monotonic()
    try:
        with anthropic.Anthropic(api_key=KEY, base_url=simulator.base_url, max_retries=1) as client:
            client.messages.create(**ASKED)
    finally:
        timer.join()
        simulator.set_fault(None)
    assert time.monotonic() - started_s > 0.3
    assert simulator.requests_seen == before + 2


def test_another_process_may_set_the_fault(
    simulator: SimulatorThread, client: anthropic.Anthropic
) -> None:
    place = f"{simulator.base_url}/_l9gate/fault"
    assert httpx2.post(place, content="status=529").json() == {"fault": "status=529"}
    with pytest.raises(anthropic.APIStatusError):
        client.messages.create(**ASKED)
    assert httpx2.post(place, content="").json() == {"fault": None}
    assert client.messages.create(**ASKED).content


@pytest.mark.parametrize("fault", ["cut_body", "reset_after_events=1"])
def test_a_broken_body_is_a_connection_error(client: anthropic.Anthropic, fault: str) -> None:
    with pytest.raises(anthropic.APIConnectionError):
        client.messages.create(**ASKED, extra_headers=_faulty(fault))


def test_a_delay_beyond_the_timeout_is_a_timeout(client: anthropic.Anthropic) -> None:
    hasty = client.with_options(timeout=0.2)
    with pytest.raises(anthropic.APITimeoutError):
        hasty.messages.create(**ASKED, extra_headers=_faulty("delay_s=5"))


def test_a_malformed_body_is_no_message(client: anthropic.Anthropic) -> None:
    with pytest.raises(ValueError, match="Expecting value"):
        client.messages.create(**ASKED, extra_headers=_faulty("malformed"))


def test_a_stream_that_ends_early_has_no_stop_reason(client: anthropic.Anthropic) -> None:
    with client.messages.stream(**ASKED, extra_headers=_faulty("cut_after_events=4")) as events:
        assert events.get_final_message().stop_reason is None


def test_a_stream_that_is_reset_breaks(client: anthropic.Anthropic) -> None:
    with (
        client.messages.stream(**ASKED, extra_headers=_faulty("reset_after_events=4")) as events,
        pytest.raises(httpx2.HTTPError),
    ):
        events.get_final_message()


def test_a_stream_that_stalls_times_out(client: anthropic.Anthropic) -> None:
    hasty = client.with_options(timeout=0.2)
    with (
        hasty.messages.stream(**ASKED, extra_headers=_faulty("stall_s=5")) as events,
        pytest.raises(httpx2.ReadTimeout),
    ):
        events.get_final_message()


def test_an_error_in_a_stream_comes_after_a_200(client: anthropic.Anthropic) -> None:
    fault = _faulty("error_event=overloaded_error")
    with (
        client.messages.stream(**ASKED, extra_headers=fault) as events,
        pytest.raises(anthropic.APIStatusError) as caught,
    ):
        events.get_final_message()
    assert (caught.value.status_code, caught.value.type) == (200, "overloaded_error")

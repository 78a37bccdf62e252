"""The simulator under the official SDK, over real sockets."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import TypedDict

import anthropic
import httpx2
import msgspec
import pytest
from anthropic.types import MessageParam, ToolParam

from l9gate.errors import (
    AnswerTimeoutError,
    BodyCutError,
    EndpointUnreachableError,
    SettingsError,
)
from l9gate.net.client import request, stream
from l9gate.simulator.config import SimulatorConfig
from l9gate.simulator.server import SimulatorThread, running_simulator
from l9gate.wire.sse import SseParser
from l9gate.wire.stream import StreamFolder

MODEL = "claude-haiku-5-5"
KEY = "sk-simulated-key"
BODY = b'{"model":"claude-haiku-5-5","max_tokens":300,"messages":[{"role":"user","content":"hi"}]}'
HEADERS = {"authorization": f"Bearer {KEY}", "anthropic-version": "2026-10-21"}


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


@pytest.fixture(scope="module")
def simulator() -> Iterator[SimulatorThread]:
    with SimulatorThread(SimulatorConfig(load_factor=0)) as running:
        yield running


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


@pytest.mark.parametrize("header", ["x-api-key", "authorization"])
def test_both_credentials_work_and_a_bad_one_is_refused(
    simulator: SimulatorThread, header: str
) -> None:
    """L2-07."""
    for key, status in (("sk-good-key", 200), ("sk-invalid-key", 401), ("x", 401)):
        value = key if header == "x-api-key" else f"Bearer {key}"
        headers = {"anthropic-version": "2026-10-21", header: value}
        answer = httpx2.post(f"{simulator.base_url}/v1/messages", headers=headers, content=BODY)
        assert answer.status_code == status
        assert answer.headers["x-l9gate-origin"] == "simulated"


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


def test_a_body_beyond_the_bound_is_a_413(simulator: SimulatorThread) -> None:
    url = f"{simulator.base_url}/v1/messages"
    big = httpx2.post(url, headers=HEADERS, content=b"x" * 34_000_000)
    assert big.status_code == 413
    assert big.json()["error"]["type"] == "request_too_large"


def test_garbage_is_refused_and_the_server_lives(simulator: SimulatorThread) -> None:
    port = int(simulator.base_url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=5) as peer:
        peer.sendall(b"\x16\x03\x01 nonsense\r\n\r\n")
        assert b" 400 " in peer.recv(4096)
    assert httpx2.get(f"{simulator.base_url}/v1/models", headers=HEADERS).status_code == 200


def test_a_client_that_goes_away_leaves_no_task() -> None:
    async def play() -> set[str]:
        async with running_simulator(SimulatorConfig(load_factor=3)) as handle:
            tasks_before = asyncio.all_tasks()
            with pytest.raises(AnswerTimeoutError):
                await _post(handle.base_url, BODY, timeout_s=0.2)
            streamed = BODY[:-1] + b',"stream":true}'
            url = f"{handle.base_url}/v1/messages"
            async with stream("POST", url, headers=HEADERS, body=streamed) as response:
                first = await anext(response.chunks())
                assert first.data.startswith(b"event: message_start")
            await asyncio.sleep(0.05)
            return {task.get_name() for task in asyncio.all_tasks() - tasks_before}

    assert asyncio.run(play()) == set()


async def _post(base_url: str, body: bytes, timeout_s: float = 5.0) -> int:
    answer = await request(
        "POST", f"{base_url}/v1/messages", headers=HEADERS, body=body, timeout_s=timeout_s
    )
    return answer.status


def test_stopping_cancels_what_is_still_running() -> None:
    async def play() -> float:
        async with running_simulator(SimulatorConfig(load_factor=1000)) as handle:
            asked = asyncio.create_task(_post(handle.base_url, BODY, timeout_s=30))
            await asyncio.sleep(0.1)
            started_s = time.monotonic()
        took_s = time.monotonic() - started_s
        with pytest.raises(BodyCutError, match="closed the connection"):
            await asked
        assert len(asyncio.all_tasks()) == 1
        return took_s

    assert asyncio.run(play()) < 3


def test_our_client_reads_a_stream_in_pieces(simulator: SimulatorThread) -> None:
    async def play() -> tuple[StreamFolder, list[float]]:
        folder, parser, times = StreamFolder(), SseParser(), []
        async with stream(
            "POST",
            f"{simulator.base_url}/v1/messages",
            headers=HEADERS,
            body=BODY[:-1] + b',"stream":true}',
        ) as response:
            assert response.status == 200
            async for chunk in response.chunks():
                times.append(chunk.at_s)
                for event in parser.feed(chunk.data):
                    folder.feed(event)
        return folder, times

    folder, times = asyncio.run(play())
    assert folder.has_ended
    assert times == sorted(times)


def test_an_endpoint_that_is_not_there_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(
        EndpointUnreachableError, match=f"http://127.0.0.1:{port} cannot be reached"
    ):
        asyncio.run(_post(f"http://127.0.0.1:{port}", BODY))


def test_a_port_that_is_taken_is_said(simulator: SimulatorThread) -> None:
    port = int(simulator.base_url.rpartition(":")[2])
    with pytest.raises(SettingsError, match=f"cannot listen on 127.0.0.1:{port}"):
        SimulatorThread(port=port).start()


def test_a_simulator_that_does_not_run_has_no_address() -> None:
    with pytest.raises(SettingsError, match="is not running"):
        _ = SimulatorThread().base_url


def test_the_pace_is_that_of_the_model() -> None:
    with SimulatorThread(SimulatorConfig(seed=5)) as running:
        started_s = time.monotonic()
        answer = httpx2.post(f"{running.base_url}/v1/messages", headers=HEADERS, content=BODY)
        assert answer.status_code == 200
        assert 0.1 < time.monotonic() - started_s < 1.5


SERVE = """
import sys
from l9gate.simulator.server import SimulatorConfig, serve_forever
serve_forever(SimulatorConfig(), "127.0.0.1", 0, lambda url: print(url, flush=True))
heavy = {"numpy", "scipy", "rich", "anthropic", "pytest"} & set(sys.modules)
print("heavy imports:", sorted(heavy))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_process_announces_itself_and_stops_cleanly(number: signal.Signals) -> None:
    started_s = time.monotonic()
    with subprocess.Popen(
        [sys.executable, "-c", SERVE], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        base_url = process.stdout.readline().strip()
        start_s = time.monotonic() - started_s
        try:
            assert re.fullmatch(r"http://127\.0\.0\.1:\d+", base_url)
            assert start_s < 2  # 0.2 s on an idle machine
            assert httpx2.get(f"{base_url}/v1/models", headers=HEADERS).status_code == 200
            if sys.platform == "linux":
                assert _rss_mb(process.pid) < 40
        finally:
            os.kill(process.pid, number)
            rest, errors = process.communicate(timeout=10)
    assert process.returncode == 0
    assert rest == "heavy imports: []\n"
    assert errors == ""


def _rss_mb(pid: int) -> float:
    with open(f"/proc/{pid}/status", encoding="ascii") as status:  # noqa: PTH123 - a kernel file
        found = re.search(r"VmRSS:\s+(\d+) kB", status.read())
    assert found is not None
    return int(found[1]) / 1024

"""Every class of contract drift can be played, and whoever checks the contract notices it."""

import asyncio
from collections.abc import Callable

import pytest

from l9gate.errors import L9gateError
from l9gate.net.http import Cut, HttpRequest, HttpResponse
from l9gate.simulator.app import SimulatorApp
from l9gate.wire.json import JsonObject, parse_object
from l9gate.wire.sse import SseParser
from l9gate.wire.stream import StreamFolder

Make = Callable[..., HttpRequest]
MISSED = "x-l9gate-fault-missed"


def _play(app: SimulatorApp, request: HttpRequest) -> tuple[HttpResponse, bytes]:
    response = app(request)
    assert isinstance(response, HttpResponse)
    if isinstance(response.body, bytes):
        return response, response.body

    async def read() -> bytes:
        assert not isinstance(response.body, bytes)
        data = b""
        async for piece in response.body:
            if isinstance(piece, Cut):
                break
            data += piece
        return data

    return response, asyncio.run(read())


def _fold(data: bytes) -> JsonObject | None:
    """Return the message that a stream adds up to, None if it is not whole."""
    parser, folder = SseParser(), StreamFolder()
    for event in parser.feed(data):
        folder.feed(event)
    return folder.to_message() if folder.has_ended and folder.fault is None else None


@pytest.mark.parametrize(
    "fault",
    [
        "malformed",
        "malformed_event=message_delta",
        "duplicate_event=message_start",
        "duplicate_event=content_block_start",
        "drop_event=message_start",
        "drop_event=content_block_start",
        "drop_event=content_block_stop",
        "drop_event=message_delta",
        "drop_event=message_stop",
        "swap_event=message_start",
        "swap_event=content_block_start",
        "wrong_index=content_block_delta",
        "wrong_index=content_block_start",
        "cut_after_events=4",
        "cut_inside_event=4",
        "close_after_events=4",
        "error_event=overloaded_error",
        "retype_field=text@content_block_delta",
        "rename_field=content_block:block",
        "remove_field=message@message_start",
        "set_field=type:tired@content_block_delta",
    ],
)
def test_a_broken_stream_is_noticed(
    app: SimulatorApp, make_request: Make, body: JsonObject, fault: str
) -> None:
    request = make_request({**body, "stream": True}, headers={"x-l9gate-fault": fault})
    response, data = _play(app, request)
    assert MISSED not in response.headers
    try:
        message = _fold(data)
    except L9gateError:
        message = None
    assert message is None


@pytest.mark.parametrize(
    "fault", ["unknown_event=2", "add_field=more", "drop_event=ping", "set_field=stop_reason:tired"]
)
def test_what_the_api_may_add_breaks_no_stream(
    app: SimulatorApp, make_request: Make, body: JsonObject, fault: str
) -> None:
    request = make_request({**body, "stream": True}, headers={"x-l9gate-fault": fault})
    response, data = _play(app, request)
    assert MISSED not in response.headers
    assert _fold(data) is not None


@pytest.mark.parametrize("is_stream", [False, True])
def test_a_drift_that_misses_is_told(
    app: SimulatorApp, make_request: Make, body: JsonObject, is_stream: bool
) -> None:
    headers = {"x-l9gate-fault": "remove_field=usage.output_token"}
    response, _ = _play(app, make_request({**body, "stream": is_stream}, headers=headers))
    assert response.headers[MISSED] == "remove_field=usage.output_token"


def test_an_event_that_is_not_there_is_told(
    app: SimulatorApp, make_request: Make, body: JsonObject
) -> None:
    headers = {"x-l9gate-fault": "drop_event=99"}
    response, _ = _play(app, make_request({**body, "stream": True}, headers=headers))
    assert response.headers[MISSED] == "drop=99"


@pytest.mark.parametrize(
    ("path", "fault", "field"),
    [
        ("/v1/messages", "remove_field=usage", "usage"),
        ("/v1/messages", "status=529,remove_field=error", "error"),
        ("/v1/messages/count_tokens", "rename_field=input_tokens:tokens", "input_tokens"),
        ("/v1/models", "remove_field=data", "data"),
        ("/v1/models/claude-haiku-5-5", "remove_field=lifecycle", "lifecycle"),
    ],
)
def test_every_endpoint_can_drift(
    app: SimulatorApp, make_request: Make, path: str, fault: str, field: str
) -> None:
    asked: JsonObject = {
        "model": "claude-haiku-5-5", "messages": [{"role": "user", "content": "hello"}],
    }  # fmt: skip
    if path == "/v1/messages":
        asked["max_tokens"] = 50
    is_get = path.startswith("/v1/models")
    sent, method = (None, "GET") if is_get else (asked, "POST")
    request = make_request(sent, path, method=method, headers={"x-l9gate-fault": fault})
    response, data = _play(app, request)
    assert response.status == (529 if "529" in fault else 200)
    found = parse_object(data)
    assert found is not None
    assert field not in found
    assert MISSED not in response.headers

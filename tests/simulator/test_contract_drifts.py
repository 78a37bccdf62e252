"""Issue 5: every kind of drift that the simulator can play is found and named."""

import asyncio
from collections.abc import Callable

import pytest

from l9gate.contract import (
    Contract,
    Drift,
    Observed,
    compare_versions,
    learn_baseline,
    parse_asked,
    parse_observed,
)
from l9gate.net.http import Cut, HttpRequest, HttpResponse
from l9gate.simulator.app import SimulatorApp
from l9gate.simulator.faults import TOKENS
from l9gate.wire.headers import FAULT
from l9gate.wire.json import Json, JsonObject

FORMAT: JsonObject = {
    "type": "json_schema",
    "schema": {
        "type": "object",
        "properties": {"language": {"type": "string"}},
        "required": ["language"],
        "additionalProperties": False,
    },
}
# Says when, not what; nothing of the contract is touched.
TIMING = {"delay_s", "first_token_delay_s", "event_delay_s", "stall_s", "stall_at_event"}

# fault → whether streamed, impact and code of the gravest difference
FOUND: dict[str, tuple[bool, str, str]] = {
    "status=400": (False, "breaking", "status.changed"),
    "status=404": (True, "breaking", "status.changed"),
    "status=529": (False, "warning", "status.transient"),
    "status=400,error_code=tool_name_conflict": (False, "breaking", "status.changed"),
    "status=503,error_shape=html": (False, "breaking", "envelope.foreign"),
    "status=503,error_shape=text": (False, "breaking", "envelope.foreign"),
    "status=503,error_shape=empty": (False, "breaking", "envelope.foreign"),
    "status=503,error_shape=openai": (False, "breaking", "envelope.foreign"),
    "status=400,error_shape=aws": (False, "breaking", "envelope.foreign"),
    "status=400,error_shape=bare": (False, "breaking", "envelope.foreign"),
    "status=429": (False, "warning", "header.retry_after"),
    "status=429,retry_after=2": (False, "warning", "status.transient"),
    "status=429,should_retry=true": (False, "warning", "status.transient"),
    "cut_after_events=3": (True, "breaking", "stream.unended"),
    "close_after_events=3": (True, "breaking", "stream.unended"),
    "reset_after_events=2": (True, "breaking", "stream.unended"),
    "cut_inside_event=3": (True, "breaking", "stream.unended"),
    "cut_body": (False, "breaking", "body.malformed"),
    "malformed": (False, "breaking", "body.malformed"),
    "malformed_event=message_delta": (True, "breaking", "stream.malformed"),
    "duplicate_event=message_start": (True, "breaking", "stream.order"),
    "drop_event=message_stop": (True, "breaking", "stream.unended"),
    "drop_event=content_block_start": (True, "breaking", "stream.order"),
    "swap_event=content_block_stop": (True, "breaking", "stream.order"),
    "wrong_index=content_block_delta": (True, "breaking", "stream.index"),
    "unknown_event=3": (True, "ignorable", "stream.unknown_event"),
    "done_event": (True, "warning", "stream.unnamed"),
    "error_event=overloaded_error": (True, "warning", "status.transient"),
    "content_type=text/html": (False, "breaking", "header.content_type"),
    "content_type=application/json": (True, "breaking", "header.content_type"),
    "drop_header=request-id": (False, "breaking", "header.missing"),
    "drop_header=anthropic-ratelimit-requests-remaining": (True, "breaking", "header.rate_limit"),
    "set_header=request-id:42": (False, "breaking", "header.form"),
    "set_header=x-new:1": (False, "ignorable", "header.added"),
    "remove_field=usage.output_tokens": (False, "breaking", "shape.missing"),
    "remove_field=usage.output_tokens@message_delta": (True, "breaking", "shape.missing"),
    "retype_field=usage.input_tokens": (False, "breaking", "shape.type"),
    "retype_field=content:null": (False, "breaking", "shape.null"),
    "retype_field=index@content_block_stop": (True, "breaking", "shape.type"),
    "add_field=usage.joules": (False, "compatible", "shape.added"),
    "add_field=joules": (True, "compatible", "shape.added"),
    "rename_field=stop_reason:finish_reason": (False, "breaking", "shape.missing"),
    "rename_field=delta:change@content_block_delta": (True, "breaking", "shape.missing"),
    "set_field=stop_reason:tired": (False, "compatible", "shape.value"),
    "set_field=role:model": (False, "breaking", "shape.constant"),
    "set_field=model:gpt-oss": (False, "breaking", "model.echo"),
    "set_field=model:gpt-oss@message_start": (True, "breaking", "model.echo"),
    "set_field=content.*.type:sketch": (False, "compatible", "shape.variant"),
    "empty": (False, "warning", "content.empty"),
    "stop_reason=max_tokens": (False, "none", ""),
    "invalid_json_text": (False, "breaking", "output.format"),
}


@pytest.fixture
def play(app: SimulatorApp, make_request: Callable[..., HttpRequest]) -> Callable[..., Observed]:
    """Return an exchange with the simulator, whatever it did to its answer."""

    def send(
        body: JsonObject, fault: str = "", *, probe: str | None = None, version: str = "2026-10-21"
    ) -> Observed:
        headers = {"anthropic-version": version, **({FAULT: fault} if fault else {})}
        request = make_request(body, headers=headers)
        response, raw = asyncio.run(_answer(app, request))
        asked = parse_asked("POST", "/v1/messages", request.headers, request.body)
        return parse_observed(asked, response.status, response.headers, raw, probe)

    return send


async def _answer(app: SimulatorApp, request: HttpRequest) -> tuple[HttpResponse, bytes]:
    promise = app(request)
    response = promise if isinstance(promise, HttpResponse) else await promise
    if isinstance(response.body, bytes):
        return response, response.body
    pieces: list[bytes] = []
    async for piece in response.body:
        if isinstance(piece, Cut):
            break
        pieces.append(piece)
    return response, b"".join(pieces)


@pytest.fixture
def ask_for(body: JsonObject) -> Callable[..., JsonObject]:
    def make(*, stream: bool, **more: Json) -> JsonObject:
        return {**body, "stream": stream, "output_config": {"format": FORMAT}, **more}

    return make


@pytest.mark.parametrize("fault", FOUND)
def test_a_drift_is_found_and_named(
    play: Callable[..., Observed], ask_for: Callable[..., JsonObject], fault: str
) -> None:
    stream, impact, code = FOUND[fault]
    asked = ask_for(stream=stream)
    baseline = learn_baseline({"ask": [play(asked) for _ in range(3)]})
    found: list[Drift] = Contract(baseline).find_drifts(play(asked, fault, probe="ask"))
    assert (found[0].impact if found else "none") == impact
    gravest = {drift.code for drift in found if drift.impact == impact}
    assert code in gravest or not code
    assert Contract(baseline).find_drifts(play(asked, probe="ask")) == []


def test_every_drift_that_can_be_played_is_in_the_table() -> None:
    played = {token.partition("=")[0] for fault in FOUND for token in fault.split(",")}
    assert played | TIMING == {token.name for token in TOKENS}


def test_a_version_that_refuses_more_is_told(
    play: Callable[..., Observed], body: JsonObject
) -> None:
    """L4-07: one request under two versions."""
    asked = {**body, "model": "claude-sonnet-4-6", "temperature": 0.5}
    older, newer = (play(asked, version=version) for version in ("2023-06-01", "2026-10-21"))
    assert (older.status, newer.status) == (200, 400)
    assert [drift.code for drift in compare_versions(older, newer)] == ["accept.sampling"]
    assert compare_versions(older, older) == []

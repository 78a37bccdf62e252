"""The simulator as an application, without a network."""

import asyncio
import gzip
from collections.abc import Callable

import msgspec
import pytest

from l9gate.errors import PlanError
from l9gate.measure.clock import ManualClock
from l9gate.net.http import HttpRequest, HttpResponse
from l9gate.simulator.app import SimulatorApp
from l9gate.simulator.config import SimulatorConfig
from l9gate.simulator.limits import Tier
from l9gate.simulator.rules import FaultRule
from l9gate.wire.faults import ApiFault, parse_fault
from l9gate.wire.json import JsonObject, parse_object
from l9gate.wire.sse import SseParser
from l9gate.wire.stream import StreamFolder

Ask = Callable[..., HttpResponse]
Make = Callable[..., HttpRequest]


def _json(response: HttpResponse) -> JsonObject:
    assert isinstance(response.body, bytes)
    value = parse_object(response.body)
    assert value is not None
    return value


def _fault(response: HttpResponse) -> ApiFault | None:
    assert isinstance(response.body, bytes)
    return parse_fault(response.body)


async def _read(response: HttpResponse) -> bytes:
    assert not isinstance(response.body, bytes)
    return b"".join([piece async for piece in response.body if isinstance(piece, bytes)])


def test_a_message_has_every_header_and_adds_up(ask: Ask, body: JsonObject) -> None:
    """L4-03, L4-05."""
    response = ask(body)
    headers = response.headers
    assert response.status == 200
    assert headers["x-l9gate-origin"] == "simulated"
    assert headers["request-id"].startswith("req_")
    assert headers["anthropic-workspace-id"].startswith("wrkspc_")
    assert headers["anthropic-organization-id"]
    assert headers["anthropic-ratelimit-requests-remaining"] == "99999"
    message = _json(response)
    counted = _json(ask({k: body[k] for k in ("model", "messages")}, "/v1/messages/count_tokens"))
    assert isinstance(message["usage"], dict)
    assert message["usage"]["input_tokens"] == counted["input_tokens"]
    assert str(message["id"]).startswith("msg_")


def test_a_stream_adds_up_to_the_message(ask: Ask, body: JsonObject) -> None:
    whole = _json(ask(body))
    response = ask({**body, "stream": True}, "/v1/messages?beta=true")
    assert response.headers["content-type"].startswith("text/event-stream")
    folder = StreamFolder()
    for event in SseParser().feed(asyncio.run(_read(response))):
        folder.feed(event)
    assert {**folder.to_message(), "id": ""} == {**whole, "id": ""}


def test_request_ids_never_repeat_and_errors_repeat_theirs(ask: Ask, body: JsonObject) -> None:
    """L4-04."""
    responses = [ask(body), ask({}), ask(body, "/nowhere"), ask(body, drop=("authorization",))]
    assert len({response.headers["request-id"] for response in responses}) == 4
    for response in responses[1:]:
        assert _json(response)["request_id"] == response.headers["request-id"]
        assert response.headers["x-l9gate-origin"] == "simulated"


def test_two_simulators_with_one_seed_agree(make_request: Make, body: JsonObject) -> None:
    apps = [SimulatorApp(SimulatorConfig(load_factor=0, seed=3), ManualClock()) for _ in range(2)]
    first, second = (app(make_request(body)) for app in apps)
    assert first == second


@pytest.mark.parametrize(
    ("changes", "status", "error_type"),
    [
        ({"drop": ("authorization",)}, 401, "authentication_error"),
        ({"drop": ("anthropic-version",)}, 400, "invalid_request_error"),
        ({"path": "/v2/messages"}, 404, "not_found_error"),
        ({"method": "GET"}, 405, "invalid_request_error"),
        ({"path": "/v1/models", "method": "DELETE"}, 405, "invalid_request_error"),
        ({"path": "/v1/models/nothing", "method": "GET"}, 404, "not_found_error"),
        ({"path": "/v1/models", "method": "GET", "headers": {"x-api-key": "bad"}}, 401, None),
        ({"headers": {"content-encoding": "zstd"}}, 400, "invalid_request_error"),
    ],
)
def test_what_the_api_refuses_is_refused(
    ask: Ask, body: JsonObject, changes: dict[str, str], status: int, error_type: str | None
) -> None:
    response = ask(body, **changes)
    fault = _fault(response)
    assert response.status == status
    assert fault is not None
    assert fault.type == (error_type or "authentication_error")
    assert ("anthropic-workspace-id" in response.headers) == (status != 401)


def test_a_body_that_is_no_json_is_refused(app: SimulatorApp, make_request: Make) -> None:
    for data in (b"", b"{", b"[]", b"\xff", b'{"a":' * 20_000):
        request = make_request()
        request.body = data
        response = app(request)
        assert isinstance(response, HttpResponse)
        assert response.status == 400


def test_a_prompt_beyond_the_context_window_is_refused(ask: Ask, body: JsonObject) -> None:
    response = ask({**body, "model": "claude-haiku-4-5", "system": "x" * 1_100_000})
    assert response.status == 400
    assert "tokens > 200000 maximum" in str(_json(response))


def test_models_are_listed_and_shown(ask: Ask) -> None:
    """L4-06."""
    listed = _json(ask(None, "/v1/models?limit=2", method="GET"))
    assert listed["has_more"] is True
    shown = _json(ask(None, "/v1/models/claude%2Dhaiku%2D4%2D5", method="GET"))
    assert shown["id"] == "claude-haiku-4-5-20251001"


def test_an_empty_bucket_is_a_429_that_says_when(make_request: Make, body: JsonObject) -> None:
    """L2-09, L4-05."""
    clock = ManualClock()
    config = SimulatorConfig(load_factor=0, tier=Tier(requests_per_min=1))
    app = SimulatorApp(config, clock)
    statuses, waits = [], []
    for _ in range(3):
        response = app(make_request(body))
        assert isinstance(response, HttpResponse)
        statuses.append(response.status)
        waits.append(response.headers.get("retry-after"))
        if response.status == 429:
            assert response.headers["anthropic-ratelimit-requests-remaining"] == "0"
            clock.advance(60)
    assert (statuses, waits) == ([200, 429, 200], [None, "60", None])


def _with_fault(ask: Ask, body: JsonObject, fault: str) -> HttpResponse:
    return ask(body, headers={"x-l9gate-fault": fault})


@pytest.mark.parametrize(
    ("status", "error_type"),
    [(429, "rate_limit_error"), (500, "api_error"), (504, "timeout_error"), (503, "api_error"),
     (529, "overloaded_error"), (402, "billing_error"), (403, "permission_error")],
)  # fmt: skip
def test_a_status_comes_with_its_type(
    ask: Ask, body: JsonObject, status: int, error_type: str
) -> None:
    """L1-04."""
    response = _with_fault(
        ask, body, f"status={status},retry-after=30,error_code=x,should_retry=true"
    )
    assert (response.status, _fault(response)) == (status, ApiFault(error_type, "x"))
    assert response.headers["retry-after"] == "30"
    assert response.headers["x-should-retry"] == "true"


@pytest.mark.parametrize("path", ["/v1/messages/count_tokens", "/v1/models"])
def test_every_endpoint_takes_a_status(ask: Ask, body: JsonObject, path: str) -> None:
    method = "GET" if path == "/v1/models" else "POST"
    response = ask(body, path, method=method, headers={"x-l9gate-fault": "status=529"})
    assert response.status == 529


def test_an_unknown_fault_is_refused_by_name(ask: Ask, body: JsonObject) -> None:
    response = _with_fault(ask, body, "status=529,bogus")
    assert response.status == 400
    assert "`bogus`" in str(_json(response))


@pytest.mark.parametrize(
    ("fault", "stop_reason", "blocks"),
    [
        ("empty", "end_turn", 0),
        ("stop_reason=refusal", "refusal", 0),
        ("stop_reason=max_tokens", "max_tokens", 1),
    ],
)
def test_an_answer_may_end_for_another_reason(
    ask: Ask, body: JsonObject, fault: str, stop_reason: str, blocks: int
) -> None:
    """L1-04."""
    message = _json(_with_fault(ask, body, fault))
    assert isinstance(message["content"], list)
    assert (message["stop_reason"], len(message["content"])) == (stop_reason, blocks)


def test_the_text_may_be_broken_json(ask: Ask, body: JsonObject) -> None:
    content = _json(_with_fault(ask, body, "invalid_json_text"))["content"]
    assert isinstance(content, list)
    assert isinstance(content[0], dict)
    with pytest.raises(msgspec.DecodeError):
        msgspec.json.decode(str(content[0]["text"]))


def test_a_malformed_body_is_no_json(ask: Ask, body: JsonObject) -> None:
    response = _with_fault(ask, body, "malformed")
    assert isinstance(response.body, bytes)
    assert (response.status, parse_object(response.body)) == (200, None)


def test_without_a_stream_an_error_event_is_an_error(ask: Ask, body: JsonObject) -> None:
    assert _with_fault(ask, body, "error_event=overloaded_error").status == 529


def test_a_cut_body_promises_more_than_it_gives(ask: Ask, body: JsonObject) -> None:
    response = _with_fault(ask, body, "cut_body")
    length = int(response.headers["content-length"])
    assert len(asyncio.run(_read(response))) < length


def test_pace_and_delay_pass_before_the_answer(make_request: Make, body: JsonObject) -> None:
    slept_s: list[float] = []

    async def sleep(seconds: float) -> None:
        slept_s.append(seconds)

    async def play() -> None:
        app = SimulatorApp(SimulatorConfig(), ManualClock(), sleep)
        for headers in ({}, {"x-l9gate-fault": "delay_s=20"}):
            answer = app(make_request(body, headers=headers))
            assert not isinstance(answer, HttpResponse)
            assert (await answer).status == 200
        streamed = app(make_request({**body, "stream": True}))
        assert not isinstance(streamed, HttpResponse)
        await _read(await streamed)

    asyncio.run(play())
    assert 0.1 < slept_s[0] < 1
    assert 20.1 < slept_s[1] < 21
    assert len(slept_s) > 10


def test_commands_set_a_fault_until_the_next(ask: Ask, body: JsonObject) -> None:
    def command(text: bytes, **options: str) -> HttpResponse:
        return ask(msgspec.Raw(text), "/_l9gate/fault", drop=("authorization",), **options)

    assert _json(command(b"status=529"))["fault"] == "status=529"
    assert ask(body).status == 529
    assert command(b"bogus").status == 400
    assert ask(body).status == 529
    assert _json(command(b""))["fault"] is None
    assert ask(body).status == 200
    assert command(b"", method="GET").status == 405


def test_commands_may_be_switched_off(make_request: Make) -> None:
    app = SimulatorApp(SimulatorConfig(), takes_commands=False)
    response = app(make_request(None, "/_l9gate/fault"))
    assert isinstance(response, HttpResponse)
    assert response.status == 404


def test_rules_hit_the_requests_they_name(make_request: Make, body: JsonObject) -> None:
    rule = FaultRule(fault="status=500", nth=2, model="claude-haiku-5-5")
    app = SimulatorApp(SimulatorConfig(load_factor=0, rules=(rule,)), ManualClock())
    answers = [app(make_request(body)) for _ in range(3)]
    assert [a.status for a in answers if isinstance(a, HttpResponse)] == [200, 500, 200]
    assert app.requests_seen == 3


def test_rules_read_what_is_encoded(make_request: Make, body: JsonObject) -> None:
    rule = FaultRule(fault="status=500", model="claude-haiku-5-5", contains="opens a file")
    app = SimulatorApp(SimulatorConfig(load_factor=0, rules=(rule,)), ManualClock())
    statuses = []
    for data in (gzip.compress(msgspec.json.encode(body)), b"no gzip"):
        request = make_request(headers={"content-encoding": "gzip"})
        request.body = data
        answer = app(request)
        assert isinstance(answer, HttpResponse)
        statuses.append(answer.status)
    assert statuses == [500, 400]


def test_bytes_that_are_no_request_are_refused_in_the_envelope(app: SimulatorApp) -> None:
    response = app.refuse(413, "too long")
    assert _fault(response) == ApiFault("request_too_large")
    assert response.headers["x-l9gate-origin"] == "simulated"


@pytest.mark.parametrize("factor", [-1.0, float("nan"), float("inf")])
def test_a_load_factor_that_cannot_be_meant_is_refused(factor: float) -> None:
    with pytest.raises(PlanError, match="load factor"):
        SimulatorConfig(load_factor=factor)


def test_keys_do_not_show() -> None:
    assert "sk-secret" not in repr(SimulatorConfig(keys=frozenset({"sk-secret"})))


def test_counting_says_what_was_counted_before_context_was_managed(
    ask: Callable[..., HttpResponse], body: JsonObject
) -> None:
    """15: a field of a beta."""
    asked = {name: body[name] for name in ("model", "messages")} | {"context_management": {}}
    headers = {"anthropic-beta": "context-management-2025-06-27"}
    response = ask(asked, "/v1/messages/count_tokens", headers=headers)
    assert isinstance(response.body, bytes)
    counted = msgspec.json.decode(response.body)
    assert counted["context_management"] == {"original_input_tokens": counted["input_tokens"]}

"""Who and what gets past the door: keys, encodings, sizes and profiles, on the whole simulator."""

import gzip
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec
import pytest

from l9gate.measure.clock import ManualClock
from l9gate.net.http import HttpRequest, HttpResponse
from l9gate.simulator.app import SimulatorApp
from l9gate.simulator.config import SimulatorConfig
from l9gate.simulator.keys import Key, KeyRing
from l9gate.simulator.limits import Tier
from l9gate.simulator.profiles import Strictness
from l9gate.wire.json import Json, JsonObject

SECRET = "sk-secret-1"
MakeRequest = Callable[..., HttpRequest]


def answer(app: SimulatorApp, request: HttpRequest) -> tuple[HttpResponse, dict[str, Json]]:
    response = app(request)
    assert isinstance(response, HttpResponse)
    assert isinstance(response.body, bytes)
    decoded = msgspec.json.decode(response.body)
    assert isinstance(decoded, dict)
    return response, decoded


def app_for(clock: ManualClock, strictness: Strictness = "strict", **fields: Json) -> SimulatorApp:
    """Return a simulator that knows one key, or every one."""
    keys = None
    if fields:
        keys = KeyRing.from_tables({"key": [{"value": SECRET, **fields}]})
    return SimulatorApp(SimulatorConfig(load_factor=0, keys=keys, strictness=strictness), clock)


@pytest.mark.parametrize(
    ("state", "path", "status"),
    [
        ("revoked", "/v1/messages", 401),
        ("forbidden", "/v1/messages", 403),
        ("forbidden", "/v1/models", 403),
        ("out_of_credit", "/v1/messages", 402),
        ("out_of_credit", "/v1/messages/count_tokens", 200),
        ("out_of_credit", "/v1/models", 200),
        ("spend_limit", "/v1/messages", 400),
        ("monthly_cap", "/v1/messages", 429),
    ],
)
def test_a_key_may_do_what_its_state_allows(
    make_request: MakeRequest,
    clock: ManualClock,
    body: JsonObject,
    state: str,
    path: str,
    status: int,
) -> None:
    """L2-07."""
    if path.endswith("count_tokens"):
        body.pop("max_tokens")
    method = "GET" if path == "/v1/models" else "POST"
    request = make_request(body, path, method=method, headers={"x-api-key": SECRET})
    response, _ = answer(app_for(clock, state=state), request)
    assert response.status == status
    assert "retry-after" not in response.headers
    assert ("anthropic-workspace-id" in response.headers) == (state != "revoked")


def test_a_key_has_its_own_organization_workspace_and_models(
    make_request: MakeRequest, clock: ManualClock, body: JsonObject
) -> None:
    app = app_for(
        clock, organization="org-7", workspace="wrkspc_7", models=["claude-opus-4-5-20251101"]
    )
    headers = {"x-api-key": SECRET}
    response, found = answer(app, make_request(body, headers=headers))
    assert (response.status, found["error"]["message"]) == (404, "model: claude-haiku-5-5")  # type: ignore[index,call-overload]
    assert response.headers["anthropic-organization-id"] == "org-7"
    assert response.headers["anthropic-workspace-id"] == "wrkspc_7"
    allowed = make_request({**body, "model": "claude-opus-4-5"}, headers=headers)
    assert answer(app, allowed)[0].status == 200


def test_keys_of_two_organizations_have_their_own_limits(
    make_request: MakeRequest, clock: ManualClock, body: JsonObject
) -> None:
    ring = KeyRing(
        [
            Key(name="a", value="sk-a", organization="a", limits=Tier(requests_per_min=1)),
            Key(name="b", value="sk-b", organization="b"),
        ]
    )
    app = SimulatorApp(SimulatorConfig(load_factor=0, keys=ring), clock)
    asked = ["sk-a", "sk-a", "sk-b"]
    statuses = [
        answer(app, make_request(body, headers={"x-api-key": key}))[0].status for key in asked
    ]
    assert statuses == [200, 429, 200]


def test_a_key_expires_while_the_simulator_runs(
    make_request: MakeRequest, body: JsonObject
) -> None:
    ends = datetime(2026, 12, 1, tzinfo=UTC)
    ring = KeyRing([Key(name="a", value=SECRET, expires_at=ends)])
    config = SimulatorConfig(load_factor=0, keys=ring)
    request = make_request(body, headers={"x-api-key": SECRET})
    statuses = [
        answer(SimulatorApp(config, ManualClock(ends.timestamp() + late_s)), request)[0].status
        for late_s in (-1, 1)
    ]
    assert statuses == [200, 401]


def test_an_encoded_body_is_read(
    make_request: MakeRequest, clock: ManualClock, body: JsonObject
) -> None:
    request = make_request(headers={"content-encoding": "gzip"})
    request.body = gzip.compress(msgspec.json.encode(body))
    assert answer(app_for(clock), request)[0].status == 200


@pytest.mark.parametrize(
    ("encoding", "data", "status", "code"),
    [
        ("br", b"x", 400, "request_body_encoding_unsupported"),
        ("gzip", b"x", 400, "request_body_encoding_invalid"),
        ("gzip", b"", 400, "request_body_encoding_invalid"),
    ],
)
def test_a_body_that_cannot_be_decoded_is_refused_with_its_code(
    make_request: MakeRequest,
    clock: ManualClock,
    encoding: str,
    data: bytes,
    status: int,
    code: str,
) -> None:
    request = make_request(headers={"content-encoding": encoding})
    request.body = data
    response, found = answer(app_for(clock), request)
    assert response.status == status
    assert found["error"]["details"] == {"error_code": code}  # type: ignore[index,call-overload]


def test_an_image_that_is_too_wide_is_named(
    make_request: MakeRequest, clock: ManualClock, body: JsonObject
) -> None:
    gif = "R0lGODlhQR9AHw=="  # 8001 x 8000
    source: JsonObject = {"type": "base64", "media_type": "image/gif", "data": gif}
    body["messages"] = [{"role": "user", "content": [{"type": "image", "source": source}]}]
    response, found = answer(app_for(clock), make_request(body))
    assert response.status == 400
    assert found["error"]["details"] == {  # type: ignore[index,call-overload]
        "error_code": "image_dimensions_too_large",
        "max_side_length_pixels": 8000,
        "paths": ["messages.0.content.0"],
    }


def test_fields_of_betas_come_with_a_beta(
    make_request: MakeRequest, clock: ManualClock, body: JsonObject
) -> None:
    body["context_management"] = {"edits": []}
    headers = {"anthropic-beta": "context-management-2025-06-27"}
    app = app_for(clock)
    statuses = [answer(app, make_request(body, headers=given))[0].status for given in ({}, headers)]
    assert statuses == [400, 200]


def test_leniently_any_model_answers_under_its_name(
    make_request: MakeRequest, clock: ManualClock, body: JsonObject
) -> None:
    app = app_for(clock, "lenient")
    request = make_request({**body, "model": "string"}, headers={"anthropic-beta": "string"})
    response, found = answer(app, request)
    assert (response.status, found["model"]) == (200, "string")
    response, found = answer(app, make_request(path="/v1/models/string", method="GET"))
    assert (response.status, found["id"]) == (200, "string")
    response, _ = answer(app, make_request({**body, "zzz": 1}))
    assert response.status == 400


def test_the_door_comes_before_the_body(
    make_request: MakeRequest, clock: ManualClock, body: JsonObject
) -> None:
    """Each request breaks all the rules that come later, too."""
    app = app_for(clock, state="out_of_credit")
    key = {"x-api-key": SECRET}
    wrong = {"anthropic-version": "1999-01-01"}
    asked = [
        make_request({}, "/nowhere", headers=wrong, drop=("authorization",)),
        make_request({}, "/nowhere", headers=key | wrong),
        make_request({}, method="PUT", headers=key | wrong),
        make_request({}, headers=key | wrong),
        make_request({}, headers=key),
    ]
    assert [answer(app, request)[0].status for request in asked] == [401, 404, 405, 400, 402]
    assert answer(app_for(clock), make_request({**body, "zzz": 1, "model": "x"}))[0].status == 400

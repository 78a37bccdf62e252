"""X-04: what expires does so within a soak's minutes, and nothing else goes faster."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from l9gate.errors import PlanError
from l9gate.measure.clock import ManualClock
from l9gate.net.http import HttpRequest, HttpResponse
from l9gate.simulator.app import SimulatorApp
from l9gate.simulator.config import SimulatorConfig
from l9gate.simulator.keys import Key, KeyRing
from l9gate.simulator.limits import Tier
from l9gate.wire.json import JsonObject

MakeRequest = Callable[..., HttpRequest]
TOKEN = "Bearer sk-ant-oat01-first"


def app_with(clock: ManualClock, **options: object) -> SimulatorApp:
    return SimulatorApp(SimulatorConfig(load_factor=0, **options), clock)  # type: ignore[arg-type]


def answer(app: SimulatorApp, request: HttpRequest) -> HttpResponse:
    found = app(request)
    assert isinstance(found, HttpResponse)
    return found


def text_of(response: HttpResponse) -> str:
    assert isinstance(response.body, bytes)
    return response.body.decode()


def metric(app: SimulatorApp, make_request: MakeRequest, name: str) -> str:
    text = text_of(answer(app, make_request(path="/metrics", method="GET")))
    return next(line for line in text.splitlines() if line.startswith(f"l9gate_simulator_{name} "))


def test_a_cached_prompt_lives_a_twelfth_of_five_minutes(
    clock: ManualClock, make_request: MakeRequest, body: JsonObject
) -> None:
    app = app_with(clock, time_factor=12)
    system = [{"type": "text", "text": "word " * 5_000, "cache_control": {"type": "ephemeral"}}]
    request = make_request(body | {"system": system})
    reads = []
    for wait_s in (0, 24, 24, 26):
        clock.advance(wait_s)
        text = text_of(answer(app, request))
        reads.append('"cache_read_input_tokens":0' not in text.replace(" ", ""))
    assert reads == [False, True, True, False]
    assert metric(app, make_request, "cache_expired_total").endswith(" 1")
    assert metric(app, make_request, "cache_lifetimes").endswith(" 1.92")  # 48 of 25 seconds


def test_an_access_token_expires_after_its_first_use(
    clock: ManualClock, make_request: MakeRequest, body: JsonObject
) -> None:
    app = app_with(clock, time_factor=60, token_lifetime_s=3_600)
    request = make_request(body, headers={"authorization": TOKEN})
    request.shares_headers = True  # as of a client that keeps its connection
    statuses = []
    for wait_s in (30, 59, 1, 1):
        clock.advance(wait_s)
        statuses.append(answer(app, request).status)
        if wait_s == 59:
            assert metric(app, make_request, "token_lifetimes").endswith(" 0.983333")
    assert statuses == [200, 200, 401, 401]
    renewed = make_request(body, headers={"authorization": "Bearer sk-ant-oat01-second"})
    assert answer(app, renewed).status == 200
    assert metric(app, make_request, "tokens_expired_total").endswith(" 1")


def test_other_keys_and_open_ended_tokens_do_not_expire(
    clock: ManualClock, make_request: MakeRequest, body: JsonObject
) -> None:
    limited = app_with(clock, time_factor=60, token_lifetime_s=3_600)
    endless = app_with(clock, time_factor=60)
    for app, headers in ((limited, {}), (endless, {"authorization": TOKEN})):
        request = make_request(body, headers=headers)
        statuses = []
        for _ in range(2):
            statuses.append(answer(app, request).status)
            clock.advance(7_200)
        assert statuses == [200, 200]


def test_what_nobody_uses_has_no_lifetime_yet(
    clock: ManualClock, make_request: MakeRequest, body: JsonObject
) -> None:
    app = app_with(clock, time_factor=60, token_lifetime_s=3_600)
    answer(app, make_request(body))
    text = text_of(answer(app, make_request(path="/metrics", method="GET")))
    assert "cache_expired_total 0" in text
    assert "lifetimes" not in text


def test_a_key_with_an_end_meets_it_earlier(
    clock: ManualClock, make_request: MakeRequest, body: JsonObject
) -> None:
    ends = datetime.fromtimestamp(clock.now_s() + 3_600, UTC)
    ring = KeyRing([Key(name="a", value="sk-a-long", expires_at=ends)])
    app = app_with(clock, time_factor=60, keys=ring)
    request = make_request(body, headers={"authorization": "Bearer sk-a-long"})
    statuses = []
    for _ in range(2):
        statuses.append(answer(app, request).status)
        clock.advance(61)
    assert statuses == [200, 401]


def test_limits_keep_real_time(
    clock: ManualClock, make_request: MakeRequest, body: JsonObject
) -> None:
    left = []
    for factor in (1, 60):
        app = app_with(clock, time_factor=factor, tier=Tier(requests_per_min=60))
        for _ in range(3):
            headers = answer(app, make_request(body)).headers
            clock.advance(0.25)
        left.append(headers["anthropic-ratelimit-requests-remaining"])
    assert left == ["58", "58"]


def test_time_does_not_stand_still() -> None:
    with pytest.raises(PlanError, match="time factor 0"):
        SimulatorConfig(time_factor=0)

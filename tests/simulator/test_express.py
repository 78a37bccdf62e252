"""What is answered on the express is answered as on the usual way, byte for byte."""

from collections.abc import Callable, Coroutine

import msgspec
import pytest

from l9gate.measure.clock import ManualClock
from l9gate.net.http import HttpRequest, HttpResponse, render_head
from l9gate.simulator.app import SimulatorApp
from l9gate.simulator.config import SimulatorConfig
from l9gate.simulator.keys import Key, KeyRing
from l9gate.simulator.limits import Tier
from l9gate.simulator.rules import FaultRule
from l9gate.wire.json import Json, JsonObject

Make = Callable[..., HttpRequest]
FEW = Tier(requests_per_min=12, input_tokens_per_min=40_000, output_tokens_per_min=900)
LISTED = Key(name="%s", value="sk-test-1", organization="a%b", workspace="wrkspc_9", limits=FEW)
ONLY_HAIKU = Key(name="a", value="sk-test-1", models=("claude-haiku-5-5",))


def _ask(app: SimulatorApp, request: HttpRequest) -> tuple[HttpResponse, bytes]:
    answer = app(request)
    assert isinstance(answer, HttpResponse)
    return answer, render_head(answer, keep_alive=True)


def _bodies(body: JsonObject) -> list[JsonObject]:
    said: list[Json] = [{"role": "user", "content": "50 % of ümläut"}]
    return [
        body, body, body,
        {**body, "messages": said, "system": "Be brief."},
        {**body, "messages": [{"role": "user", "content": "Say exactly: no"}]},
        {**body, "max_tokens": 1},
        {**body, "max_tokens": 0},
        {**body, "model": "claude-2"},
        {**body, "model": "claude-opus-5-5"},
        {**body, "extra": 1},
        *[body] * 9,  # more than the limits let through
    ]  # fmt: skip


def _is_express(answer: HttpResponse) -> bool:
    return answer.head is not None


@pytest.mark.parametrize("keys", [None, KeyRing([LISTED]), KeyRing([ONLY_HAIKU])])
def test_a_remembered_head_changes_no_answer_no_limit_no_visit_and_no_counter(
    make_request: Make, body: JsonObject, keys: KeyRing | None
) -> None:
    clock = ManualClock()
    config = SimulatorConfig(load_factor=0, tier=FEW, keys=keys)
    apps = short, usual = SimulatorApp(config, clock), SimulatorApp(config, clock)
    headers = make_request(headers={"x-stainless-retry-count": "1", "user-agent": "me"}).headers
    for data in map(msgspec.json.encode, _bodies(body)):
        clock.advance(0.7)
        requests = [
            HttpRequest(
                method="POST", path="/v1/messages", query="", headers=headers, body=data,
                connection=3, shares_headers=is_shared,
            )
            for is_shared in (True, False)
        ]  # fmt: skip
        (answer, head), (same, same_head) = map(_ask, apps, requests)
        assert (answer.status, answer.headers, answer.body) == (
            same.status, same.headers, same.body,
        )  # fmt: skip
        assert list(answer.headers) == list(same.headers)
        assert head == same_head
        assert short.witness.metrics.render() == usual.witness.metrics.render()
    assert short.witness.render() == usual.witness.render()


def _answers(app: SimulatorApp, request: HttpRequest, times: int = 5) -> list[bool]:
    request.shares_headers = True
    return [_is_express(_ask(app, request)[0]) for _ in range(times)]


def test_the_express_is_taken_once_the_head_and_the_answer_are_known(
    make_request: Make, body: JsonObject, app: SimulatorApp
) -> None:
    assert _answers(app, make_request(body)) == [False, False, True, True, True]


def test_a_closed_connection_gets_a_head_of_its_own(
    make_request: Make, body: JsonObject, app: SimulatorApp
) -> None:
    request = make_request(body)
    assert _answers(app, request)[-1]
    answer, head = _ask(app, request)
    assert b"connection: close" not in head
    assert b"\r\nconnection: close\r\n" in render_head(answer, keep_alive=False)


@pytest.mark.parametrize(
    "config",
    [
        SimulatorConfig(load_factor=0, rules=(FaultRule(fault="status=529", nth=99),)),
        SimulatorConfig(load_factor=0, answer=lambda _: None),
        SimulatorConfig(load_factor=0, keys=KeyRing([ONLY_HAIKU])),
    ],
)
def test_who_is_told_something_special_takes_the_usual_way(
    make_request: Make, body: JsonObject, clock: ManualClock, config: SimulatorConfig
) -> None:
    assert not any(_answers(SimulatorApp(config, clock), make_request(body)))


def test_who_has_to_wait_takes_the_usual_way(
    make_request: Make, body: JsonObject, clock: ManualClock
) -> None:
    app, request = SimulatorApp(SimulatorConfig(), clock), make_request(body)
    request.shares_headers = True
    for _ in range(5):
        answer = app(request)
        assert isinstance(answer, Coroutine)
        answer.close()


@pytest.mark.parametrize("name", ["x-l9gate-fault", "anthropic-beta", "content-encoding"])
def test_who_sends_a_special_header_takes_the_usual_way(
    make_request: Make, body: JsonObject, app: SimulatorApp, name: str
) -> None:
    assert _answers(app, make_request(body))[-1]
    assert not any(_answers(app, make_request(body, headers={name: ""})))


def test_a_fault_that_is_set_later_meets_everybody(
    make_request: Make, body: JsonObject, app: SimulatorApp
) -> None:
    request = make_request(body)
    assert _answers(app, request)[-1]
    app.set_fault("status=503")
    assert _ask(app, request)[0].status == 503
    app.set_fault(None)
    assert _answers(app, request, 1) == [True]


def test_what_may_repeat_a_broken_stream_is_looked_at(
    make_request: Make, body: JsonObject, app: SimulatorApp
) -> None:
    request = make_request(body)
    assert _answers(app, request)[-1]
    fault = {"x-l9gate-fault": "cut_after_events=6"}
    _ask(app, make_request({**body, "stream": True}, headers=fault))
    assert _answers(app, request, 1) == [False]

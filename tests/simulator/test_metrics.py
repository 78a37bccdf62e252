"""Counters of a simulator."""

import asyncio
from collections.abc import Callable

import pytest

from l9gate.measure.clock import ManualClock
from l9gate.net.http import Ending, HttpRequest, HttpResponse, Timetable
from l9gate.simulator.app import SimulatorApp
from l9gate.simulator.config import SimulatorConfig
from l9gate.simulator.metrics import Metrics, route_of
from l9gate.wire.json import JsonObject


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/v1/messages", "/v1/messages"),
        ("/v1/messages/count_tokens", "/v1/messages/count_tokens"),
        ("/v1/messages/batches/msgbatch_1/results", "/v1/messages/batches/ID"),
        ("/v1/models/claude-x", "/v1/models/ID"),
        ("/anything", "other"),
    ],
)
def test_paths_are_counted_by_route(path: str, route: str) -> None:
    assert route_of(path) == route


def test_counters_are_rendered_for_prometheus() -> None:
    metrics = Metrics()
    metrics.requests["/v1/messages", 529, "status"] += 2
    metrics.left["/v1/messages"] += 1
    metrics.streams_open, metrics.received_bytes, metrics.sent_bytes = 1, 20, 30
    metrics.limits = {
        "anthropic-ratelimit-requests-limit": "50", "anthropic-ratelimit-requests-remaining": "49",
    }  # fmt: skip
    lines = metrics.render().splitlines()
    assert {
        'l9gate_simulator_requests_total{path="/v1/messages",status="529",fault="status"} 2',
        'l9gate_simulator_left_total{path="/v1/messages"} 1',
        "l9gate_simulator_streams_open 1",
        "l9gate_simulator_received_bytes_total 20",
        "l9gate_simulator_sent_bytes_total 30",
        'l9gate_simulator_bucket_limit{bucket="requests"} 50',
        'l9gate_simulator_bucket_remaining{bucket="requests"} 49',
        "# TYPE l9gate_simulator_requests_total counter",
    } <= set(lines)
    assert len(lines) == len(set(lines))


async def _read(response: HttpResponse) -> bytes:
    assert not isinstance(response.body, bytes)
    return b"".join([piece async for piece in response.body if isinstance(piece, bytes)])


@pytest.mark.parametrize("fault", ["done_event", "close_after_events=4", "cut_inside_event=3"])
@pytest.mark.parametrize("is_stream", [False, True])
def test_bytes_of_a_body_that_a_fault_breaks_are_counted(
    app: SimulatorApp,
    make_request: Callable[..., HttpRequest],
    body: JsonObject,
    fault: str,
    is_stream: bool,
) -> None:
    request = make_request({**body, "stream": is_stream}, headers={"x-l9gate-fault": fault})
    response = app(request)
    assert isinstance(response, HttpResponse)
    is_whole = isinstance(response.body, bytes)
    data = response.body if isinstance(response.body, bytes) else asyncio.run(_read(response))
    assert app.witness.metrics.sent_bytes == len(data) > 0
    assert is_whole == (fault == "done_event" and not is_stream)


@pytest.mark.parametrize("how", Ending)
def test_bytes_of_a_stream_that_nothing_breaks_are_counted_at_its_end(
    make_request: Callable[..., HttpRequest], body: JsonObject, how: Ending
) -> None:
    clock = ManualClock()

    async def sleep(seconds: float) -> None:
        clock.advance(seconds)

    app = SimulatorApp(SimulatorConfig(), clock, sleep)

    async def ask() -> HttpResponse:
        answer = app(make_request({**body, "stream": True}))
        return answer if isinstance(answer, HttpResponse) else await answer

    response = asyncio.run(ask())
    assert isinstance(response.body, Timetable)
    assert response.on_end is not None
    pieces, due_s = response.body.pieces, response.body.due_s
    clock.advance((due_s[6] + due_s[7]) / 2 - response.body.elapsed_s())
    response.on_end(how)
    sent = pieces if how is Ending.WHOLE else pieces[:7]
    assert app.witness.metrics.sent_bytes == sum(map(len, sent)) > 0

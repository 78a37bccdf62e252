"""The simulator's own paths."""

import asyncio
from collections.abc import Callable

import pytest

from l9gate.measure.clock import ManualClock
from l9gate.net.http import Ending, HttpRequest, HttpResponse
from l9gate.simulator.app import SimulatorApp
from l9gate.simulator.commands import OWN_PATHS
from l9gate.simulator.config import SimulatorConfig
from l9gate.wire.json import JsonObject, parse_object

Ask = Callable[..., HttpResponse]
Make = Callable[..., HttpRequest]


def _journal(ask: Ask) -> JsonObject:
    response = ask(None, "/_l9gate/journal", method="GET", drop=("authorization",))
    assert isinstance(response.body, bytes)
    found = parse_object(response.body)
    assert found is not None
    return found


def test_the_journal_shows_visits_and_conduct(
    ask: Ask, body: JsonObject, clock: ManualClock
) -> None:
    """A retry after 10 ms is no back-off."""
    ask(body, headers={"x-l9gate-fault": "status=529"})
    clock.advance(0.01)
    ask(body)
    found = _journal(ask)
    assert (found["seen"], found["forgotten"]) == (2, 0)
    assert isinstance(found["clients"], list)
    assert isinstance(found["clients"][0], dict)
    wrongs = found["clients"][0]["misconduct"]
    assert isinstance(wrongs, list)
    assert [one["misdeed"] for one in wrongs if isinstance(one, dict)] == ["no_backoff"]
    assert isinstance(found["visits"], list)
    assert [v["status"] for v in found["visits"] if isinstance(v, dict)] == [529, 200]
    assert [v["fault"] for v in found["visits"] if isinstance(v, dict)] == ["status", ""]


def test_metrics_are_text(ask: Ask, body: JsonObject) -> None:
    ask(body)
    response = ask(None, "/metrics", method="GET", drop=("authorization",))
    assert response.headers["content-type"].startswith("text/plain")
    assert isinstance(response.body, bytes)
    text = response.body.decode()
    assert 'requests_total{path="/v1/messages",status="200",fault=""} 1' in text
    assert 'bucket_remaining{bucket="requests"}' in text


@pytest.mark.parametrize("path", OWN_PATHS)
def test_every_path_has_one_method(ask: Ask, path: str) -> None:
    assert ask(None, path, method="PUT").status == 405


def test_without_commands_only_metrics_are_shown(make_request: Make) -> None:
    app = SimulatorApp(SimulatorConfig(), takes_commands=False)
    statuses = {}
    for path in OWN_PATHS:
        response = app(make_request(None, path, method=OWN_PATHS[path]))
        assert isinstance(response, HttpResponse)
        statuses[path] = response.status
    assert statuses == {"/_l9gate/fault": 404, "/_l9gate/journal": 404, "/metrics": 200}


def test_the_end_of_a_stream_is_noted(
    app: SimulatorApp, make_request: Make, body: JsonObject, clock: ManualClock
) -> None:
    response = app(make_request({**body, "stream": True}))
    assert isinstance(response, HttpResponse)
    assert response.on_end is not None
    assert app.witness.metrics.streams_open == 1
    clock.advance(3)
    response.on_end(Ending.WHOLE)
    (visit,) = app.witness.journal.visits
    assert visit.ended_s == visit.at_s + 3
    assert app.witness.metrics.streams_open == 0
    assert app.witness.metrics.sent_bytes > 100


def test_a_client_that_leaves_is_noted(make_request: Make, body: JsonObject) -> None:
    async def sleep(_: float) -> None:
        await asyncio.Event().wait()

    async def play() -> SimulatorApp:
        app = SimulatorApp(SimulatorConfig(), sleep=sleep)
        answer = app(make_request(body))
        assert not isinstance(answer, HttpResponse)
        waiting = asyncio.ensure_future(answer)
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        return app

    app = asyncio.run(play())
    assert app.witness.journal.visits[0].end == "left"
    assert app.witness.metrics.left == {"/v1/messages": 1}

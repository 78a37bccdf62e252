"""Ids that a service tells a test."""

from collections.abc import Mapping

import httpx2
import pytest

from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import Layer, Mention
from l9gate.measure.clock import ManualClock
from l9gate.observe.attribution import Owner, owned_by
from l9gate.observe.mentions import MentionHandler
from l9gate.observe.origins import Target
from l9gate.observe.recorder import Outbox
from l9gate.observe.watch import Stop

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
OWNER = Owner("test_a", Layer.INTEGRATION)


def told(
    headers: Mapping[str, str], url: str = "http://shop.example.com/search"
) -> list[tuple[str | None, str | None, float | None]]:
    clock, log = ManualClock(100.0), MemoryLog()
    target = Target("api.example.com", proof_header="x-gateway-id", proxy="127.0.0.1:8701")
    handler = MentionHandler(Outbox(log, clock), clock, target)
    with owned_by(OWNER):
        watch = handler.begin(httpx2.Request("GET", url))
    if watch is not None:
        clock.advance(1.0)
        watch.answered(httpx2.Response(200, headers=dict(headers)))
        watch.received(b"{}")
        watch.ended(Stop.READ)
    found = list(log.of(Mention))
    assert all((one.owner, one.layer) == ("test_a", Layer.INTEGRATION) for one in found)
    return [(one.request_id, one.trace_id, one.since_s) for one in found]


def test_ids_in_the_headers_of_an_answer_are_noted() -> None:
    assert told({"request-id": "req_1"}) == [("req_1", None, 100.0)]
    assert told({"X-Request-Id": "a", "x-gateway-id": "b"}) == [("b", None, 100.0)]
    assert told({"traceparent": PARENT}) == [(None, TRACE, 100.0)]


def test_an_answer_without_any_is_passed_over() -> None:
    assert told({"content-type": "text/plain", "traceparent": "x"}) == []


@pytest.mark.parametrize("host", ["https://api.example.com", "http://127.0.0.1:8701"])
def test_answers_of_the_api_need_no_mention(host: str) -> None:
    assert told({"request-id": "req_1"}, f"{host}/v1/messages") == []

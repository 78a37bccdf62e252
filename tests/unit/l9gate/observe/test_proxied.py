"""Calls through the run's own proxy are those to the declared endpoint, and seen once."""

import httpx2
import pytest

from l9gate.evidence.records import End, Origin
from l9gate.measure.clock import ManualClock
from l9gate.observe import sockets
from l9gate.observe.exchange import ExchangeTrace
from l9gate.observe.origins import Origins, Target
from l9gate.observe.proxied import labelled, locate, split_label
from l9gate.observe.views import Request, Url
from l9gate.observe.watch import Stop

PROXY = "127.0.0.1:8701"
TARGET = Target("api.example.com", proxy=PROXY)
MARK = "x-l9gate-exchange"


class Stream:
    def get_extra_info(self, info: str) -> object:
        return ("127.0.0.1", 8701) if info == "server_addr" else None


def request(host: str = PROXY) -> httpx2.Request:
    url = labelled(f"http://{host}", "gw0") + "/v1/messages"
    return httpx2.Request("POST", url, json={"model": "m"})


@pytest.mark.parametrize(
    ("path", "label", "rest"),
    [
        ("/v1/messages", None, "/v1/messages"),
        ("/.l9gate/gw0/v1/messages?x=1", "gw0", "/v1/messages?x=1"),
        ("/.l9gate/a%20b", "a b", "/"),
    ],
)
def test_a_label_before_the_path_says_who_started_the_sender(
    path: str, label: str | None, rest: str
) -> None:
    assert split_label(path) == (label, rest)


def test_a_request_to_the_proxy_is_marked_and_one_elsewhere_is_not() -> None:
    through, past = request(), request("127.0.0.1:9999")
    assert locate(through, TARGET, "e1") == ("api.example.com", "/v1/messages")
    assert locate(past, TARGET, "e2") == ("127.0.0.1:9999", "/.l9gate/gw0/v1/messages")
    assert through.headers[MARK] == "e1"
    assert MARK not in past.headers
    view = Request("GET", Url(f"http://{PROXY}/v1/models"), {})
    assert locate(view, TARGET, "e3") == ("api.example.com", "/v1/models")
    assert view.headers[MARK] == "e3"


def test_an_answer_through_the_proxy_is_one_of_the_declared_endpoint() -> None:
    sent = request()
    trace = ExchangeTrace(sent, ManualClock(), Origins(TARGET))
    sockets.note_connect(("127.0.0.1", 8701))
    stream = httpx2.ByteStream(b"")
    response = httpx2.Response(200, stream=stream, extensions={"network_stream": Stream()})
    trace.answered(response)
    assert trace.close(Stop.CLOSED)
    found = trace.record()
    assert (found.origin, found.host) == (Origin.LIVE, "api.example.com")
    assert found.exchange_id == sent.headers[MARK]


def test_what_the_proxy_answers_by_itself_is_no_answer() -> None:
    trace = ExchangeTrace(request(), ManualClock(), Origins(TARGET))
    sockets.note_connect(("127.0.0.1", 8701))
    body = httpx2.ByteStream(b"{}")
    trace.answered(httpx2.Response(502, headers={"x-l9gate-unserved": "true"}, stream=body))
    assert trace.close(Stop.READ)
    found = trace.record()
    assert (found.end, found.status, found.error_type) == (End.UNREACHABLE, None, "connection")

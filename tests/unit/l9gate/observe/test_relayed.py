"""What a proxy hands to the observer."""

import pytest

from l9gate.evidence.records import End, Origin, Witness
from l9gate.measure.clock import ManualClock
from l9gate.observe import relayed, sockets
from l9gate.observe.exchange import ExchangeTrace
from l9gate.observe.origins import Origins, Target
from l9gate.observe.relayed import RelayedRequest, RelayedResponse, RelayedUrl
from l9gate.observe.watch import Stop
from l9gate.wire.messages import RequestFacts

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
BODY = b'{"model": "m", "stream": true, "messages": ["planted"]}'


def request() -> RelayedRequest:
    headers = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
    url = RelayedUrl(b"api.example.com", "api.example.com", "/v1/messages")
    return RelayedRequest("POST", url, headers)


def test_facts_are_known_once_the_body_is_whole_and_nothing_of_it_is_kept() -> None:
    sent = request()
    for start in range(0, len(BODY), 7):
        sent.received(BODY[start : start + 7])
    sent.ended()
    assert sent.facts == RequestFacts(model="m", stream=True, tools=False, max_tokens=None)
    assert sent.size_bytes == len(BODY)
    assert b"planted" not in sent._copy
    with pytest.raises(RuntimeError):
        _ = sent.content


def test_a_body_beyond_the_bound_is_counted_and_not_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relayed, "MAX_COPY_BYTES", 20)
    sent = request()
    sent.received(BODY)
    assert not sent._copy
    sent.ended()
    assert (sent.facts, sent.size_bytes) == (None, len(BODY))


def test_an_exchange_of_a_proxy_is_live_by_the_socket_that_it_opened() -> None:
    address = ("192.0.2.7", 443)
    sent = request()
    trace = ExchangeTrace(
        sent, ManualClock(), Origins(Target("api.example.com")), witness=Witness.PROXY
    )
    sockets.note_connect(address)
    sent.received(BODY)
    sent.ended()
    response = RelayedResponse(200, {"request-id": "r"}, (*address, 0, 0))
    with pytest.raises(RuntimeError):
        _ = response.content
    trace.answered(response)
    assert trace.close(Stop.CLOSED)
    found = trace.record()
    assert (found.origin, found.end, found.model) == (Origin.LIVE, End.ABANDONED, "m")
    assert (found.witness, found.trace_id) == (Witness.PROXY, TRACE)
    assert found.request_bytes == len(BODY)


def test_an_answer_over_a_connection_that_nobody_opened_is_no_proof() -> None:
    trace = ExchangeTrace(request(), ManualClock(), Origins(Target("api.example.com")))
    trace.answered(RelayedResponse(200, {"request-id": "r"}, ("192.0.2.9", 443)))
    assert trace.close(Stop.READ)
    found = trace.record()
    assert found.origin is Origin.MOCKED

"""Spans that services export."""

import gzip
import json

import pytest

from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import Fault, Origin, ReportedCall, Signal
from l9gate.measure.clock import ManualClock
from l9gate.net.http import HttpRequest, HttpResponse
from l9gate.observe.origins import Target
from l9gate.observe.recorder import Outbox
from l9gate.proxy import receiver
from l9gate.proxy.receiver import Receiver

JSON = {"content-type": "application/json"}


def export(*attributes: tuple[str, str]) -> bytes:
    pairs = [{"key": name, "value": {"stringValue": text}} for name, text in attributes]
    span = {"traceId": "a" * 32, "spanId": "b" * 16, "name": "search", "attributes": pairs}
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode()


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog()


def post(
    log: MemoryLog, body: bytes, path: str = "/v1/traces", method: str = "POST", **headers: str
) -> HttpResponse:
    clock = ManualClock()
    take = Receiver(Outbox(log, clock), clock, Target("api.example.com"))
    given = JSON | {name.replace("_", "-"): text for name, text in headers.items()}
    return take(HttpRequest(method=method, path=path, query="", headers=given, body=body))


def test_a_span_becomes_a_signal_or_a_call_of_nobody(log: MemoryLog) -> None:
    answer = post(log, export(("l9gate.cache", "hit"), ("planted", "prompt")))
    call = export(
        ("gen_ai.provider.name", "anthropic"),
        ("gen_ai.operation.name", "chat"),
        ("server.address", "api.example.com"),
        ("gen_ai.input.messages", "planted prompt"),
    )
    post(log, call)
    assert (answer.status, answer.body) == (200, b"{}")
    signal, reported = log.records
    assert isinstance(signal, Signal)
    assert isinstance(reported, ReportedCall)
    assert (signal.owner, reported.origin) == (None, Origin.LIVE)
    assert "planted" not in repr(log.records)


def test_a_compressed_export_is_read(log: MemoryLog) -> None:
    body = gzip.compress(export(("l9gate.cache", "hit")))
    assert post(log, body, content_encoding="gzip").status == 200
    assert len(log.records) == 1


def test_a_wrong_attribute_is_a_fault_and_the_export_is_taken(log: MemoryLog) -> None:
    assert post(log, export(("l9gate.cache", "maybe"))).status == 200
    assert [fault.where for fault in log.of(Fault)] == ["proxy.receiver"]


@pytest.mark.parametrize("path", ["/v1/metrics", "/v1/logs"])
def test_what_exporters_send_besides_is_taken_and_not_read(log: MemoryLog, path: str) -> None:
    answer = post(log, b"\xff", path, content_type="application/x-protobuf")
    assert (answer.status, answer.body, log.records) == (200, b"", [])


def test_what_is_no_export_is_refused(log: MemoryLog, monkeypatch: pytest.MonkeyPatch) -> None:
    assert post(log, b"{}", "/").status == 404
    assert post(log, b"{}", method="GET").status == 404
    assert post(log, b"{}", content_type="text/plain").status == 415
    assert post(log, b"{").status == 400
    assert post(log, b"x", content_encoding="gzip").status == 400
    assert post(log, b"x", content_encoding="secret").status == 400
    monkeypatch.setattr(receiver, "_MAX_BODY_BYTES", 10)
    assert post(log, gzip.compress(bytes(100)), content_encoding="gzip").status == 400
    assert log.records == []

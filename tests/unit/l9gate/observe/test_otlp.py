"""Exports of spans, as OpenTelemetry's own exporter writes them."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from l9gate.errors import MalformedBodyError
from l9gate.observe.otlp import JSON, PROTOBUF, parse_spans

# Of opentelemetry-exporter-otlp-proto-http 1.45: one span of 0.5 s with attributes of every type.
EXPORT = bytes.fromhex(
    "0aa2050ad7010a220a1674656c656d657472792e73646b2e6c616e677561676512080a06707974686f6e0a250a"
    "1274656c656d657472792e73646b2e6e616d65120f0a0d6f70656e74656c656d657472790a210a1574656c656d"
    "657472792e73646b2e76657273696f6e12080a06312e34352e320a3d0a13736572766963652e696e7374616e63"
    "652e696412260a2433323331623936652d613832342d346263382d383533342d3065653361333861653434380a"
    "280a0c736572766963652e6e616d6512180a16756e6b6e6f776e5f736572766963653a707974686f6e12c5030a"
    "060a0473686f7012ba030a10879979a02963149df8bd14c53be376441208390dfe4c6bbd7e242a19616e746872"
    "6f7069632e6d657373616765732e63726561746530013900002a36fe9c9717410065f753fe9c97174a230a0e73"
    "65727665722e6164647265737312110a0f6170692e6578616d706c652e636f6d4a120a0b7365727665722e706f"
    "7274120318fb414a1f0a14616e7468726f7069632e726571756573742e696412070a057265715f314a200a1968"
    "7474702e726573706f6e73652e7374617475735f636f6465120318c8014a1b0a1467656e5f61692e7265717565"
    "73742e6d6f64656c12030a016d4a1e0a1567656e5f61692e726573706f6e73652e6d6f64656c12050a036d2d31"
    "4a200a1a67656e5f61692e75736167652e6f75747075745f746f6b656e73120218074a350a1e67656e5f61692e"
    "726573706f6e73652e66696e6973685f726561736f6e7312132a110a0a0a08656e645f7475726e0a030a01784a"
    "120a05726174696f120921000000000000d03f4a160a0c6c39676174652e636163686512060a046d6973734a11"
    "0a0b6c39676174652e6d6f636b120210004a140a0564656c7461120b18fdffffffffffffffff017a0085010001"
    "0000"
)
SPAN = {
    "traceId": "879979A02963149DF8BD14C53BE37644",
    "spanId": "390dfe4c6bbd7e24",
    "name": "anthropic.messages.create",
    "startTimeUnixNano": "1700000000000000000",
    "endTimeUnixNano": 1700000000500000000,
    "kind": 3,
    "attributes": [
        {"key": "server.address", "value": {"stringValue": "api.example.com"}},
        {"key": "server.port", "value": {"intValue": "8443"}},
        {"key": "anthropic.request.id", "value": {"stringValue": "req_1"}},
        {"key": "http.response.status_code", "value": {"intValue": 200}},
        {"key": "gen_ai.request.model", "value": {"stringValue": "m"}},
        {"key": "gen_ai.response.model", "value": {"stringValue": "m-1"}},
        {"key": "gen_ai.usage.output_tokens", "value": {"intValue": "7"}},
        {
            "key": "gen_ai.response.finish_reasons",
            "value": {
                "arrayValue": {"values": [{"stringValue": "end_turn"}, {"stringValue": "x"}]}
            },
        },
        {"key": "ratio", "value": {"doubleValue": 0.25}},
        {"key": "l9gate.cache", "value": {"stringValue": "miss"}},
        {"key": "l9gate.mock", "value": {"boolValue": False}},
        {"key": "delta", "value": {"intValue": "-3"}},
        {"key": "unknown", "value": {"kvlistValue": {}}},
    ],
}


def test_an_export_is_read_as_it_was_meant() -> None:
    (span,) = parse_spans(EXPORT, PROTOBUF)
    assert span.name == "anthropic.messages.create"
    assert (span.trace_id, span.span_id) == (
        "879979a02963149df8bd14c53be37644",
        "390dfe4c6bbd7e24",
    )
    assert span.ended_s - span.started_s == pytest.approx(0.5)
    assert span.attributes == {
        "server.address": "api.example.com",
        "server.port": 8443,
        "anthropic.request.id": "req_1",
        "http.response.status_code": 200,
        "gen_ai.request.model": "m",
        "gen_ai.response.model": "m-1",
        "gen_ai.usage.output_tokens": 7,
        "gen_ai.response.finish_reasons": ("end_turn", "x"),
        "ratio": 0.25,
        "l9gate.cache": "miss",
        "l9gate.mock": False,
        "delta": -3,
    }


def test_json_says_the_same() -> None:
    export = {"resourceSpans": [{"resource": {}, "scopeSpans": [{"spans": [SPAN]}]}]}
    body = json.dumps(export).encode()
    assert parse_spans(body, f"{JSON}; charset=utf-8") == parse_spans(EXPORT, PROTOBUF)
    assert parse_spans(b"{}", JSON) == parse_spans(b"", PROTOBUF) == []


@pytest.mark.parametrize("body", [b"[]", b"{", b'{"resourceSpans": [{"scopeSpans": 1}]}'])
def test_what_is_no_export_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedBodyError):
        parse_spans(body, JSON)


@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=60), cut=st.integers(0, len(EXPORT)))
def test_garbage_gives_spans_or_one_error(data: bytes, cut: int) -> None:
    for body in (data, EXPORT[:cut] + data):
        try:
            found = parse_spans(body, PROTOBUF)
        except MalformedBodyError:
            continue
        assert isinstance(found, list)

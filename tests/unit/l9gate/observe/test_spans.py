"""H-03: what spans say of caches, fallbacks and calls."""

from collections.abc import Mapping

import msgspec
import pytest

from l9gate.evidence.records import CacheState, Layer, Origin, SignalSource
from l9gate.observe.attribution import Owner
from l9gate.observe.origins import Target
from l9gate.observe.spans import Attribute, SpanFacts, call_of, signal_of

TARGET = Target("api.example.com:8443", Origin.SIMULATED, proxy="127.0.0.1:8701")
CALL: dict[str, Attribute] = {
    "gen_ai.provider.name": "anthropic",
    "gen_ai.operation.name": "chat",
    "server.address": "api.example.com",
    "server.port": 8443,
    "anthropic.request.id": "req_1",
    "http.response.status_code": 200,
    "gen_ai.response.model": "m-1",
    "gen_ai.usage.output_tokens": 7,
}


def span(attributes: Mapping[str, Attribute], name: str = "search") -> SpanFacts:
    return SpanFacts(
        name=name,
        trace_id="a" * 32,
        span_id="b" * 16,
        started_s=10.0,
        ended_s=10.5,
        attributes=attributes,
    )


def test_a_span_with_attributes_of_ours_is_a_signal() -> None:
    found = signal_of(
        span({"l9gate.cache": "hit", "l9gate.avoided_input_tokens": 9, "other": "x"}),
        Owner("test_a", Layer.INTEGRATION),
        11.0,
    )
    assert found is not None
    assert (found.operation, found.duration_s, found.cache) == ("search", 0.5, CacheState.HIT)
    assert (found.owner, found.layer, found.avoided_input_tokens) == (
        "test_a",
        Layer.INTEGRATION,
        9,
    )
    assert (found.source, found.span_id) == (SignalSource.SPAN, "a" * 32 + ":" + "b" * 16)


def test_name_and_duration_may_be_given() -> None:
    given: dict[str, Attribute] = {
        "l9gate.operation": "rerank",
        "l9gate.within": "search",
        "l9gate.duration_s": 0.25,
    }
    found = signal_of(span({**given, "l9gate.fallback": "timeout"}), None, 11.0)
    assert found is not None
    assert (found.operation, found.within, found.duration_s) == ("rerank", "search", 0.25)
    assert (found.fallback, found.owner) == ("timeout", None)


def test_a_span_without_them_is_none() -> None:
    assert signal_of(span({"gen_ai.system": "anthropic"}), None, 11.0) is None


@pytest.mark.parametrize("wrong", [{"l9gate.chache": "hit"}, {"l9gate.cache": "maybe"}])
def test_a_wrong_attribute_of_ours_is_an_error(wrong: dict[str, Attribute]) -> None:
    with pytest.raises(msgspec.ValidationError):
        signal_of(span(wrong), None, 11.0)


def test_a_span_of_a_call_tells_what_came_of_it() -> None:
    found = call_of(span(CALL), TARGET, 11.0)
    assert found is not None
    assert (found.request_id, found.status, found.served_model) == ("req_1", 200, "m-1")
    assert (found.origin, found.host) == (Origin.SIMULATED, "api.example.com:8443")
    assert (found.started_s, found.ended_s, found.output_tokens) == (10.0, 10.5, 7)
    assert (found.was_answered, found.succeeded) == (True, True)


@pytest.mark.parametrize(
    ("address", "port", "origin"),
    [
        ("127.0.0.1", 8701, Origin.SIMULATED),  # through the run's own proxy
        ("api.example.com", 443, Origin.OTHER),
        ("::1", 8443, Origin.OTHER),
    ],
)
def test_a_call_counts_only_at_the_declared_endpoint(
    address: str, port: int, origin: Origin
) -> None:
    moved = {**CALL, "server.address": address, "server.port": port}
    found = call_of(span(moved), TARGET, 11.0)
    assert found is not None
    assert found.origin is origin


def test_old_names_and_the_sdks_own_span_are_read() -> None:
    old: dict[str, Attribute] = {
        "gen_ai.system": "anthropic",
        "gen_ai.operation.name": "chat",
        "net.peer.name": "api.example.com",
        "http.status_code": 529,
        "http.response.header.request-id": ("req_2",),
        "error.type": "overloaded_error",
    }
    found = call_of(span(old), TARGET, 11.0)
    assert found is not None
    assert (found.request_id, found.status, found.host) == ("req_2", 529, "api.example.com")
    assert (found.was_answered, found.succeeded) == (True, False)
    assert call_of(span({}, "anthropic.messages.create"), TARGET, 11.0) is not None


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"gen_ai.provider.name": "openai", "gen_ai.operation.name": "chat"},
        {"gen_ai.provider.name": "anthropic", "gen_ai.operation.name": "embeddings"},
    ],
)
def test_other_spans_are_no_calls(attributes: dict[str, Attribute]) -> None:
    assert call_of(span(attributes), TARGET, 11.0) is None

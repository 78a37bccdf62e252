"""Exchanges are read from bytes, and never fail to be."""

from l9gate.contract import parse_asked, parse_observed


def test_a_request_is_read_without_its_query_and_with_its_version() -> None:
    asked = parse_asked("post", "/v1/messages?beta=true", {"Anthropic-Version": "2026-10-21"})
    assert (asked.method, asked.path) == ("POST", "/v1/messages")
    assert asked.api_version == "2026-10-21"
    assert (asked.body, asked.wants_stream) == ({}, False)


def test_a_request_that_is_no_object_counts_as_none() -> None:
    assert parse_asked("POST", "/v1/messages", body=b"[1]").body == {}
    assert parse_asked("POST", "/v1/messages", body=b'{"stream":true}').wants_stream


def test_a_body_is_kept_and_a_stream_is_split_into_events() -> None:
    asked = parse_asked("POST", "/v1/messages")
    whole = parse_observed(asked, 200, {"Content-Type": "application/json"}, b"{}")
    assert (whole.headers, whole.body, whole.events) == (
        {"content-type": "application/json"}, b"{}", None,
    )  # fmt: skip
    stream = parse_observed(
        asked, 200, {"content-type": "Text/Event-Stream"}, b"event: ping\ndata: {}\n\nevent: x\n"
    )
    assert stream.events is not None
    assert [event.event for event in stream.events] == ["ping"]
    assert stream.was_cut


def test_an_event_beyond_all_bounds_is_a_stream_cut_off() -> None:
    asked = parse_asked("POST", "/v1/messages")
    body = b"data: " + b"x" * (9 << 20)
    seen = parse_observed(asked, 200, {"content-type": "text/event-stream"}, body)
    assert (seen.events, seen.was_cut) == ((), True)

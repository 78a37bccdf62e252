"""E-03, H-02: what one exchange is recorded as."""

import json
from collections.abc import Iterator, Mapping
from types import MappingProxyType

import httpx2
import pytest

from l9gate.evidence.records import End, Exchange, Layer, Origin
from l9gate.measure.clock import ManualClock
from l9gate.observe import exchange, sockets
from l9gate.observe.answer import headers_of
from l9gate.observe.attribution import Owner, owned_by
from l9gate.observe.exchange import ExchangeTrace, next_attempt
from l9gate.observe.origins import Origins, Target
from l9gate.observe.watch import Stop
from l9gate.wire.sse import render_event

URL = "https://user:key@api.example.com/v1/messages?x=secret"
USAGE = {"input_tokens": 3, "output_tokens": 4}
MESSAGE = {
    "id": "m",
    "type": "message",
    "model": "served",
    "stop_reason": "end_turn",
    "usage": USAGE,
}
NOTHING: Mapping[str, str] = MappingProxyType({})
STREAM = {"content-type": "text/event-stream"}
ERROR_EVENT = (
    b'event: error\ndata: {"type": "error", '
    b'"error": {"type": "overloaded_error", "message": ""}}\n\n'
)
STOPPED = (
    b'event: message_start\ndata: {"type": "message_start", "message": {"usage": {}}}\n\n'
    b'event: message_stop\ndata: {"type": "message_stop"}\n\n'
)


@pytest.fixture(autouse=True)
def fresh_call() -> Iterator[None]:
    token = exchange._last_call.set(None)
    yield
    exchange._last_call.reset(token)


class Play:
    """One exchange, step by step, on a clock of its own."""

    def __init__(self, url: str = URL, target: str = "api.example.com", **body: object) -> None:
        self.clock = ManualClock(1000.0)
        headers = {"anthropic-version": "v", "x-l9gate-fault": "drop=usage"}
        request = httpx2.Request("POST", url, json={"model": "asked", **body}, headers=headers)
        self.trace = ExchangeTrace(request, self.clock, Origins(Target(target)))

    def answer(
        self,
        status: int = 200,
        headers: Mapping[str, str] = NOTHING,
        chunks: tuple[bytes, ...] = (),
    ) -> "Play":
        self.clock.advance(1.0)
        response = httpx2.Response(status, headers=dict(headers), stream=httpx2.ByteStream(b""))
        self.trace.answered(response)
        for chunk in chunks:
            self.clock.advance(0.5)
            self.trace.received(chunk)
        return self

    def finish(self, stop: Stop = Stop.READ) -> Exchange:
        self.clock.advance(0.25)
        assert self.trace.close(stop)
        return self.trace.record()


def as_json(body: object) -> tuple[bytes, ...]:
    return (json.dumps(body).encode(),)


def test_a_whole_answer_has_every_fact_and_no_secret() -> None:
    with owned_by(Owner("test_a", Layer.CONTRACT)):
        play = Play(tools=[{"name": "secret"}])
    headers = {
        "request-id": "req_1",
        "retry-after": "2",
        "anthropic-ratelimit-requests-limit": "5",
        "content-type": "application/json",
    }
    seen = play.answer(200, headers, as_json(MESSAGE)).finish()
    assert (seen.owner, seen.layer, seen.origin) == ("test_a", Layer.CONTRACT, Origin.MOCKED)
    assert (seen.method, seen.host, seen.path) == ("POST", "api.example.com", "/v1/messages")
    assert (seen.model, seen.served_model, seen.stream, seen.tools) == (
        "asked",
        "served",
        False,
        True,
    )
    assert (seen.due_s, seen.sent_s, seen.headers_s) == (1000.0, 1000.0, 1001.0)
    assert (seen.ended_s, seen.at_s) == (1001.75, 1001.75)
    assert (seen.status, seen.error_type, seen.error_code) == (200, None, None)
    assert (seen.end, seen.stop_reason, seen.request_id) == (End.COMPLETE, "end_turn", "req_1")
    assert seen.usage is not None
    assert seen.usage.output_tokens == 4
    assert (seen.rate_limit, seen.retry_after_s) == ({"requests-limit": "5"}, 2.0)
    assert (seen.api_version, seen.attempt) == ("v", 0)
    assert seen.response_bytes == len(json.dumps(MESSAGE))
    assert seen.request_bytes > 0
    assert "secret" not in repr(seen)
    assert "key" not in repr(seen)


@pytest.mark.parametrize("origin", [Origin.LIVE, Origin.SIMULATED])
def test_only_a_simulator_can_be_told_to_do_wrong(origin: Origin) -> None:
    play = Play().answer(200, {}, as_json(MESSAGE))
    play.trace._origin = origin
    found = play.trace.answer(play.finish())
    assert found is not None
    assert found.is_on_purpose is (origin is Origin.SIMULATED)
    assert (found.body, found.value) == (json.dumps(MESSAGE).encode(), MESSAGE)


@pytest.mark.parametrize(("asked", "kept"), [("metadata", 1), ("output_config", 3)])
def test_the_text_of_a_stream_is_kept_only_to_hold_it_against_a_format(
    asked: str, kept: int
) -> None:
    delta = {"type": "text_delta", "text": "x"}
    event = render_event(
        "content_block_delta",
        json.dumps({"type": "content_block_delta", "index": 0, "delta": delta}).encode(),
    )
    play = Play(URL, "api.example.com", **{asked: {}}, stream=True)
    play.answer(200, {"content-type": "text/event-stream"}, (event, event + event, b"event: "))
    found = play.trace.answer(play.finish())
    assert found is not None
    assert found.events is not None
    assert (len(found.events), found.was_cut, found.body) == (kept, True, None)


@pytest.mark.parametrize(
    ("stop", "end", "error_type"),
    [
        (Stop.TIMED_OUT, End.TIMED_OUT, "timeout"),
        (Stop.UNCONNECTED, End.UNREACHABLE, "connection"),
        (Stop.BROKEN, End.UNREACHABLE, "connection"),
        (Stop.FAILED, End.ABANDONED, None),
        (Stop.CLOSED, End.ABANDONED, None),
    ],
)
def test_without_an_answer_the_end_tells_why(stop: Stop, end: End, error_type: str | None) -> None:
    seen = Play().finish(stop)
    assert (seen.status, seen.headers_s, seen.end) == (None, None, end)
    assert seen.error_type == error_type
    assert (seen.rate_limit, seen.request_id) == ({}, None)


@pytest.mark.parametrize(
    ("stop", "end", "error_type"),
    [
        (Stop.TIMED_OUT, End.TIMED_OUT, "timeout"),
        (Stop.BROKEN, End.CUT, "cut"),
        (Stop.CLOSED, End.ABANDONED, None),
        (Stop.FAILED, End.ABANDONED, None),
    ],
)
def test_half_an_answer_is_told_apart(stop: Stop, end: End, error_type: str | None) -> None:
    seen = Play().answer(200, {}, (b'{"id"',)).finish(stop)
    assert (seen.status, seen.end, seen.error_type) == (200, end, error_type)


@pytest.mark.parametrize(
    ("chunk", "stop", "end", "error_type"),
    [
        (STOPPED, Stop.READ, End.COMPLETE, None),
        (STOPPED, Stop.CLOSED, End.COMPLETE, None),
        (STOPPED, Stop.BROKEN, End.COMPLETE, None),
        (ERROR_EVENT, Stop.READ, End.ERROR_EVENT, "overloaded_error"),
        (ERROR_EVENT, Stop.CLOSED, End.ERROR_EVENT, "overloaded_error"),
        (b"event: ping\ndata: {}\n\n", Stop.READ, End.CUT, "cut"),
        (b"event: ping\ndata: {}\n\n", Stop.BROKEN, End.CUT, "cut"),
        (b"event: ping\ndata: {}\n\n", Stop.CLOSED, End.ABANDONED, None),
        (b"event: ping\ndata: {}\n\n", Stop.TIMED_OUT, End.TIMED_OUT, "timeout"),
    ],
)
def test_the_grammar_decides_how_a_stream_ended(
    chunk: bytes, stop: Stop, end: End, error_type: str | None
) -> None:
    seen = Play(stream=True).answer(200, STREAM, (chunk,)).finish(stop)
    assert (seen.stream, seen.end, seen.error_type) == (True, end, error_type)


@pytest.mark.parametrize(
    ("status", "body", "stop", "error_type"),
    [
        (529, {"type": "error", "error": {"type": "x_error"}}, Stop.READ, "x_error"),
        (502, "a page", Stop.READ, "malformed_body"),
        (401, "unread", Stop.CLOSED, "authentication_error"),
        (307, "moved", Stop.READ, None),
        (200, "a page", Stop.READ, "malformed_body"),
    ],
)
def test_an_error_has_a_type_of_the_api_or_is_malformed(
    status: int, body: object, stop: Stop, error_type: str | None
) -> None:
    assert Play().answer(status, {}, as_json(body)).finish(stop).error_type == error_type


def test_an_error_code_is_kept() -> None:
    fault = {"type": "rate_limit_error", "details": {"error_code": "ramp_limit_exceeded"}}
    seen = Play().answer(429, {}, as_json({"type": "error", "error": fault})).finish()
    assert seen.error_code == "ramp_limit_exceeded"


def test_json_in_place_of_a_stream_is_malformed() -> None:
    seen = Play(stream=True).answer(200, {}, as_json(MESSAGE)).finish()
    assert (seen.end, seen.error_type) == (End.COMPLETE, "malformed_body")


def test_a_body_closed_after_its_last_byte_is_complete() -> None:
    (body,) = as_json(MESSAGE)
    seen = Play().answer(200, {"content-length": str(len(body))}, (body,)).finish(Stop.CLOSED)
    assert (seen.end, seen.stop_reason) == (End.COMPLETE, "end_turn")


def test_what_a_mock_library_answered_is_read_from_its_content() -> None:
    play = Play()
    play.trace.answered(httpx2.Response(200, json=MESSAGE))
    assert play.finish().served_model == "served"


def test_results_of_a_batch_need_not_be_json() -> None:
    url = "https://api.example.com/v1/messages/batches/b/results"
    assert Play(url).answer(200, {}, (b"{}\n{}\n",)).finish().error_type is None


@pytest.mark.parametrize(
    ("url", "headers", "is_api"),
    [
        ("https://api.example.com/v1/files", {}, True),
        ("https://api.example.com/oauth/token", {}, False),
        ("https://gateway.example/anthropic/v1/messages/count_tokens", {}, True),
        ("https://gateway.example/v1/models", {}, True),
        ("https://gateway.example/v1/chat/completions", {}, False),
        ("https://gateway.example/v1/messages-of-mine", {}, False),
        ("https://gateway.example/anything", {"x-l9gate-origin": "simulated"}, True),
    ],
)
def test_only_traffic_of_the_api_is_recorded(
    url: str, headers: dict[str, str], is_api: bool
) -> None:
    trace = Play(url).answer(200, headers).trace
    assert trace.close(Stop.READ) == is_api


def test_what_one_of_us_refused_was_never_sent() -> None:
    trace = Play().trace
    assert not trace.close(Stop.REFUSED)
    with pytest.raises(ValueError, match="still open"):
        trace.record()


@pytest.mark.parametrize(("control", "kept_s"), [({"ttl": "1h"}, 3600), ({}, 300), (None, None)])
def test_a_breakpoint_of_the_prompt_cache_is_noted(
    control: dict[str, str] | None, kept_s: int | None
) -> None:
    """H-03: which requests the prompt cache could have served."""
    seen = Play(cache_control=control).answer(200, {}, as_json(MESSAGE)).finish()
    assert seen.cache_ttl_s == kept_s


def test_a_streamed_request_body_is_not_consumed() -> None:
    request = httpx2.Request("POST", URL, content=iter([b"{}"]))
    trace = ExchangeTrace(request, ManualClock(), Origins(Target("api.example.com")))
    assert trace.close(Stop.UNCONNECTED)
    seen = trace.record()
    assert (seen.model, seen.request_bytes) == (None, 0)


def test_attempts_share_a_call_and_calls_do_not() -> None:
    first, second, third = next_attempt("0"), next_attempt("1"), next_attempt("2")
    assert first.id == second.id == third.id
    assert [first.attempt, second.attempt, third.attempt] == [0, 1, 2]
    other = next_attempt("0")
    assert other.id != first.id
    assert next_attempt(None).id != other.id


def test_a_retry_whose_beginning_nobody_saw_keeps_its_number() -> None:
    assert next_attempt("2").attempt == 2
    assert next_attempt("nonsense").attempt == 0


def test_a_redirect_goes_on_with_the_call() -> None:
    first = Play().answer(307, {"location": "/v1/messages"}).finish()
    second = Play().answer(200).finish()
    assert (second.call_id, second.attempt) == (first.call_id, 1)
    assert Play().finish().call_id != first.call_id


def test_what_was_connected_to_decides_the_origin_of_silence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sockets._Process, "resolved", {"api.example.com"})
    assert Play().finish(Stop.TIMED_OUT).origin is Origin.LIVE


CLAUDE = "anthropic.claude-haiku-4-5-v1:0"


def test_bedrock_names_model_and_stream_in_its_path_and_has_an_id_of_its_own() -> None:
    host = "https://bedrock-runtime.us-east-1.amazonaws.com"
    url = f"{host}/model/{CLAUDE.replace(':', '%3A')}/invoke-with-response-stream"
    play = Play(url, model=None)
    seen = play.answer(200, {"x-amzn-requestid": "r_1"}).finish(Stop.CLOSED)
    assert (seen.model, seen.stream, seen.request_id) == (CLAUDE, True, "r_1")


def test_an_error_of_bedrock_has_the_type_of_its_status() -> None:
    play = Play(f"https://bedrock.example.com/model/{CLAUDE}/invoke", model=None)
    seen = play.answer(429, NOTHING, as_json({"message": "Too many"})).finish()
    assert (seen.error_type, seen.end) == ("rate_limit_error", End.COMPLETE)


def test_the_request_id_of_another_cloud_proves_nothing_elsewhere() -> None:
    seen = Play().answer(200, {"x-amzn-requestid": "r_1"}, as_json(MESSAGE)).finish()
    assert seen.request_id is None


def test_google_names_the_model_in_its_path() -> None:
    url = "https://g.example.com/v1/projects/p/publishers/anthropic/models/c@1:streamRawPredict"
    seen = Play(url, model=None, stream=True).answer(200, STREAM, (STOPPED,)).finish()
    assert (seen.model, seen.stream, seen.end) == ("c@1", True, End.COMPLETE)


@pytest.mark.parametrize(
    "raw",
    [
        [(b"X-One", b"1"), (b"x-two", b"2")],
        [(b"X-One", b"1"), (b"x-one", b"2")],
        [(b"X-One", "é".encode()), (b"x-two", b"2")],
        [(b"X-One", "é".encode("latin-1")), (b"x-two", b"2")],
    ],
)
def test_headers_are_read_as_the_library_reads_them(raw: list[tuple[bytes, bytes]]) -> None:
    response = httpx2.Response(200, headers=raw)
    assert headers_of(response) == dict(response.headers.items())

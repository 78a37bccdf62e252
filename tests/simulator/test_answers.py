"""Any answer: what is streamed adds up to what is sent whole, and the counts add up too."""

import asyncio
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from l9gate.measure.clock import ManualClock
from l9gate.net.http import HttpRequest, HttpResponse
from l9gate.simulator.app import SimulatorApp
from l9gate.simulator.config import SimulatorConfig
from l9gate.simulator.message import stream_pieces
from l9gate.wire.json import Json, JsonObject
from l9gate.wire.sse import SseParser, render_event
from l9gate.wire.stream import StreamFolder

Make = Callable[..., HttpRequest]
LONG = "word " * 1_500
SCHEMA: JsonObject = {
    "type": "object",
    "properties": {"path": {"type": "string"}, "lines": {"type": "array", "items": {"enum": [1]}}},
    "required": ["path", "lines"],
    "additionalProperties": False,
}
SOURCE: JsonObject = {"type": "text", "media_type": "text/plain", "data": "The sky is blue."}
DOCUMENT: JsonObject = {"type": "document", "source": SOURCE, "citations": {"enabled": True}}
CACHED: JsonObject = {"type": "text", "text": LONG, "cache_control": {"type": "ephemeral"}}
WORDS: JsonObject = {"type": "text", "text": "Which function opens a file?"}
EXACT: JsonObject = {"type": "text", "text": "Reply with exactly: \U0001f600 ä, and more"}
REFUSED: JsonObject = {"type": "text", "text": "ANTHROPIC_MAGIC_STRING_TRIGGER_REFUSAL_1"}
CITED: JsonObject = {"enabled": True}
CALLER = "code_execution_20260120"
TOOLS: list[Json] = [
    {"name": "open_file", "input_schema": SCHEMA},
    {"name": "ping", "input_schema": {"type": "object"}},
    {"type": "web_search_20250305", "name": "web_search"},
    {"type": "web_fetch_20260318", "name": "web_fetch", "citations": CITED},
    {"type": CALLER, "name": "code_execution"},
    {"name": "for_code", "input_schema": SCHEMA, "allowed_callers": [CALLER]},
    {"type": "tool_search_tool_bm25", "name": "tool_search_tool_bm25"},
    {"name": "deferred", "input_schema": SCHEMA, "defer_loading": True},
    {"type": "browser_toolset_20260801"},
    {"type": "computer_toolset_20260801"},
]
FORMAT: JsonObject = {"format": {"type": "json_schema", "schema": SCHEMA}}

REQUESTS = st.fixed_dictionaries(
    {
        "model": st.sampled_from(["claude-haiku-5-5", "claude-opus-5-5", "claude-opus-4-6"]),
        "max_tokens": st.sampled_from([1, 2, 7, 15, 30, 50, 90, 2_000]),
        "messages": st.lists(
            st.sampled_from([WORDS, EXACT, DOCUMENT, CACHED, REFUSED]), min_size=1, max_size=3
        ).map(lambda blocks: [{"role": "user", "content": [*blocks]}]),
    },
    optional={
        "thinking": st.sampled_from(
            [{"type": "adaptive"}, {"type": "adaptive", "display": "summarized"}]
        ),
        "tools": st.lists(st.sampled_from(TOOLS), max_size=4, unique_by=str).map(
            lambda tools: [TOOLS[1], *(tool for tool in tools if tool != TOOLS[1])]
        ),
        "output_config": st.sampled_from([FORMAT, {"effort": "high"}]),
        "stop_sequences": st.sampled_from([["simulator"], ["ä", "and"], ["The"], ["§"]]),
        "speed": st.just("standard"),
    },
)
FAULTS = st.sampled_from(
    [
        "",
        "",
        "stop_reason=refusal",
        "stop_reason=pause_turn",
        "stop_reason=max_tokens",
        "stop_reason=model_context_window_exceeded",
        "empty",
        "invalid_json_text",
    ]
)


async def _read(response: HttpResponse) -> bytes:
    assert not isinstance(response.body, bytes)
    return b"".join([piece async for piece in response.body if isinstance(piece, bytes)])


def _ask(make: Make, body: JsonObject, fault: str) -> HttpResponse:
    app = SimulatorApp(SimulatorConfig(load_factor=0), ManualClock())
    answer = app(make(body, headers={"x-l9gate-fault": fault}))
    assert isinstance(answer, HttpResponse)
    return answer


def _streamed(make: Make, body: JsonObject, fault: str) -> JsonObject:
    folder = StreamFolder(strict=True)
    data = asyncio.run(_read(_ask(make, {**body, "stream": True}, fault)))
    for event in SseParser().feed(data):
        folder.feed(event)
    assert folder.has_ended
    return folder.to_message()


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(REQUESTS)
def test_the_bytes_of_a_stream_are_its_events_one_after_another(
    make_request: Make, body: JsonObject
) -> None:
    """9.1: nothing between the events, before or after them; in whatever pieces they are sent."""
    whole = _ask(make_request, body, "").body
    assert isinstance(whole, bytes)
    expected = b"".join(piece.data for piece in stream_pieces(msgspec.json.decode(whole)))
    asked: JsonObject = {**body, "stream": True}
    sent = asyncio.run(_read(_ask(make_request, asked, "")))
    assert sent == expected == asyncio.run(_read(_ask(make_request, asked, "event_delay_s=0")))
    events = SseParser().feed(sent)
    assert sent == b"".join(render_event(event.event, event.data) for event in events)


def _counts(usage: JsonObject, *names: str) -> list[int]:
    found = [usage[name] for name in names]
    assert all(isinstance(count, int) and count >= 0 for count in found)
    return [count for count in found if isinstance(count, int)]


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(REQUESTS, FAULTS)
def test_what_is_streamed_adds_up_to_what_is_sent_whole(
    make_request: Make, body: JsonObject, fault: str
) -> None:
    """Invariants 7, 8, 9, 10 and 14 of the sheet."""
    response = _ask(make_request, body, fault)
    assert (response.status, response.body) == (200, response.body)
    assert isinstance(response.body, bytes)
    message: JsonObject = msgspec.json.decode(response.body)
    assert _streamed(make_request, body, fault) == message
    _check_counts(make_request, body, message)
    content, reason = message["content"], message["stop_reason"]
    assert isinstance(content, list)
    kinds = [block["type"] for block in content if isinstance(block, dict)]
    assert (kinds[-1:] == ["tool_use"]) == (reason == "tool_use") or reason in {
        "max_tokens",
        "model_context_window_exceeded",
    }
    assert reason != "pause_turn" or "tool_use" not in kinds
    assert (message["stop_sequence"] is not None) == (reason == "stop_sequence")
    assert (message["stop_details"] is not None) == (reason == "refusal")
    assert "redacted_thinking" not in kinds


def _check_counts(make: Make, body: JsonObject, message: JsonObject) -> None:
    usage, limit = message["usage"], body["max_tokens"]
    assert isinstance(usage, dict)
    details, created = usage["output_tokens_details"], usage["cache_creation"]
    assert isinstance(details, dict)
    assert isinstance(created, dict)
    plain, written, read, output = _counts(
        usage,
        "input_tokens",
        "cache_creation_input_tokens",
        "cache_read_input_tokens",
        "output_tokens",
    )
    assert written == sum(_counts(created, *created))
    assert _counts(details, "thinking_tokens")[0] <= output
    assert isinstance(limit, int)
    assert 1 <= output <= max(limit, 10)  # a fault's answer may be longer than was allowed
    asked = {name: value for name, value in body.items() if name not in _NOT_COUNTED}
    app = SimulatorApp(SimulatorConfig(), ManualClock())
    counted = app(make(asked, "/v1/messages/count_tokens"))
    assert isinstance(counted, HttpResponse)
    assert isinstance(counted.body, bytes)
    assert msgspec.json.decode(counted.body) == {"input_tokens": plain + written + read}


_NOT_COUNTED = frozenset({"max_tokens", "stop_sequences"})


def test_a_full_window_ends_the_answer(make_request: Make, body: JsonObject) -> None:
    """The stop reason of Sonnet 4.5 and newer."""
    app = SimulatorApp(SimulatorConfig(load_factor=0), ManualClock())
    size = 200_000 * 5.2 - 270  # bytes; leaves the answer less room than it needs
    full = {**body, "model": "claude-haiku-4-5", "system": "x" * int(size)}
    response = app(make_request(full))
    assert isinstance(response, HttpResponse)
    assert isinstance(response.body, bytes)
    message = msgspec.json.decode(response.body)
    assert (response.status, message["stop_reason"]) == (200, "model_context_window_exceeded")
    assert message["usage"]["input_tokens"] + message["usage"]["output_tokens"] == 200_000


def test_an_alias_answers_with_its_model(make_request: Make, body: JsonObject) -> None:
    response = _ask(make_request, {**body, "model": "claude-opus-4-5"}, "")
    assert isinstance(response.body, bytes)
    assert msgspec.json.decode(response.body)["model"] == "claude-opus-4-5-20251101"


def test_what_is_read_from_the_cache_drains_no_limit(make_request: Make, body: JsonObject) -> None:
    """Invariant 12 of the sheet."""
    app = SimulatorApp(SimulatorConfig(load_factor=0), ManualClock())
    asked = {**body, "system": [CACHED]}
    left = []
    for _ in range(2):
        response = app(make_request(asked))
        assert isinstance(response, HttpResponse)
        left.append(int(response.headers["anthropic-ratelimit-input-tokens-remaining"]))
    assert left == [pytest.approx(99_998_000), left[0]]

"""The grammar of streams: what the strict folder of `wire` refuses is found, and nothing else."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from l9gate.contract.streams import State, StreamGrammar
from l9gate.errors import StreamGrammarError
from l9gate.wire.json import Json, JsonObject, parse_object
from l9gate.wire.sse import SseEvent
from l9gate.wire.stream import StreamFolder

USAGE: JsonObject = {"input_tokens": 3, "output_tokens": 1}
MESSAGE: JsonObject = {"id": "msg_1", "content": [], "stop_reason": None, "usage": USAGE}


def _event(name: str, **fields: Json) -> SseEvent:
    return SseEvent(name, json.dumps({"type": name, **fields}).encode())


START = _event("message_start", message=MESSAGE)
PING, STOP = _event("ping"), _event("message_stop")
END = _event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 5})
FAILED = _event("error", error={"type": "api_error", "message": "m"})


def _block(index: int, kind: str = "text") -> list[SseEvent]:
    empty: dict[str, JsonObject] = {"text": {"text": ""}, "tool_use": {"input": {}}}
    deltas: dict[str, JsonObject] = {
        "text": {"type": "text_delta", "text": "secret"},
        "tool_use": {"type": "input_json_delta", "partial_json": '{"a": 1}'},
    }
    block: JsonObject = {"type": kind, **empty[kind]}
    return [
        _event("content_block_start", index=index, content_block=block),
        _event("content_block_delta", index=index, delta=deltas[kind]),
        _event("content_block_stop", index=index),
    ]


WHOLE = [START, PING, *_block(0), *_block(1, "tool_use"), END, STOP]


def _follow(events: list[SseEvent], **options: bool) -> StreamGrammar:
    grammar = StreamGrammar(**options)
    for event in events:
        grammar.feed(event.event, event.data, parse_object(event.data))
    grammar.finish()
    return grammar


def _codes(events: list[SseEvent]) -> list[str]:
    return [drift.code for drift in _follow(events).drifts]


def _is_refused(events: list[SseEvent]) -> bool:
    """Whether the other reader of streams, written for another purpose, refuses them."""
    folder = StreamFolder(strict=True)
    try:
        for event in events:
            folder.feed(event)
    except StreamGrammarError:
        return True
    return not folder.has_ended and folder.fault is None


def test_a_whole_stream_is_nothing_to_tell_and_adds_up() -> None:
    grammar = _follow(WHOLE)
    assert (list(grammar.drifts), grammar.state) == ([], State.DONE)
    assert grammar.message["usage"] == {"input_tokens": 3, "output_tokens": 5}
    assert grammar.message["content"] == [
        {"type": "text", "text": ""},
        {"type": "tool_use", "input": {"a": 1}},
    ]


def test_text_is_kept_only_where_it_is_needed() -> None:
    content = _follow(WHOLE, keeps_text=True).message["content"]
    assert isinstance(content, list)
    assert content[0] == {"type": "text", "text": "secret"}


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(WHOLE), max_size=12))
def test_any_order_that_is_refused_elsewhere_is_found(events: list[SseEvent]) -> None:
    assert bool(_codes(events)) == _is_refused(events)


@pytest.mark.parametrize("change", ["drop", "copy", "move"])
def test_any_event_dropped_doubled_or_moved_is_found(change: str) -> None:
    overlooked = []
    for at in range(len(WHOLE)):
        for to in range(len(WHOLE)) if change != "drop" else (0,):
            events = list(WHOLE)
            event = events[at] if change == "copy" else events.pop(at)
            if change != "drop":
                events.insert(to, event)
            if bool(_codes(events)) != _is_refused(events):
                overlooked.append((at, to))
    assert overlooked == []


@pytest.mark.parametrize(
    ("events", "codes"),
    [
        ([START, END], ["stream.unended"]),
        ([START, FAILED], []),
        ([FAILED], []),
        ([START, FAILED, STOP], ["stream.order"]),
        ([*WHOLE, PING], ["stream.order"]),
        ([*WHOLE, _event("ping2")], ["stream.unknown_event"]),
        ([*WHOLE, SseEvent("message", b"[DONE]")], ["stream.unnamed"]),
        ([START, SseEvent("ping", b"nothing"), *WHOLE[2:]], ["stream.malformed"]),
        ([START, _event("error", error="m")], ["envelope.foreign"]),
        ([START, _event("error", error={"type": "Oops", "message": "m"})], ["envelope.type"]),
    ],
)
def test_ends_errors_and_strangers(events: list[SseEvent], codes: list[str]) -> None:
    assert _codes(events) == codes


def _changed(at: int, change: Callable[[JsonObject], None]) -> list[SseEvent]:
    body = parse_object(WHOLE[at].data)
    assert body is not None
    change(body)
    return [*WHOLE[:at], SseEvent(WHOLE[at].event, json.dumps(body).encode()), *WHOLE[at + 1 :]]


@pytest.mark.parametrize(
    ("at", "fields", "codes"),
    [
        (0, {"message": {**MESSAGE, "content": [{}]}}, ["stream.start"]),
        (0, {"message": {**MESSAGE, "usage": {"input_tokens": 0}}}, ["usage.input"]),
        (0, {"message": 7}, []),
        (2, {"index": 4}, ["stream.index"]),
        (2, {"content_block": {"type": "text", "text": "x"}}, ["stream.start"]),
        (2, {"content_block": 7}, []),
        (3, {"type": "content_block_stop"}, ["stream.name"]),
        (3, {"delta": {"type": "thinking_delta", "thinking": "x"}}, ["stream.delta"]),
        (3, {"delta": {"type": "tone_delta"}}, []),
        (3, {"delta": {"type": ["x"]}}, []),
        (3, {"delta": 7}, []),
        (4, {"type": "ping"}, ["stream.name"]),
        (6, {"delta": {"type": "input_json_delta", "partial_json": "[1]"}}, ["stream.tool_input"]),
        (6, {"delta": {"type": "input_json_delta", "partial_json": 7}}, []),
        (8, {"delta": {"stop_reason": None}}, ["stream.stop_reason"]),
        (8, {"delta": 7}, ["stream.stop_reason"]),
        (8, {"usage": {"output_tokens": 0}}, ["stream.usage"]),
        (8, {"usage": {"output_tokens": 5, "input_tokens": 2}}, ["stream.usage"]),
        (8, {"usage": {"output_tokens": None}}, []),
        (8, {"usage": 7}, []),
        (8, {"delta": {"stop_reason": "refusal"}, "usage": {"output_tokens": 0}}, []),
    ],
)
def test_what_an_event_says_is_looked_at(at: int, fields: JsonObject, codes: list[str]) -> None:
    assert _codes(_changed(at, lambda body: body.update(fields))) == codes


def test_a_tool_input_may_be_cut_by_max_tokens() -> None:
    cut = _changed(
        6, lambda body: body.update(delta={"type": "input_json_delta", "partial_json": '{"a'})
    )
    cut[8] = _event("message_delta", delta={"stop_reason": "max_tokens"}, usage={})
    assert _codes(cut) == []


def test_a_fallen_count_of_a_made_up_name_is_not_shown() -> None:
    message = {**MESSAGE, "usage": {**USAGE, "my secret": 9}}
    events = [_event("message_start", message=message), *WHOLE[1:]]
    events[8] = _event("message_delta", delta={"stop_reason": "end_turn"}, usage={"my secret": 1})
    (drift,) = _follow(events).drifts
    assert (drift.code, drift.path) == ("stream.usage", "event 8 /usage/…")

"""The grammar of a message stream."""

from collections.abc import Callable

import msgspec
import pytest

from l9gate.errors import StreamGrammarError
from l9gate.wire.faults import ApiFault, render_error_body
from l9gate.wire.json import Json, JsonObject
from l9gate.wire.messages import Usage
from l9gate.wire.sse import SseEvent
from l9gate.wire.stream import StreamEventKind, StreamFolder


def _event(kind: str, **fields: Json) -> SseEvent:
    return SseEvent(kind, msgspec.json.encode({"type": kind, **fields}))


def _start(**fields: Json) -> SseEvent:
    message: JsonObject = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 9, "output_tokens": 1, "cache_read_input_tokens": 4},
    }
    return _event("message_start", message={**message, **fields})


def _open(block: JsonObject, index: int = 0) -> SseEvent:
    return _event("content_block_start", index=index, content_block=block)


def _delta(delta: JsonObject, index: int = 0) -> SseEvent:
    return _event("content_block_delta", index=index, delta=delta)


def _text(text: str, index: int = 0) -> SseEvent:
    return _delta({"type": "text_delta", "text": text}, index)


def _close(index: int = 0) -> SseEvent:
    return _event("content_block_stop", index=index)


def _end(stop_reason: str | None = "end_turn", **usage: Json) -> SseEvent:
    delta: JsonObject = {"stop_reason": stop_reason, "stop_sequence": None}
    return _event("message_delta", delta=delta, usage={"output_tokens": 30, **usage})


PING = _event("ping")
STOP = _event("message_stop")
TEXT: JsonObject = {"type": "text", "text": ""}
TOOL: JsonObject = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}
WHOLE = [
    _start(),
    PING,
    _open({"type": "thinking", "thinking": "", "signature": ""}),
    _delta({"type": "thinking_delta", "thinking": "hm"}),
    _delta({"type": "signature_delta", "signature": "s1"}),
    _close(),
    _open(TEXT, 1),
    _text('a "text_delta" ', 1),
    _text("é", 1),
    _delta({"type": "citations_delta", "citation": {"type": "char_location"}}, 1),
    _delta({"type": "citations_delta", "citation": {"n": 2}}, 1),
    _close(1),
    _open(TOOL, 2),
    _delta({"type": "input_json_delta", "partial_json": ""}, 2),
    _delta({"type": "input_json_delta", "partial_json": '{"index": 5, "q'}, 2),
    _delta({"type": "input_json_delta", "partial_json": '": [1]}'}, 2),
    _delta({"type": "future_delta", "x": 1}, 2),
    _close(2),
    _event("future_event"),
    _end(None),
    _end("tool_use", input_tokens=None),
    STOP,
]


@pytest.mark.parametrize("strict", [True, False])
def test_a_whole_stream_has_its_facts(*, strict: bool) -> None:
    folder = StreamFolder(strict=strict)
    kinds = [folder.feed(event) for event in WHOLE]
    assert folder.has_ended
    assert folder.violations == []
    assert folder.usage == Usage(input_tokens=9, output_tokens=30, cache_read_input_tokens=4)
    assert (folder.stop_reason, folder.model, folder.message_id) == ("tool_use", "m", "msg_1")
    assert folder.fault is None
    assert kinds.count(StreamEventKind.CONTENT_DELTA) == 6
    assert kinds.count(StreamEventKind.OTHER_DELTA) == 4
    assert kinds[-2:] == [StreamEventKind.MESSAGE_DELTA, StreamEventKind.STOP]
    assert set(StreamEventKind) - set(kinds) == {StreamEventKind.ERROR}


def test_a_strict_folder_keeps_the_message() -> None:
    folder = StreamFolder()
    for event in WHOLE:
        folder.feed(event)
    message = folder.to_message()
    assert message["content"] == [
        {"type": "thinking", "thinking": "hm", "signature": "s1"},
        {
            "type": "text",
            "text": 'a "text_delta" é',
            "citations": [{"type": "char_location"}, {"n": 2}],
        },
        {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"index": 5, "q": [1]}},
    ]
    assert message["stop_reason"] == "tool_use"
    assert message["usage"] == {
        "input_tokens": 9,
        "output_tokens": 30,
        "cache_read_input_tokens": 4,
    }


def test_no_deltas_make_an_empty_tool_input() -> None:
    folder = StreamFolder()
    first = _delta({"type": "input_json_delta", "partial_json": ""})
    for event in [_start(), _open(TOOL), first, _close(), _end(), STOP]:
        folder.feed(event)
    assert folder.to_message()["content"] == [TOOL]


def test_a_stream_without_blocks_is_whole() -> None:
    folder = StreamFolder()
    for event in [_start(), _end("refusal"), STOP]:
        folder.feed(event)
    assert folder.to_message()["content"] == []


def test_a_stream_without_its_end_is_no_message() -> None:
    folder = StreamFolder()
    folder.feed(_start())
    with pytest.raises(StreamGrammarError, match="no whole message"):
        folder.to_message()


def test_an_error_event_is_a_fault_and_the_end() -> None:
    folder = StreamFolder(strict=False)
    folder.feed(_start())
    body = render_error_body("overloaded_error", "Overloaded", "req_1")
    assert folder.feed(SseEvent("error", body)) is StreamEventKind.ERROR
    assert folder.fault == ApiFault("overloaded_error")
    assert not folder.has_ended
    assert folder.feed(STOP) is StreamEventKind.UNKNOWN
    assert not folder.has_ended
    assert folder.violations == ["`message_stop` after `error`"]


WRONG: dict[str, tuple[list[SseEvent], str]] = {
    "delta before the start": ([_text("x")], "before `message_start`"),
    "ping before the start": ([PING], "`ping` before"),
    "two starts": ([_start(), _start()], "`message_start` between blocks"),
    "overlapping blocks": ([_start(), _open(TEXT), _open(TEXT, 1)], "inside a block"),
    "a first index that is not 0": ([_start(), _open(TEXT, 1)], "index"),
    "a delta to a closed block": ([_start(), _open(TEXT), _close(), _text("x")], "between blocks"),
    "a delta to another block": ([_start(), _open(TEXT), _text("x", 4)], "index"),
    "a delta without an index": (
        [_start(), _open(TEXT), _event("content_block_delta", delta={"type": "text_delta"})],
        "index",
    ),
    "thinking in a text block": (
        [_start(), _open(TEXT), _delta({"type": "thinking_delta", "thinking": "x"})],
        "`thinking_delta` in a block of another type",
    ),
    "a stop without an open block": ([_start(), _close()], "`content_block_stop` between"),
    "an end inside a block": ([_start(), _open(TEXT), _end()], "`message_delta` inside"),
    "a block after the end began": ([_start(), _end(), _open(TEXT)], "after `message_delta`"),
    "message_delta without usage": (
        [_start(), _event("message_delta", delta={"stop_reason": "end_turn"})],
        "without `usage`",
    ),
    "a stop without message_delta": ([_start(), STOP], "`message_stop` between blocks"),
    "a stop without a reason": ([_start(), _end(None), STOP], "without a stop reason"),
    "an event after the stop": ([_start(), _end(), STOP, PING], "`ping` after `message_stop`"),
    "an event without a name": ([_start(), SseEvent("message", b"[DONE]")], "without a name"),
    "a start without usage": ([_start(usage=None)], "without usage"),
    "a start without a message": ([_event("message_start")], "without `message`"),
    "an error of another shape": ([_start(), SseEvent("error", b"{}")], "error envelope"),
    "data that is no JSON": ([SseEvent("message_start", b"{")], "no JSON object"),
    "another type in the data": ([SseEvent("message_start", PING.data)], "another type"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_strict_folder_refuses(name: str) -> None:
    events, words = WRONG[name]
    folder = StreamFolder()
    for event in events[:-1]:
        folder.feed(event)
    with pytest.raises(StreamGrammarError, match=words):
        folder.feed(events[-1])


@pytest.mark.parametrize("name", WRONG)
def test_a_tolerant_folder_notes(name: str) -> None:
    events, words = WRONG[name]
    folder = StreamFolder(strict=False)
    for event in events:
        folder.feed(event)
    assert any(words in violation for violation in folder.violations)


@pytest.mark.parametrize(
    ("block", "delta", "words"),
    [
        (TEXT, {"type": "text_delta"}, "no text in `text`"),
        (TOOL, {"type": "input_json_delta", "partial_json": "[1]"}, "no JSON object"),
        (TOOL, {"type": "input_json_delta", "partial_json": '{"a'}, "no JSON object"),
    ],
)
def test_a_strict_folder_reads_what_deltas_carry(
    block: JsonObject, delta: JsonObject, words: str
) -> None:
    def feed_all(folder: StreamFolder) -> None:
        for event in [_start(), _open(block), _delta(delta), _close()]:
            folder.feed(event)

    _raises(feed_all, words)


def _raises(feed: Callable[[StreamFolder], None], words: str) -> None:
    with pytest.raises(StreamGrammarError, match=words):
        feed(StreamFolder())


def test_violations_are_named_once_and_bounded() -> None:
    folder = StreamFolder(strict=False)
    for _ in range(3):
        folder.feed(_text("secret"))
    assert len(folder.violations) == 2
    for number in range(50):
        folder.feed(_event("message_delta", delta={}, usage={}))
        folder.feed(SseEvent("error", b""))
        folder.feed(SseEvent(f"strange {number}", b""))
    assert len(folder.violations) == 32
    assert "secret" not in "".join(folder.violations)

"""A whole message, and the stream that adds up to it."""

import pytest

from l9gate.simulator.message import InputUse, render_message, stream_pieces
from l9gate.simulator.script import Answer
from l9gate.wire.json import Json, JsonObject
from l9gate.wire.sse import SseEvent, SseParser
from l9gate.wire.stream import StreamFolder

TEXT: JsonObject = {
    "type": "text",
    "text": "ein längerer Text, in Stücken: 😀" * 3,
    "citations": None,
}
THOUGHT: JsonObject = {"type": "thinking", "thinking": "hm " * 20, "signature": "s"}
HIDDEN: JsonObject = {"type": "thinking", "thinking": "", "signature": "s"}
CALL: JsonObject = {
    "type": "tool_use",
    "id": "toolu_1",
    "name": "f",
    "input": {"path": "ä" * 30, "n": [1, 2]},
    "caller": {"type": "direct"},
}
EMPTY_CALL: JsonObject = {**CALL, "input": {}}
SEARCH: JsonObject = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"q": 1}}
CITED: JsonObject = {**TEXT, "citations": [{"type": "char_location"}, {"type": "page_location"}]}
OTHER: JsonObject = {"type": "web_search_tool_result", "tool_use_id": "s", "content": []}


def _message(content: list[Json], stop_reason: str = "end_turn") -> JsonObject:
    answer = Answer(content=content, stop_reason=stop_reason, output_tokens=30, thinking_tokens=4)
    use = InputUse(plain=100, read=40, written_5m=8, written_1h=2)
    return render_message("msg_1", "claude-haiku-5-5", answer, use, {"speed": "fast"})


def _events(message: JsonObject) -> list[SseEvent]:
    return SseParser().feed(b"".join(piece.data for piece in stream_pieces(message)))


@pytest.mark.parametrize(
    "content",
    [[], [TEXT], [THOUGHT, TEXT], [HIDDEN, TEXT, CALL], [EMPTY_CALL], [SEARCH, CITED], [OTHER]],
)
def test_the_stream_adds_up_to_the_message(content: list[Json]) -> None:
    message = _message(content)
    folder = StreamFolder(strict=True)
    for event in _events(message):
        folder.feed(event)
    assert folder.to_message() == message


def test_a_refusal_has_details() -> None:
    message = _message([], "refusal")
    assert isinstance(message["stop_details"], dict)
    assert message["stop_details"]["type"] == "refusal"


def test_a_ping_comes_right_after_the_start() -> None:
    names = [event.event for event in _events(_message([TEXT]))]
    assert names[:3] == ["message_start", "ping", "content_block_start"]
    assert names[-2:] == ["message_delta", "message_stop"]


def test_the_first_piece_of_an_input_is_empty() -> None:
    deltas = [e for e in _events(_message([CALL])) if e.event == "content_block_delta"]
    assert b'"partial_json":""' in deltas[0].data
    assert len(deltas) > 3


def test_the_start_does_not_know_the_end() -> None:
    start = _events(_message([TEXT]))[0]
    assert b'"output_tokens":1,' in start.data
    assert b'"stop_reason":null' in start.data


def test_a_result_of_the_server_comes_complete() -> None:
    events = _events(_message([OTHER]))
    kinds = [event.event for event in events if event.event.startswith("content_block")]
    assert kinds == ["content_block_start", "content_block_stop"]
    assert b'"tool_use_id":"s"' in events[2].data


def test_thoughts_that_are_not_shown_have_one_signature_and_take_their_time() -> None:
    pieces = list(stream_pieces(_message([HIDDEN])))
    deltas = [piece for piece in pieces if b"_delta" in piece.data and b"signature" in piece.data]
    assert [piece.tokens for piece in deltas] == [4]
    assert not any(b"thinking_delta" in piece.data for piece in pieces)

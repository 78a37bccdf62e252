import gzip
import json
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from l9gate.observe import body
from l9gate.observe.body import BodyReader

USAGE = {"input_tokens": 10, "output_tokens": 1}
MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "model": "m",
    "stop_reason": "end_turn",
    "usage": USAGE,
}
ERROR = {"type": "error", "error": {"type": "overloaded_error", "message": "no"}}


def event(name: str, **fields: object) -> bytes:
    return f"event: {name}\ndata: {json.dumps({'type': name, **fields})}\n\n".encode()


START = event("message_start", message={**MESSAGE, "stop_reason": None})
OPEN = event("content_block_start", index=0, content_block={"type": "text", "text": ""})
DELTA = event("content_block_delta", index=0, delta={"type": "text_delta", "text": "x"})
CLOSE = event("content_block_stop", index=0)
LAST = event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 9})
STOP = event("message_stop")


def stream() -> BodyReader:
    return BodyReader("text/event-stream; charset=utf-8", None)


def test_json_gives_its_facts() -> None:
    reader = BodyReader("application/json", "gzip")
    encoded = gzip.compress(json.dumps(MESSAGE).encode())
    for number, byte in enumerate(encoded):
        reader.feed(bytes([byte]), float(number))
    facts = reader.finish(is_whole=True, expects_json=True)
    assert facts.has_ended
    assert (facts.served_model, facts.stop_reason, facts.is_malformed) == ("m", "end_turn", False)
    assert facts.usage is not None
    assert facts.usage.input_tokens == 10
    assert reader.size_bytes == len(encoded)


def test_an_error_body_gives_its_fault() -> None:
    reader = BodyReader("application/json", None)
    reader.feed(json.dumps(ERROR).encode(), 0.0)
    fault = reader.finish(is_whole=True, expects_json=False).fault
    assert fault is not None
    assert fault.type == "overloaded_error"


@pytest.mark.parametrize("data", [b"<html>", b"[]", b"", b'{"id": '])
def test_what_is_no_object_is_malformed_only_where_one_is_expected(data: bytes) -> None:
    for expected in (True, False):
        reader = BodyReader("application/json", None)
        reader.feed(data, 0.0)
        facts = reader.finish(is_whole=True, expects_json=expected)
        assert (facts.has_ended, facts.is_malformed) == (True, expected)


@pytest.mark.parametrize(("encoding", "data"), [("gzip", b"no gzip"), ("compress", b"{}")])
def test_what_cannot_be_decoded_is_malformed(encoding: str, data: bytes) -> None:
    reader = BodyReader("application/json", encoding)
    reader.feed(data, 0.0)
    reader.feed(data, 0.0)
    assert reader.finish(is_whole=True, expects_json=True).is_malformed
    assert reader.size_bytes == 2 * len(data)


def test_half_a_body_says_nothing() -> None:
    reader = BodyReader("application/json", None)
    reader.feed(json.dumps(MESSAGE).encode(), 0.0)
    facts = reader.finish(is_whole=False, expects_json=True)
    assert (facts.has_ended, facts.is_malformed, facts.usage) == (False, False, None)


def test_a_large_body_is_counted_and_not_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body, "MAX_BODY_BYTES", 100)
    reader = BodyReader("application/json", None)
    for _ in range(5):
        reader.feed(b'{"a":' + b" " * 60, 0.0)
    facts = reader.finish(is_whole=True, expects_json=True)
    assert (facts.has_ended, facts.is_malformed, facts.usage) == (True, False, None)
    assert reader.content is None
    assert not reader._pieces
    assert reader.size_bytes == 5 * 65


def test_a_stream_gives_first_token_gaps_and_cumulative_usage() -> None:
    reader = stream()
    for at_s, data in enumerate((START, OPEN, DELTA, DELTA, CLOSE + LAST, STOP)):
        reader.feed(data[:7], float(at_s))
        reader.feed(data[7:], float(at_s))
    facts = reader.finish(is_whole=True, expects_json=True)
    assert (facts.first_token_s, facts.gaps_s) == (2.0, (1.0,))
    assert (facts.has_ended, facts.served_model, facts.stop_reason) == (True, "m", "end_turn")
    assert facts.usage is not None
    assert (facts.usage.input_tokens, facts.usage.output_tokens) == (10, 9)


def test_a_stream_without_its_stop_has_not_ended() -> None:
    reader = stream()
    reader.feed(START + OPEN + CLOSE + LAST, 0.0)
    facts = reader.finish(is_whole=True, expects_json=True)
    assert (facts.has_ended, facts.first_token_s, facts.gaps_s) == (False, None, ())


def test_an_error_event_gives_its_fault() -> None:
    reader = stream()
    reader.feed(START + event("error", error=ERROR["error"]), 0.0)
    facts = reader.finish(is_whole=True, expects_json=True)
    assert facts.fault is not None
    assert (facts.fault.type, facts.has_ended) == ("overloaded_error", False)


def test_an_endless_line_is_given_up() -> None:
    reader = stream()
    for _ in range(9):
        reader.feed(b"x" * (1 << 20), 0.0)
    assert reader.finish(is_whole=True, expects_json=True).is_malformed


def test_a_stream_in_frames_of_bedrock_that_is_none_is_malformed() -> None:
    reader = BodyReader("application/vnd.amazon.eventstream", None)
    reader.feed(START, 0.0)
    facts = reader.finish(is_whole=True, expects_json=True)
    assert reader.is_stream
    assert (facts.has_ended, facts.is_malformed) == (False, True)


SIGNED = event("content_block_delta", index=0, delta={"type": "signature_delta", "signature": "x"})
QUOTED = event("content_block_delta", index=0, delta={"type": "other", "text": '"text_delta"'})
WHOLE = [START, OPEN, DELTA, SIGNED, DELTA, QUOTED, DELTA, CLOSE, LAST, STOP, DELTA]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, len(b"".join(WHOLE))), max_size=12))
def test_any_split_of_a_stream_gives_the_same_facts(cuts: list[int]) -> None:
    data = b"".join(WHOLE)
    reader = stream()
    for start, end in pairwise([0, *sorted(cuts), len(data)]):
        reader.feed(data[start:end], 1.0)
    facts = reader.finish(is_whole=True, expects_json=True)
    assert len(facts.gaps_s) == 2  # what follows the end, and what only looks like a delta, is none
    assert (facts.has_ended, facts.stop_reason, facts.is_malformed) == (True, "end_turn", False)
    assert facts.usage is not None
    assert facts.usage.output_tokens == 9


def test_events_that_come_together_come_at_one_time() -> None:
    reader = stream()
    reader.feed(START + OPEN + DELTA, 1.0)
    reader.feed(DELTA + DELTA, 3.0)
    facts = reader.finish(is_whole=False, expects_json=True)
    assert (facts.first_token_s, facts.gaps_s) == (1.0, (2.0, 0.0))


def test_a_body_that_inflates_beyond_the_limit_is_not_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(body, "MAX_BODY_BYTES", 1 << 20)
    reader = BodyReader("application/json", "gzip")
    reader.feed(gzip.compress(bytes(5 << 20)), 0.0)
    reader.catch_up()
    assert reader.content is None
    assert not reader._pieces

import json
import math
import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from l9gate.drive.ear import StreamEar
from l9gate.wire.sse import render_event


def event(name: str, **fields: object) -> bytes:
    return render_event(name, json.dumps({"type": name, **fields}).encode())


def delta(kind: str, text: str = "x") -> bytes:
    key = {"text_delta": "text", "thinking_delta": "thinking"}.get(kind, "partial_json")
    return event("content_block_delta", index=0, delta={"type": kind, key: text})


START = event("message_start", message={"model": "m", "usage": {"input_tokens": 7}})
STOP = event("message_stop")
END = event("message_delta", delta={}, usage={"output_tokens": 9}) + STOP
BLOCK = event("content_block_start", index=0, content_block={"type": "any"})
NASTY = 'event: content_block_delta\n\nevent: error\ndata: {"type":"text_delta"}'
WHOLE = (
    START
    + event("ping")
    + BLOCK
    + delta("thinking_delta")
    + delta("signature_delta")
    + BLOCK
    + delta("text_delta", NASTY)
    + delta("text_delta")
    + BLOCK
    + delta("input_json_delta")
    + END
)


def heard(*pieces: bytes) -> StreamEar:
    ear = StreamEar()
    for number, piece in enumerate(pieces):
        ear.feed(piece, 100.0 + number)
    return ear


def told(ear: StreamEar) -> tuple[object, ...]:
    return (ear.events, len(ear.gaps_s), ear.model, ear.usage, ear.has_failed, ear.is_malformed)


@pytest.mark.parametrize("end_of_line", [b"\n", b"\r\n", b"\r"])
@given(cuts=st.lists(st.integers(0, len(WHOLE)), max_size=6))
def test_a_stream_is_heard_alike_wherever_it_is_cut(end_of_line: bytes, cuts: list[int]) -> None:
    whole = WHOLE.replace(b"\n", end_of_line)
    edges = [0, *sorted(cuts), len(whole)]
    pieces = [whole[low:high] for low, high in pairwise(edges)]
    ear = heard(*pieces)
    assert told(ear) == told(heard(WHOLE))
    assert not math.isnan(ear.stopped_s)


def test_every_single_split_is_heard_alike() -> None:
    expected = told(heard(WHOLE))
    assert expected[:2] == (12, 4)
    named = re.sub(rb'data: {"type": "[a-z_]+"(, )?', b"data: {", WHOLE)
    for at in range(len(named)):
        assert told(heard(named[:at], named[at:])) == expected


def test_the_first_delta_of_each_kind_has_its_time() -> None:
    ear = heard(
        START,
        BLOCK + delta("thinking_delta"),
        delta("thinking_delta"),
        BLOCK + delta("text_delta"),
        delta("text_delta"),
        BLOCK + delta("input_json_delta"),
        END,
    )
    firsts = (ear.first_token_s, ear.first_thinking_s, ear.first_text_s, ear.first_tool_s)
    assert list(firsts) == [101, 101, 103, 105]
    assert ear.stopped_s == 106


def test_a_delta_of_no_known_kind_leaves_the_kind_open() -> None:
    ear = heard(START + BLOCK, delta("signature_delta"), delta("text_delta"), STOP)
    assert [ear.first_token_s, ear.first_text_s] == [101, 102]


def test_gaps_lie_between_reads_and_are_nothing_within_one() -> None:
    ear = heard(START + BLOCK + delta("text_delta"), delta("text_delta") * 3, delta("text_delta"))
    assert list(ear.gaps_s) == [1, 0, 0, 1]


def test_usage_is_that_of_the_end() -> None:
    usage = heard(WHOLE).usage
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens) == (7, 9)


def test_a_stream_without_its_stop_has_not_stopped() -> None:
    assert math.isnan(heard(WHOLE[: -len(STOP)]).stopped_s)
    assert math.isnan(heard(WHOLE[:-1]).stopped_s)


def test_an_error_event_is_a_failure() -> None:
    ear = heard(START, BLOCK + delta("text_delta"), event("error", error={"type": "api_error"}))
    assert ear.has_failed
    assert not ear.is_malformed


def test_text_that_looks_like_events_is_text() -> None:
    ear = heard(START + BLOCK + delta("text_delta", NASTY) + delta("text_delta", NASTY), END)
    assert told(ear)[:2] == (6, 1)
    assert not ear.has_failed


def test_events_without_a_name_are_told_by_their_data() -> None:
    bare = b"\n".join(line for line in WHOLE.split(b"\n") if not line.startswith(b"event:"))
    assert told(heard(bare)) == told(heard(WHOLE))


def test_a_start_that_is_no_json_is_malformed() -> None:
    assert heard(b"event: message_start\ndata: {\n\n").is_malformed


def test_an_event_without_an_end_is_bounded() -> None:
    assert heard(b"event: message_start\ndata: " + b"x" * (8 * 1024 * 1024 + 1)).is_malformed

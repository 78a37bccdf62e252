"""E-03: the event streams of Amazon Bedrock."""

import base64
import json
import struct
import zlib
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from l9gate.errors import SseFormatError
from l9gate.wire.frames import FrameParser
from l9gate.wire.sse import SseEvent


def header(name: str, kind: int, value: bytes) -> bytes:
    return bytes([len(name)]) + name.encode() + bytes([kind]) + value


def text(name: str, value: str) -> bytes:
    return header(name, 7, struct.pack(">H", len(value)) + value.encode())


def frame(head: bytes, payload: bytes) -> bytes:
    lengths = struct.pack(">II", 16 + len(head) + len(payload), len(head))
    body = lengths + struct.pack(">I", zlib.crc32(lengths)) + head + payload
    return body + struct.pack(">I", zlib.crc32(body))


def chunk(event: bytes) -> bytes:
    head = text(":event-type", "chunk") + text(":message-type", "event")
    return frame(head, json.dumps({"bytes": base64.b64encode(event).decode(), "p": "abc"}).encode())


PING, STOP = b'{"type": "ping"}', b'{"type": "message_stop"}'
OTHER = frame(text(":message-type", "event") + header("n", 4, bytes(4)), b"{}")
REFUSED = frame(
    text(":message-type", "exception") + text(":exception-type", "throttlingException"), b"{}"
)
STREAM = chunk(PING) + OTHER + chunk(STOP) + chunk(b"{}") + REFUSED
EVENTS = [
    SseEvent("ping", PING),
    SseEvent("message_stop", STOP),
    SseEvent("message", b"{}"),
    SseEvent("error", b'{"type":"error","error":{"type":"rate_limit_error","message":""}}'),
]


def test_frames_give_the_events_of_the_api() -> None:
    assert FrameParser().feed(STREAM) == EVENTS


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, len(STREAM)), max_size=8))
def test_any_split_gives_the_same_events(cuts: list[int]) -> None:
    parser = FrameParser()
    edges = [0, *sorted(cuts), len(STREAM)]
    found = [event for a, b in pairwise(edges) for event in parser.feed(STREAM[a:b])]
    assert found == EVENTS


def test_an_exception_of_an_unknown_name_is_an_api_error() -> None:
    (event,) = FrameParser().feed(frame(text(":message-type", "error"), b""))
    assert (event.event, json.loads(event.data)["error"]["type"]) == ("error", "api_error")


def damaged(at: int) -> bytes:
    data = bytearray(chunk(PING))
    data[at] ^= 1
    return bytes(data)


HUGE = struct.pack(">II", 1 << 30, 0)
EVENT = text(":event-type", "chunk") + text(":message-type", "event")


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"event: ping\ndata: {}\n\n", "begins wrongly"),
        (HUGE + struct.pack(">I", zlib.crc32(HUGE)), "begins wrongly"),
        (damaged(40), "was damaged"),
        (frame(EVENT, b"{}"), "holds no event"),
        (frame(EVENT, b'{"bytes": "a"}'), "holds no event"),
        (frame(header("x", 17, b""), b""), "unknown kind"),
        (frame(b"\x09x", b""), "unknown kind"),
    ],
)
def test_what_is_no_frame_is_refused(data: bytes, found: str) -> None:
    with pytest.raises(SseFormatError, match=found):
        FrameParser().feed(data)

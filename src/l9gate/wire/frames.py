"""Event streams as Amazon Bedrock frames them: bytes to frames to the events of the Messages API.

    total length 4 | length of headers 4 | CRC 4 | headers | payload | CRC 4

A frame `chunk` holds one event of the API as base64 in JSON; another frame is an exception that
stands for the `error` event. Source: Amazon Transcribe developer guide, "Event stream encoding";
botocore/eventstream.py reads the same.
"""

import base64
import binascii
import struct
import zlib

import msgspec

from l9gate.errors import SseFormatError
from l9gate.wire.sse import DEFAULT_EVENT, SseEvent

FRAMES = "application/vnd.amazon.eventstream"
_PRELUDE = struct.Struct(">III")
_CRC = struct.Struct(">I")
_LEAST_BYTES = 16
_MAX_BYTES = 24 << 20  # botocore's bound
_TEXT, _BYTES = 7, 6
_SIZES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}  # of values of a fixed length, by type
_ERRORS = {
    "throttlingException": "rate_limit_error",
    "validationException": "invalid_request_error",
    "serviceUnavailableException": "overloaded_error",
    "modelTimeoutException": "timeout_error",
}


class _Chunk(msgspec.Struct):
    bytes: str


class _Event(msgspec.Struct):
    type: str = DEFAULT_EVENT


_CHUNKS = msgspec.json.Decoder(_Chunk)
_EVENTS = msgspec.json.Decoder(_Event)


class FrameParser:
    """Takes bytes cut anywhere and returns the events of the frames that they complete."""

    def __init__(self) -> None:
        self._tail = bytearray()

    def feed(self, chunk: bytes) -> list[SseEvent]:
        """Return the events that the chunk completes.

        Raises:
            SseFormatError: what comes is no frame, or one that was damaged or is too long.
        """
        self._tail += chunk
        events: list[SseEvent] = []
        while len(self._tail) >= _PRELUDE.size:
            size_bytes, headers_bytes, checksum = _PRELUDE.unpack_from(self._tail)
            is_frame = zlib.crc32(self._tail[:8]) == checksum
            if not is_frame or not _LEAST_BYTES + headers_bytes <= size_bytes <= _MAX_BYTES:
                raise _error("a frame begins wrongly")
            if len(self._tail) < size_bytes:
                break
            frame = bytes(self._tail[:size_bytes])
            del self._tail[:size_bytes]
            event = _read(frame, headers_bytes)
            if event is not None:
                events.append(event)
        return events


def _read(frame: bytes, headers_bytes: int) -> SseEvent | None:
    end = len(frame) - _CRC.size
    if _CRC.unpack_from(frame, end) != (zlib.crc32(frame[:end]),):
        raise _error("a frame was damaged")
    start = _PRELUDE.size + headers_bytes
    headers = _read_headers(frame[_PRELUDE.size : start])
    if headers.get(":message-type") == "event":
        return _read_chunk(frame[start:end]) if headers.get(":event-type") == "chunk" else None
    name = headers.get(":exception-type") or headers.get(":error-code") or ""
    fault = {"type": _ERRORS.get(name, "api_error"), "message": ""}
    return SseEvent("error", msgspec.json.encode({"type": "error", "error": fault}))


def _read_chunk(payload: bytes) -> SseEvent:
    try:
        data = base64.b64decode(_CHUNKS.decode(payload).bytes, validate=True)
        return SseEvent(_EVENTS.decode(data).type, data)
    except (msgspec.DecodeError, UnicodeDecodeError, binascii.Error) as error:
        raise _error("a chunk holds no event") from error


def _read_headers(data: bytes) -> dict[str, str]:
    headers: dict[str, str] = {}
    at = 0
    try:
        while at < len(data):
            name_end = at + 1 + data[at]
            name, kind = data[at + 1 : name_end].decode(), data[name_end]
            at = name_end + 1
            if kind in (_TEXT, _BYTES):
                (size_bytes,) = struct.unpack_from(">H", data, at)
                at += 2
                headers[name] = data[at : at + size_bytes].decode("utf-8", "replace")
            else:
                size_bytes = _SIZES[kind]
            at += size_bytes
    except (IndexError, KeyError, UnicodeDecodeError, struct.error) as error:
        raise _error("a frame has a header of an unknown kind") from error
    return headers


def _error(found: str) -> SseFormatError:
    return SseFormatError(
        f"event stream of Bedrock: {found}", hint="the body is probably no such stream"
    )

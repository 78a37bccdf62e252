"""The wire format of protocol buffers, read without a schema: tags, varints, lengths.

Source: protobuf.dev/programming-guides/encoding.
"""

import struct
from collections.abc import Iterator

from l9gate.errors import MalformedBodyError

Value = int | bytes  # of a varint or fixed number; of anything with a length
_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5
_MAX_VARINT_BYTES = 10


def read_fields(data: bytes) -> Iterator[tuple[int, Value]]:
    """Yield number and value of each field of a message; fixed numbers are unsigned.

    Raises:
        MalformedBodyError: the bytes are no message.
    """
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        kind = tag & 7
        if kind == _VARINT:
            number, at = _varint(data, at)
            yield tag >> 3, number
        elif kind == _LENGTH:
            size, at = _varint(data, at)
            yield tag >> 3, _slice(data, at, size)
            at += size
        elif kind in (_FIXED64, _FIXED32):
            size = 8 if kind == _FIXED64 else 4
            yield tag >> 3, int.from_bytes(_slice(data, at, size), "little")
            at += size
        else:
            raise MalformedBodyError(f"no protocol buffer: wire type {kind} at byte {at}")


def as_signed(number: int) -> int:
    """Return an `int64` from its varint."""
    return number - (1 << 64) if number >= 1 << 63 else number


def as_double(number: int) -> float:
    """Return a `double` from its fixed number."""
    value: float = struct.unpack("<d", number.to_bytes(8, "little"))[0]
    return value


def _slice(data: bytes, at: int, size: int) -> bytes:
    if at + size > len(data):
        raise MalformedBodyError(f"no protocol buffer: a field ends beyond byte {len(data)}")
    return data[at : at + size]


def _varint(data: bytes, at: int) -> tuple[int, int]:
    number = 0
    for place, byte in enumerate(data[at : at + _MAX_VARINT_BYTES]):
        number |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return number, at + place + 1
    raise MalformedBodyError(f"no protocol buffer: a number has no end at byte {at}")

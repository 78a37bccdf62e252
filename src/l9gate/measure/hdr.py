"""HdrHistogram's V2 payload: counts as zigzag LEB128, runs of zeros as one negative number.

Source: the encoding in HdrHistogram's Java source (`AbstractHistogram.encodeIntoByteBuffer`,
`ZigZagEncoding`); the Python package `hdrhistogram` reads and writes the same bytes.
"""

import struct
import zlib
from collections.abc import Iterator, Sequence

_COMPRESSED, _PLAIN = 0x1C849314, 0x1C849313
_OUTER = struct.Struct(">ii")  # cookie, bytes that follow
_INNER = struct.Struct(
    ">iiiiqqd"
)  # cookie, bytes of counts, offset, digits, lowest, highest, ratio
_DIGITS, _LOWEST, _HIGHEST = 3, 1, 2**48 - 1
_MAX_PAYLOAD_BYTES = 9 * 64 * 1024
_LAST_BYTE = 8  # the ninth byte of a number holds eight bits


def encode_counts(counts: Sequence[int]) -> bytes:
    """Return counts by bucket of three digits from 1 to 2^48-1 as a compressed payload."""
    packed = bytearray()
    zeros = 0
    for count in counts:
        if count == 0:
            zeros += 1
            continue
        if zeros:
            _append(packed, -zeros)
            zeros = 0
        _append(packed, count)
    inner = _INNER.pack(_PLAIN, len(packed), 0, _DIGITS, _LOWEST, _HIGHEST, 1.0) + bytes(packed)
    data = zlib.compress(inner, 1)
    return _OUTER.pack(_COMPRESSED, len(data)) + data


def decode_counts(payload: bytes, buckets: int) -> list[int]:
    """Return the counts of a compressed payload, without the zeros at its end.

    Raises:
        ValueError: it is none of the three-digit layout from 1 to 2^48-1, or has more buckets.
    """
    try:
        cookie, size_bytes = _OUTER.unpack_from(payload)
        data = payload[_OUTER.size : _OUTER.size + size_bytes]
        decompressor = zlib.decompressobj()
        inner = decompressor.decompress(data, _INNER.size + _MAX_PAYLOAD_BYTES)
        plain, packed_bytes, offset, *layout = _INNER.unpack_from(inner)
    except (struct.error, zlib.error) as error:
        raise ValueError("no compressed HdrHistogram V2 payload") from error
    packed = inner[_INNER.size :] if decompressor.eof else b""
    if (cookie, plain, offset, packed_bytes) != (_COMPRESSED, _PLAIN, 0, len(packed)):
        raise ValueError("no compressed HdrHistogram V2 payload")
    if layout != [_DIGITS, _LOWEST, _HIGHEST, 1.0]:
        raise ValueError(f"an HdrHistogram of another layout: {layout}")
    counts: list[int] = []
    for number in _numbers(packed):
        if number < 0 and len(counts) - number <= buckets:
            counts += [0] * -number
        elif number > 0:
            counts.append(number)
        else:
            raise ValueError("an HdrHistogram with more buckets than its layout has")
    if len(counts) > buckets:
        raise ValueError("an HdrHistogram with more buckets than its layout has")
    return counts


def _append(packed: bytearray, number: int) -> None:
    rest = (number << 1) ^ (number >> 63)
    for _ in range(_LAST_BYTE):
        if rest < 0x80:
            packed.append(rest)
            return
        packed.append(rest & 0x7F | 0x80)
        rest >>= 7
    packed.append(rest)


def _numbers(packed: bytes) -> Iterator[int]:
    value = place = 0
    for byte in packed:
        is_last = place == _LAST_BYTE or byte < 0x80
        value |= (byte if place == _LAST_BYTE else byte & 0x7F) << 7 * place
        place += 1
        if is_last:
            yield value >> 1 ^ -(value & 1)
            value = place = 0
    if place:
        raise ValueError("an HdrHistogram payload that ends in the middle of a number")

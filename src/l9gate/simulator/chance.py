"""Chance that repeats: every number is a function of the seed and what it is for."""

import hashlib
import math

import msgspec

from l9gate.wire.json import Json

_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def digest(*parts: Json) -> int:
    """Return 128 bits that depend on all parts."""
    return int.from_bytes(hashlib.blake2b(msgspec.json.encode(parts), digest_size=16).digest())


def normal(*parts: Json) -> float:
    """Return a draw of the standard normal distribution."""
    bits = digest(*parts)
    first = ((bits & 0xFFFFFFFF) + 1) / 2**32  # never 0
    second = (bits >> 32 & 0xFFFFFFFF) / 2**32
    return math.sqrt(-2 * math.log(first)) * math.cos(2 * math.pi * second)


def opaque_id(prefix: str, *parts: Json) -> str:
    """Return an id in the API's form, unique for its parts."""
    bits = digest(prefix, *parts)
    letters = []
    for _ in range(21):
        bits, index = divmod(bits, len(_ALPHABET))
        letters.append(_ALPHABET[index])
    return f"{prefix}_01{''.join(letters)}"

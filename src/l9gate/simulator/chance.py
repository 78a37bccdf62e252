"""Chance that repeats: every number is a function of the seed and what it is for."""

import hashlib
import math

import msgspec

from l9gate.wire.json import Json


def digest(*parts: Json) -> int:
    """Return 128 bits that depend on all parts."""
    return int.from_bytes(_hash(*parts))


def normal(*parts: Json) -> float:
    """Return a draw of the standard normal distribution."""
    bits = digest(*parts)
    first = ((bits & 0xFFFFFFFF) + 1) / 2**32  # never 0
    second = (bits >> 32 & 0xFFFFFFFF) / 2**32
    return math.sqrt(-2 * math.log(first)) * math.cos(2 * math.pi * second)


def opaque_id(prefix: str, *parts: Json) -> str:
    """Return an id in the API's form, unique for its parts."""
    return f"{prefix}_01{_hash(prefix, *parts).hex()[:22]}"


def _hash(*parts: Json) -> bytes:
    return hashlib.blake2b(msgspec.json.encode(parts), digest_size=16).digest()

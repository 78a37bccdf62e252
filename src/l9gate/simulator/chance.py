"""Chance that repeats: every number is a function of the seed and what it is for."""

import hashlib
from functools import lru_cache

import msgspec

from l9gate.wire.json import Json

_MASK = 2**88 - 1  # as many bits as 22 digits hold
_ODD = 0x9E3779B97F4A7C15F39CC1


def digest(*parts: Json) -> int:
    """Return 128 bits that depend on all parts."""
    return int.from_bytes(_hash(*parts))


def opaque_id(prefix: str, *parts: Json) -> str:
    """Return an id in the API's form, unique for its parts."""
    return f"{prefix}_01{_hash(prefix, *parts).hex()[:22]}"


def numbered_id(prefix: str, seed: int, ordinal: int, number: int = 0) -> str:
    """Return an id in the API's form, cheaply: equal for no two ordinals of one seed and number.

    Multiplying by an odd number and folding the upper half onto the lower are both one to one.
    """
    bits = (_start_of(prefix, seed, number) + ordinal) * _ODD & _MASK
    return f"{prefix}_01{bits ^ bits >> 44:022x}"


@lru_cache(maxsize=1024)
def _start_of(prefix: str, seed: int, number: int) -> int:
    return int.from_bytes(_hash(prefix, seed, number)[:11])


def _hash(*parts: Json) -> bytes:
    return hashlib.blake2b(msgspec.json.encode(parts), digest_size=16).digest()

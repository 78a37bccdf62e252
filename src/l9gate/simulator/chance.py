"""Chance that repeats: every number is a function of the seed and what it is for."""

import hashlib
from collections.abc import Callable
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
    """Return an id in the API's form: equal for no two ordinals of one seed and number."""
    return id_maker(prefix, seed, number)(ordinal)


@lru_cache(maxsize=1024)
def id_maker(prefix: str, seed: int, number: int = 0) -> Callable[[int], str]:
    """Return what makes such ids of ordinals, cheaply.

    Multiplying by an odd number and folding the upper half onto the lower are both one to one.
    """
    start, begin = int.from_bytes(_hash(prefix, seed, number)[:11]), f"{prefix}_01"

    def make(ordinal: int) -> str:
        bits = (start + ordinal) * _ODD & _MASK
        return begin + (bits ^ bits >> 44).to_bytes(11).hex()

    return make


def _hash(*parts: Json) -> bytes:
    return hashlib.blake2b(msgspec.json.encode(parts), digest_size=16).digest()

"""The breakpoints of the prompt cache in a request: where they stand, and how long they keep.

Source: the sheet of the Messages API, section 11.
"""

from typing import TypeAlias

from l9gate.wire.json import Json, JsonObject, parse_object

Breakpoint: TypeAlias = tuple[str, str]  # the path of the block, and its lifetime
LIFETIMES_S = {"5m": 300, "1h": 3600}
DEFAULT_LIFETIME = "5m"
# A quote inside a JSON string is escaped, so that the key is not found in what a prompt says.
_KEY = b'"cache_control"'


def breakpoints_of(body: JsonObject) -> list[Breakpoint]:
    """Return the explicit breakpoints in the order in which the API processes the blocks."""
    found: list[Breakpoint] = []
    for name in ("tools", "system", "messages"):
        _collect(name, body.get(name), found)
    return found


def lifetime_of(control: JsonObject) -> str:
    """Return the lifetime that a `cache_control` asks for."""
    return str(control.get("ttl") or DEFAULT_LIFETIME)


def longest_lifetime_s(body: bytes) -> int | None:
    """Return the seconds that the longest-lived breakpoint of a request asks for.

    None: it has no breakpoint, or cannot be read.
    """
    if _KEY not in body:
        return None
    request = parse_object(body) or {}
    lifetimes = [lifetime for _, lifetime in breakpoints_of(request)]
    automatic = request.get("cache_control")
    if isinstance(automatic, dict):
        lifetimes.append(lifetime_of(automatic))
    shortest = LIFETIMES_S[DEFAULT_LIFETIME]
    return max((LIFETIMES_S.get(word, shortest) for word in lifetimes), default=None)


def _collect(path: str, value: Json, found: list[Breakpoint]) -> None:
    """Walk over blocks, inner before outer ones; schemas and inputs are no blocks."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            if isinstance(item, dict):
                _collect(f"{path}.{index}", item, found)
    elif isinstance(value, dict):
        inner = value.get("content")
        if isinstance(inner, list):
            _collect(f"{path}.content", inner, found)
        own = value.get("cache_control")
        if isinstance(own, dict):
            found.append((path, lifetime_of(own)))

"""Rules for cache breakpoints: how many, and in which order their lifetimes come."""

from collections.abc import Iterator

from l9gate.simulator.refusal import Refusal, invalid
from l9gate.wire.breakpoints import Breakpoint, breakpoints_of, lifetime_of
from l9gate.wire.json import JsonObject

MAX_BREAKPOINTS = 4


def check_cache(body: JsonObject) -> Iterator[Refusal]:
    """Yield what is wrong with the breakpoints of a body whose form is right."""
    found = breakpoints_of(body)
    automatic = body.get("cache_control")
    count = len(found) + (automatic is not None)
    if count > MAX_BREAKPOINTS:  # V18
        yield invalid(
            f"A maximum of {MAX_BREAKPOINTS} blocks with cache_control may be provided. "
            f"Found {count}."
        )
    if isinstance(automatic, dict):  # it goes to the last cacheable block
        last = _last_block(body)
        own = None if last is None else last.get("cache_control")
        if isinstance(own, dict) and lifetime_of(own) != lifetime_of(automatic):
            yield invalid(
                "cache_control.ttl: the last cacheable block has a cache_control with another ttl"
            )
        found.append(("", lifetime_of(automatic)))
    yield from _check_order(found)


def _check_order(found: list[Breakpoint]) -> Iterator[Refusal]:
    is_short = False
    for path, lifetime in found:
        if lifetime == "1h" and is_short:
            place = f"{path}.cache_control.ttl".lstrip(".")
            yield invalid(
                f"{place}: a ttl='1h' cache_control block must not come after a "
                "ttl='5m' cache_control block. Note that blocks are processed in the following "
                "order: `tools`, `system`, `messages`."
            )
        is_short = is_short or lifetime == "5m"


def _last_block(body: JsonObject) -> JsonObject | None:
    messages = body["messages"]
    last = messages[-1] if isinstance(messages, list) and messages else None
    content = last.get("content") if isinstance(last, dict) else None
    block = content[-1] if isinstance(content, list) and content else None
    return block if isinstance(block, dict) else None

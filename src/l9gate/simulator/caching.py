"""The prompt cache: which part of a prompt is read from it, which is written, which is neither.

A prefix runs over tools, system and messages, block by block. Every breakpoint writes one entry,
the hash of everything up to it, and reads by looking back over at most twenty blocks. Source: the
sheet of the Messages API, section 11.
"""

import hashlib
from collections.abc import Iterator

import msgspec

from l9gate.simulator.message import InputUse
from l9gate.simulator.tokens import (
    bytes_per_token,
    count_block_tokens,
    start_of_turn,
    without_breakpoints,
)
from l9gate.simulator.turns import blocks_of, objects_of
from l9gate.wire.breakpoints import DEFAULT_LIFETIME, LIFETIMES_S, lifetime_of
from l9gate.wire.json import Json, JsonObject
from l9gate.wire.models import cacheable_from_tokens

_LOOK_BACK_BLOCKS = 20
_MAX_ENTRIES = 20_000
_INELIGIBLE = frozenset({"thinking", "redacted_thinking"})


class CachePlan(msgspec.Struct, frozen=True):
    """What one request takes from the cache, and what it leaves there once it is answered."""

    use: InputUse
    refreshed: tuple[bytes, ...] = ()
    written: tuple[tuple[bytes, int], ...] = ()  # and for how many seconds


class _Entry(msgspec.Struct):
    ready_s: float
    expires_s: float
    ttl_s: int
    since_s: float  # when it was written first


class _Prefix(msgspec.Struct, frozen=True):
    """Everything up to one block."""

    key: bytes
    tokens: int
    ttl_s: int  # of the breakpoint at its end, 0 without one
    is_eligible: bool


class PromptCache:
    """The entries of all organisations; holds hashes, no prompts, and forgets the oldest."""

    def __init__(self, max_entries: int = _MAX_ENTRIES, time_factor: float = 1.0) -> None:
        self._entries: dict[bytes, _Entry] = {}
        self._max_entries = max_entries
        self._time_factor = time_factor  # entries age so much faster
        self.expired = 0  # entries that were asked for again too late
        self.lives: float | None = None  # of its lifetimes, how long the one in longest use was

    def plan(
        self, body: JsonObject, model: str, total_tokens: int, scope: str, now_s: float
    ) -> CachePlan:
        """Return how a prompt meets the cache; nothing changes until the plan is kept.

        Args:
            body: a valid request.
            model: its resolved id.
            total_tokens: of the whole prompt.
            scope: who asks; nobody reads what another one wrote.
            now_s: when the request began.
        """
        if not _may_cache(body):
            return CachePlan(InputUse(plain=total_tokens))
        prefixes = _with_automatic(list(_prefixes(body, model, scope, total_tokens)), body)
        least = cacheable_from_tokens(model)
        stops = [i for i, p in enumerate(prefixes) if p.ttl_s and p.tokens >= least]
        if not stops:
            return CachePlan(InputUse(plain=total_tokens))
        hit = self._find_hit(prefixes, stops, now_s)
        fresh = [prefixes[index] for index in stops if index > hit]
        refreshed = [prefixes[index].key for index in (*stops, hit) if 0 <= index <= hit]
        read = prefixes[hit].tokens if hit >= 0 else 0
        long = max((p.tokens for p in fresh if p.ttl_s == LIFETIMES_S["1h"]), default=read)
        end = prefixes[max(stops[-1], hit)].tokens
        use = InputUse(
            plain=total_tokens - end, read=read, written_1h=long - read, written_5m=end - long
        )
        return CachePlan(use, tuple(refreshed), tuple((p.key, p.ttl_s) for p in fresh))

    def keep(self, plan: CachePlan, began_s: float, ready_s: float) -> None:
        """Take over what a plan wrote; it can be read once the answer has begun."""
        for key in plan.refreshed:
            entry = self._entries.pop(key, None)
            if entry is not None:
                entry.expires_s = max(entry.expires_s, began_s + entry.ttl_s / self._time_factor)
                self._entries[key] = entry
                self._see_use(entry, began_s)
        for key, ttl_s in plan.written:
            known = self._entries.pop(key, None)
            is_live = known is not None and known.expires_s > began_s
            self.expired += known is not None and not is_live
            ready_s = min(known.ready_s, ready_s) if known and is_live else ready_s
            since_s = known.since_s if known and is_live else began_s
            expires_s = began_s + ttl_s / self._time_factor
            self._entries[key] = entry = _Entry(ready_s, expires_s, ttl_s, since_s)
            self._see_use(entry, began_s)
        while len(self._entries) > self._max_entries:
            del self._entries[next(iter(self._entries))]

    def _see_use(self, entry: _Entry, now_s: float) -> None:
        lives = self._time_factor * (now_s - entry.since_s) / entry.ttl_s
        self.lives = max(self.lives or 0.0, lives)

    def _find_hit(self, prefixes: list[_Prefix], stops: list[int], now_s: float) -> int:
        """Return the index of the longest prefix that can be read, -1 without one."""
        for stop in reversed(stops):
            for index in range(stop, max(-1, stop - _LOOK_BACK_BLOCKS), -1):
                entry = self._entries.get(prefixes[index].key)
                if entry is not None and entry.ready_s <= now_s < entry.expires_s:
                    return index
        return -1


def _may_cache(body: JsonObject) -> bool:
    if body.get("cache_control") is not None:
        return True
    listed = [*objects_of(body.get("tools")), *objects_of(body.get("system"))]
    if any(_ttl_of(item) for item in listed):
        return True
    messages = objects_of(body["messages"])
    return any(_ttl_of(block) for message in messages for block in objects_of(message["content"]))


def _ttl_of(block: JsonObject) -> int:
    """Return the seconds that the breakpoint of a block, or of one within it, asks for."""
    control = block.get("cache_control")
    if isinstance(control, dict):
        return _seconds_of(control)
    return max((_ttl_of(inner) for inner in objects_of(block.get("content"))), default=0)


def _seconds_of(control: JsonObject) -> int:
    return LIFETIMES_S.get(lifetime_of(control), LIFETIMES_S[DEFAULT_LIFETIME])


def _prefixes(body: JsonObject, model: str, scope: str, total_tokens: int) -> Iterator[_Prefix]:
    """Yield every prefix of a prompt, the shortest first."""
    chain = hashlib.blake2b(f"{scope}\n{model}".encode(), digest_size=16)
    per_token, tokens = bytes_per_token(model), 0.0
    for marks, parts in _sections(body):
        chain.update(msgspec.json.encode(marks))
        for role, block in parts:
            plain = without_breakpoints(block)
            chain.update(msgspec.json.encode([role, plain]))
            tokens += count_block_tokens(plain, per_token)
            kind = block.get("type")
            is_eligible = kind not in _INELIGIBLE and block.get("text") != ""
            yield _Prefix(
                chain.copy().digest(), min(int(tokens), total_tokens), _ttl_of(block), is_eligible
            )


def _sections(body: JsonObject) -> Iterator[tuple[list[Json], list[tuple[Json, JsonObject]]]]:
    """Yield tools, system and messages, each with what invalidates it and all that follows."""
    yield [], [("tools", tool) for tool in objects_of(body.get("tools"))]
    messages = objects_of(body["messages"])
    blocks = [(message["role"], block) for message in messages for block in blocks_of(message)]
    system = body.get("system")
    texts = [_text(system)] if isinstance(system, str) else objects_of(system)
    cites = any(_cites(block) for _, block in blocks)
    yield [body.get("speed") or "standard", cites], [("system", text) for text in texts]
    has_images = any(block["type"] == "image" for _, block in blocks)
    config = body.get("output_config")
    effort = config.get("effort") if isinstance(config, dict) else None
    marks = [body.get("tool_choice"), body.get("thinking"), effort, has_images]
    yield marks, list(_read_blocks(messages))


def _read_blocks(messages: list[JsonObject]) -> Iterator[tuple[Json, JsonObject]]:
    """Yield the blocks that the model reads: without thoughts of earlier turns."""
    turn = start_of_turn(messages)
    for index, message in enumerate(messages):
        for block in blocks_of(message):
            if index >= turn or block["type"] not in _INELIGIBLE:
                yield message["role"], block


def _text(text: str) -> JsonObject:
    return {"type": "text", "text": text}


def _cites(block: JsonObject) -> bool:
    citations = block.get("citations")
    return isinstance(citations, dict) and citations.get("enabled") is True


def _with_automatic(prefixes: list[_Prefix], body: JsonObject) -> list[_Prefix]:
    """Put the breakpoint that the top level asks for at the last block that can carry one."""
    control = body.get("cache_control")
    if not isinstance(control, dict):
        return prefixes
    for index in range(len(prefixes) - 1, -1, -1):
        last = prefixes[index]
        if last.is_eligible:
            ttl_s = last.ttl_s or _seconds_of(control)
            prefixes[index] = msgspec.structs.replace(last, ttl_s=ttl_s)
            break
    return prefixes

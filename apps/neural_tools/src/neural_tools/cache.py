"""What is remembered, and for how long."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheStatistics:
    """What a cache did since it was made."""

    hits: int = 0
    misses: int = 0
    expired: int = 0  # misses that would have been hits before the time to live was over
    evicted: int = 0  # dropped because the cache was full
    entries: int = 0

    @property
    def hit_rate(self) -> float | None:
        """Hits over look-ups; None before the first one."""
        lookups = self.hits + self.misses
        return self.hits / lookups if lookups else None


@dataclass(frozen=True, slots=True)
class Remembered(Generic[Value]):
    """What was put, and how long ago."""

    value: Value
    age_s: float


class TtlCache(Generic[Value]):
    """A bounded cache whose entries end `ttl_s` seconds after they were put.

    The time to live counts from the put, never from the last use. When full, what was unused for
    longest goes first. Safe to use from several threads.
    """

    def __init__(self, *, ttl_s: float, max_entries: int, clock: Callable[[], float]) -> None:
        self._ttl_s = ttl_s
        self._max_entries = max_entries
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: OrderedDict[str, tuple[float, Value]] = OrderedDict()  # put when, and what
        self._hits = self._misses = self._expired = self._evicted = 0

    @property
    def is_on(self) -> bool:
        """Whether anything is ever remembered."""
        return self._ttl_s > 0

    def get(self, key: str) -> Remembered[Value] | None:
        """Return what was put less than `ttl_s` seconds ago, counting a hit or a miss."""
        with self._lock:
            found = self._live(key)
            if found is None:
                self._misses += 1
                return None
            self._hits += 1
            self._entries.move_to_end(key)
            return found

    def peek(self, key: str) -> Remembered[Value] | None:
        """Return what `get` would return, counting nothing."""
        with self._lock:
            return self._live(key)

    def put(self, key: str, value: Value) -> None:
        """Remember a value from now on, instead of an older one."""
        if not self.is_on:
            return
        with self._lock:
            self._entries[key] = (self._clock(), value)
            self._entries.move_to_end(key)
            while len(self._entries) > self._max_entries:
                self._entries.popitem(last=False)
                self._evicted += 1

    def clear(self) -> None:
        """Forget all entries; the counts stay."""
        with self._lock:
            self._entries.clear()

    def statistics(self) -> CacheStatistics:
        """Return what happened so far."""
        with self._lock:
            return CacheStatistics(
                hits=self._hits,
                misses=self._misses,
                expired=self._expired,
                evicted=self._evicted,
                entries=len(self._entries),
            )

    def _live(self, key: str) -> Remembered[Value] | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        put_s, value = entry
        now_s = self._clock()
        if now_s < put_s + self._ttl_s:
            return Remembered(value, now_s - put_s)
        del self._entries[key]
        self._expired += 1
        return None

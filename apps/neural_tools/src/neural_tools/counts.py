"""What a re-ranker did, counted."""

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """Counts since the re-ranker was made; a snapshot."""

    operations: int = 0  # rankings asked for, whatever came of them
    answers: int = 0  # rankings that the model gave to a question of their own
    attempts: int = 0  # requests sent
    hits: int = 0
    misses: int = 0
    shared: int = 0  # misses that waited for an equal question that was on its way already
    fallbacks: Mapping[str, int] = field(default_factory=dict)  # reason → operations
    mocks: int = 0
    unasked: int = 0  # nothing to rank: fewer than two candidates or a blank query
    refused: int = 0  # configuration errors raised
    unavailable: int = 0  # transient failures raised in strict mode
    repaired: int = 0  # answers that had to be completed or cleaned
    input_tokens: int = 0
    output_tokens: int = 0
    avoided_input_tokens: int = 0
    avoided_output_tokens: int = 0

    @property
    def hit_rate(self) -> float | None:
        """Hits over cache look-ups; None before the first one."""
        lookups = self.hits + self.misses
        return self.hits / lookups if lookups else None

    @property
    def fallback_rate(self) -> float | None:
        """Degraded results over operations; None before the first one."""
        return sum(self.fallbacks.values()) / self.operations if self.operations else None


class Tally:
    """Counts from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._fallbacks: Counter[str] = Counter()

    def add(self, **counts: int) -> None:
        """Add to fields of `Statistics`, by their names."""
        with self._lock:
            self._counts.update(counts)

    def add_fallback(self, reason: str) -> None:
        """Count one degraded result."""
        with self._lock:
            self._fallbacks[reason] += 1

    def snapshot(self) -> Statistics:
        """Return all counts as they are now."""
        with self._lock:
            return Statistics(**self._counts, fallbacks=dict(self._fallbacks))

"""When calls are due. An open loop never waits for an answer; a closed one has users who do."""

import math
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from l9gate.errors import UsageError

_RATE = r"(\d+(?:\.\d+)?|\.\d+)\s*/\s*(s|min|h)"
_STEADY = re.compile(rf"(constant|poisson)\s+{_RATE}")
_RAMP = re.compile(rf"ramp\s+{_RATE}\s*\.\.\s*{_RATE}")
_CLOSED = re.compile(r"closed\s+(\d+)(?:\s+think\s+(\d+(?:\.\d+)?)s)?")
_SECONDS = {"s": 1, "min": 60, "h": 3600}
_HINT = (
    "write `constant 5/s`, `poisson 30/min`, `ramp 1/s..20/s`, or `closed 8` for eight users who "
    "wait for their answers (`closed 8 think 2s`: two seconds after each)"
)


class Arrivals(Protocol):
    """An open loop: when each call is due, whatever became of those before."""

    @property
    def duration_s(self) -> float | None:
        """How long calls keep coming; None: as long as there are any."""

    @property
    def planned(self) -> int | None:
        """How many calls there are whatever the chance; None where chance decides."""

    def offsets_s(self, seed: int) -> Iterator[float]:
        """Yield when each call is due in seconds since the start; never falling, same by seed."""
        ...

    def in_words(self) -> str:
        """Return it as it is written on the command line."""
        ...


@dataclass(frozen=True, slots=True)
class Constant:
    """Calls at equal distances."""

    rate_per_s: float
    duration_s: float

    def __post_init__(self) -> None:
        _check(self.duration_s, self.rate_per_s)

    @property
    def planned(self) -> int | None:
        """How many calls there are."""
        return math.ceil(round(self.rate_per_s * self.duration_s, 6))

    def offsets_s(self, seed: int) -> Iterator[float]:  # noqa: ARG002 - nothing is left to chance
        """Yield 0, 1/rate, 2/rate and so on."""
        return (number / self.rate_per_s for number in range(self.planned or 0))

    def in_words(self) -> str:
        """Return it as it is written on the command line."""
        return f"constant {self.rate_per_s:g}/s"


@dataclass(frozen=True, slots=True)
class Poisson:
    """Calls of many who know nothing of each other: distances are exponential."""

    rate_per_s: float
    duration_s: float

    def __post_init__(self) -> None:
        _check(self.duration_s, self.rate_per_s)

    @property
    def planned(self) -> int | None:
        """Chance decides."""
        return None

    def offsets_s(self, seed: int) -> Iterator[float]:
        """Yield the arrivals of a Poisson process."""
        chance = random.Random(f"poisson {seed}")  # noqa: S311 - no secret
        draw, rate_per_s, duration_s = chance.random, self.rate_per_s, self.duration_s
        offset_s = 0.0
        while True:
            offset_s -= math.log(1.0 - draw()) / rate_per_s
            if offset_s >= duration_s:
                return
            yield offset_s

    def in_words(self) -> str:
        """Return it as it is written on the command line."""
        return f"poisson {self.rate_per_s:g}/s"


@dataclass(frozen=True, slots=True)
class Ramp:
    """A rate that grows or falls evenly; chance plays no part."""

    from_per_s: float
    to_per_s: float
    duration_s: float

    def __post_init__(self) -> None:
        _check(self.duration_s, max(self.from_per_s, self.to_per_s))

    @property
    def planned(self) -> int | None:
        """How many calls there are."""
        return math.ceil(round((self.from_per_s + self.to_per_s) / 2 * self.duration_s, 6))

    def offsets_s(self, seed: int) -> Iterator[float]:  # noqa: ARG002 - nothing is left to chance
        """Yield when the n-th call is due: from·t + (to-from)/(2·duration)·t² = n."""
        half = (self.to_per_s - self.from_per_s) / (2 * self.duration_s)
        for number in range(self.planned or 0):
            inner = max(self.from_per_s**2 + 4 * half * number, 0.0)
            base = self.from_per_s + math.sqrt(inner)
            yield min(2 * number / base, self.duration_s) if number else 0.0

    def in_words(self) -> str:
        """Return it as it is written on the command line."""
        return f"ramp {self.from_per_s:g}/s..{self.to_per_s:g}/s"


@dataclass(frozen=True, slots=True)
class Recorded:
    """Calls as they came once, at their own speed or another."""

    times_s: tuple[float, ...]  # since the first; never falling
    speed: float = 1.0

    def __post_init__(self) -> None:
        _check(1.0, self.speed)
        pairs = zip(self.times_s, self.times_s[1:], strict=False)
        if not self.times_s or any(later < earlier for earlier, later in pairs):
            raise UsageError("recorded times have to be some, and in order")

    @property
    def duration_s(self) -> float | None:
        """When the last one is due."""
        return (self.times_s[-1] - self.times_s[0]) / self.speed

    @property
    def planned(self) -> int | None:
        """How many calls there are."""
        return len(self.times_s)

    def offsets_s(self, seed: int) -> Iterator[float]:  # noqa: ARG002 - nothing is left to chance
        """Yield the recorded times."""
        first_s = self.times_s[0]
        return ((time_s - first_s) / self.speed for time_s in self.times_s)

    def in_words(self) -> str:
        """Return it as it is written on the command line."""
        return "recorded" if self.speed == 1 else f"recorded x{self.speed:g}"


@dataclass(frozen=True, slots=True)
class Closed:
    """So many users, each of whom calls again some time after the last answer."""

    users: int
    duration_s: float | None = None
    calls: int | None = None  # of all users together
    think_s: float = 0.0

    def __post_init__(self) -> None:
        _check(1.0 if self.duration_s is None else self.duration_s, self.users)
        if self.duration_s is None and self.calls is None:
            raise UsageError("a closed loop ends after a time or after some calls")
        if self.think_s < 0 or (self.calls is not None and self.calls < 1):
            raise UsageError("nobody thinks for less than no time or calls less than once")

    @property
    def planned(self) -> int | None:
        """How many calls there are; None: as many as fit."""
        return self.calls

    def share(self, shard: int, shards: int) -> "Closed":
        """Return the part of one shard; users and calls are dealt in turn."""
        return Closed(
            len(range(shard, self.users, shards)),
            self.duration_s,
            None if self.calls is None else len(range(shard, self.calls, shards)),
            self.think_s,
        )

    def in_words(self) -> str:
        """Return it as it is written on the command line."""
        pause = f" think {self.think_s:g}s" if self.think_s else ""
        return f"closed {self.users}{pause}"


def parse_arrivals(text: str, duration_s: float) -> Arrivals | Closed:
    """Return the arrivals that a text like `poisson 5/s` stands for.

    Raises:
        UsageError: it says nothing that is known, or nothing that can be carried out.
    """
    words = text.strip().lower()
    if found := _STEADY.fullmatch(words):
        rate_per_s = float(found[2]) / _SECONDS[found[3]]
        kind = Constant if found[1] == "constant" else Poisson
        return kind(rate_per_s, duration_s)
    if found := _RAMP.fullmatch(words):
        from_per_s, to_per_s = (float(found[at]) / _SECONDS[found[at + 1]] for at in (1, 3))
        return Ramp(from_per_s, to_per_s, duration_s)
    if found := _CLOSED.fullmatch(words):
        return Closed(int(found[1]), duration_s, think_s=float(found[2] or 0))
    raise UsageError(f"`{text}` says no rate that is known", hint=_HINT)


def _check(duration_s: float, rate: float) -> None:
    if not (0 < duration_s < math.inf and 0 < rate < math.inf):
        raise UsageError("a load needs a rate and a duration above 0", hint=_HINT)


def count_planned(arrivals: Arrivals | Closed, seed: int, shard: int, shards: int) -> int | None:
    """Return how many calls of the schedule belong to one shard; None: as many as fit."""
    if isinstance(arrivals, Closed):
        return arrivals.share(shard, shards).planned
    planned = arrivals.planned
    if planned is None:
        planned = sum(1 for _ in arrivals.offsets_s(seed))
    return len(range(shard, planned, shards))

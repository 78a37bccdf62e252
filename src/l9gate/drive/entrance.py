"""Where the calls of a load go in."""

from collections.abc import Callable
from typing import Protocol, TypeAlias

from l9gate.drive.columns import Row
from l9gate.drive.workload import Job
from l9gate.evidence.load import Arm


class Entrance(Protocol):
    """Where calls go in; rows come out at `take`, handed in when it is made."""

    @property
    def in_flight(self) -> int:
        """How many calls have been started and have not ended."""

    @property
    def waiting(self) -> int:
        """How many of them are not on their way yet."""

    async def open(self) -> None:
        """Get ready."""

    def start(self, job: Job, arm: Arm, position: int, due_s: float) -> None:
        """Begin a call; returns at once."""

    def sweep(self, now_s: float) -> None:
        """End the calls whose time is over."""

    def abandon(self) -> int:
        """Give up on the calls that are not on their way yet, and return how many they were."""
        ...

    async def close(self) -> None:
        """End; calls in flight get no row."""


TakeRow: TypeAlias = Callable[[Arm, Job, Row], None]

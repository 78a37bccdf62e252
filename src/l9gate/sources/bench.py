"""What a source is given."""

from collections.abc import Callable
from dataclasses import dataclass

from l9gate.evidence.log import Sink
from l9gate.measure.clock import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Time, chance, a place for records, and somebody who listens to the progress."""

    clock: Clock
    seed: int
    sink: Sink
    say: Callable[[str], None]

"""What kinds of quantities there are: samples, rates, paces, plain numbers, trends."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from l9gate.criteria.excerpt import Excerpt
from l9gate.criteria.load_samples import Tally
from l9gate.criteria.ranked import Ranked
from l9gate.criteria.readings import Pace, Reading
from l9gate.criteria.samples import Observation
from l9gate.criteria.soak_trends import Trending


class Unit(Enum):
    """What numbers a limit may be written in; the value is the unit of a finding."""

    SECONDS = "s"
    BYTES = "bytes"
    FRACTION = "%"
    COUNT = ""
    PER_SECOND = "/s"
    DOLLARS = "USD"


@dataclass(frozen=True, slots=True)
class Quantity:
    """A name, its unit, what it counts and which `where` keys narrow it."""

    name: str
    unit: Unit
    basis: str
    keys: frozenset[str]
    about: str


@dataclass(frozen=True, slots=True)
class Sample(Quantity):
    """Values of which a quantile is asked: `p95(name)`."""

    observe: Callable[[Excerpt], list[Observation]]


@dataclass(frozen=True, slots=True)
class Rate(Quantity):
    """Events that happen or do not: `rate(name)`."""

    observe: Callable[[Excerpt], list[Observation]]


@dataclass(frozen=True, slots=True)
class RankedSample(Quantity):
    """Values of which a quantile is asked, so many that they stay in columns."""

    rank: Callable[[Excerpt], Ranked]


@dataclass(frozen=True, slots=True)
class CountedRate(Quantity):
    """Events that happen or do not, counted instead of listed: `rate(name)`."""

    count: Callable[[Excerpt], Tally]


@dataclass(frozen=True, slots=True)
class Scalar(Quantity):
    """One number, a plain fact without an interval."""

    read: Callable[[Excerpt], Reading]


@dataclass(frozen=True, slots=True)
class PaceOf(Quantity):
    """Events per second, with an interval."""

    read: Callable[[Excerpt], Pace]


@dataclass(frozen=True, slots=True)
class Trended(Quantity):
    """One number that rests on how gauges developed, between two ends."""

    find: Callable[[Excerpt], Trending]


AnyQuantity: TypeAlias = Sample | RankedSample | Rate | CountedRate | Scalar | PaceOf | Trended
SAMPLES, RATES = (Sample, RankedSample), (Rate, CountedRate)

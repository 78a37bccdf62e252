"""Records of how answers, and what tests make in their place, differ from the contract."""

from datetime import date

from l9gate.evidence.record import Record
from l9gate.evidence.words import Layer, Origin


class ContractDrift(Record, frozen=True, kw_only=True, tag="contract_drift"):
    """One way in which answers differ from the contract; equal ones are counted."""

    code: str  # of the rule that tells it; `l9gate explain CODE`
    impact: str  # "breaking" | "warning" | "waived": somebody answers for it
    place: str  # JSON pointer, header or event; `*` stands for the number of an item
    expected: str  # names and types, never text
    found: str
    exchange_id: str  # of the first answer that this record counts; empty: it was made by hand
    owner: str | None
    layer: Layer | None
    origin: Origin
    count: int = 1
    built_at: str | None = None  # file:line that made it by hand
    waiver: str | None = None  # who answers for it and until when, or why a waiver does not


class HandMade(Record, frozen=True, kw_only=True, tag="hand_made"):
    """How many objects of the SDK one owner made by hand, which were held against the contract."""

    owner: str  # a test, a shared fixture, or a file that was imported
    layer: Layer | None
    held: int
    drifted: int = 0
    unread: int = 0  # that could not be read, such as those with mocks inside
    blind: str | None = None  # why none is seen at all


class LapsedWaiver(Record, frozen=True, kw_only=True, tag="lapsed_waiver"):
    """A waiver of differences whose last day has passed; every process of a run may tell it."""

    code: str
    probe: str | None
    path: str | None
    owner: str  # who answered for it
    expires: date

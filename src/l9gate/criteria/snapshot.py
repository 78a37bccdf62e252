"""All records of a log, read and grouped once for many criteria."""

from collections.abc import Iterator
from functools import cached_property
from typing import TypeVar

from l9gate.criteria.calls import Call, calls_of
from l9gate.criteria.load_view import LoadLog
from l9gate.criteria.ownership import Ownership
from l9gate.evidence.load import ClientCheck, LoadBlock, LoadHistogram, LoadPlan
from l9gate.evidence.log import EvidenceLog
from l9gate.evidence.records import Exchange, Signal, SignalSource

R = TypeVar("R")


class Snapshot:
    """A log that remembers what it was asked for, since thirty criteria ask for the same."""

    def __init__(self, log: EvidenceLog) -> None:
        self._log = log
        self._known: dict[type[object], list[object]] = {}

    @classmethod
    def of_log(cls, log: EvidenceLog) -> "Snapshot":
        """Return the log itself if it is a snapshot, else one of it."""
        return log if isinstance(log, cls) else cls(log)

    def of(self, kind: type[R]) -> Iterator[R]:
        """Yield every record of one class, in the order of the log."""
        if kind not in self._known:
            found: list[object] = list(self._log.of(kind))
            self._known[kind] = list(_told_once(found)) if kind is Signal else found
        return (record for record in self._known[kind] if isinstance(record, kind))

    @cached_property
    def ownership(self) -> Ownership:
        """Which tests own what was seen."""
        return Ownership.of(self)

    @cached_property
    def load(self) -> LoadLog:
        """What load put into the log."""
        return LoadLog(
            self.of(LoadBlock), self.of(LoadHistogram), self.of(LoadPlan), self.of(ClientCheck)
        )

    @cached_property
    def calls(self) -> list[Call]:
        """Every call of every origin."""
        return calls_of(self.of(Exchange))


def _told_once(signals: list[object]) -> Iterator[Signal]:
    """Leave out what a span tells of an operation that a log record, or the span before, told of.

    An application may do both, and export its spans besides.
    """
    found = [one for one in signals if isinstance(one, Signal)]
    known = {(one.span_id, one.operation) for one in found if one.source is SignalSource.LOG}
    for one in found:
        key = one.span_id, one.operation
        if one.source is SignalSource.SPAN:
            if one.span_id is not None and key in known:
                continue
            known.add(key)
        yield one

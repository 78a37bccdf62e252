"""The two ends of the evidence: a sink to put into, a log to read from."""

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

from l9gate.evidence.records import AnyRecord

R = TypeVar("R")


class Sink(Protocol):
    """Takes records; what `put` accepted may be buffered until `flush` returns."""

    def put(self, record: AnyRecord) -> None:
        """Accept one record."""
        ...

    def flush(self) -> None:
        """Return once everything that was put survives the death of this process.

        Raises:
            WriteError: the disk is full or read-only.
        """
        ...


class EvidenceLog(Protocol):
    """All records of one or several runs, in a stable order."""

    def of(self, kind: type[R]) -> Iterator[R]:
        """Yield every record of one class, in the order of writer and sequence number."""
        ...


class MemoryLog:
    """A sink and a log in one list: for tests, and for judging what is already in memory."""

    def __init__(self, records: Iterable[AnyRecord] = ()) -> None:
        self.records: list[AnyRecord] = list(records)

    def put(self, record: AnyRecord) -> None:
        """Accept one record."""
        self.records.append(record)

    def flush(self) -> None:
        """Do nothing: memory is as durable as it gets."""

    def of(self, kind: type[R]) -> Iterator[R]:
        """Yield every record of one class, in the order of arrival."""
        return (record for record in self.records if isinstance(record, kind))

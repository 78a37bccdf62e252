"""All records of a log, read once for many criteria."""

from collections.abc import Iterator
from typing import TypeVar

from l9gate.evidence.log import EvidenceLog

R = TypeVar("R")


class Snapshot:
    """A log that remembers what it was asked for, since thirty criteria ask for the same."""

    def __init__(self, log: EvidenceLog) -> None:
        self._log = log
        self._known: dict[type[object], list[object]] = {}

    def of(self, kind: type[R]) -> Iterator[R]:
        """Yield every record of one class, in the order of the log."""
        if kind not in self._known:
            self._known[kind] = list(self._log.of(kind))
        return (record for record in self._known[kind] if isinstance(record, kind))

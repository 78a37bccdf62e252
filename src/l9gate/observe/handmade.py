"""Holds what unit tests make of the SDK's response types against the contract, as mocked answers.

An object is read when it is made. One that differs is read again when its test has ended, and only
what still differs counts: it may have been filled in, or become part of a stream's first event.
"""

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, cast

from l9gate.contract import Asked, Drift
from l9gate.contract.documents import ERROR, MESSAGE
from l9gate.contract.envelope import find_type_drifts
from l9gate.evidence.records import HandMade, Origin
from l9gate.observe.attribution import Owner
from l9gate.observe.making import Made
from l9gate.observe.scrutiny import Notes, Scrutiny, is_fine_in_mock
from l9gate.wire.json import JsonObject

MAX_KEPT = 100  # that differ, for each owner; what differs beyond is not read again
_START = "event message_start"


class _Model(Protocol):
    """A model of pydantic 2."""

    def model_dump(
        self, *, mode: str, by_alias: bool, exclude_unset: bool, warnings: bool
    ) -> JsonObject:
        """Return it as JSON."""


@dataclass(frozen=True, slots=True)
class _Source:
    owner: Owner
    exchange_id: str = ""
    origin: Origin = Origin.MOCKED


@dataclass(slots=True)
class _Tally:
    """What one owner made."""

    source: _Source
    held: int = 0
    drifted: int = 0
    unread: int = 0
    differing: list[tuple[Made, list[Drift]]] = field(default_factory=list)


class Inspection:
    """Inspects what is made in one process."""

    def __init__(self, scrutiny: Scrutiny, notes: Notes, root: Path) -> None:
        self._scrutiny = scrutiny
        self._contract = scrutiny.contract
        self._notes = notes
        self._root = root
        self._tallies: dict[str, _Tally] = {}
        self._lock = threading.RLock()  # to read an object may make another one
        self._for_mocks = scrutiny.contract_for_mocks

    def inspect(self, made: Made, owner: Owner) -> None:
        """Take in an object that was made just now."""
        value = _read(made)
        drifts = [] if value is None else self._drifts(made, value)
        with self._lock:
            tally = self._tallies.setdefault(owner.id, _Tally(_Source(owner)))
            if value is None:
                tally.unread += 1
                return
            tally.held += 1
            if made.document == _START:
                self._excuse(getattr(made.thing, "message", None))
            if len(tally.differing) < MAX_KEPT and drifts:
                tally.differing.append((made, drifts))
            elif drifts:
                self._count(tally, made, drifts)

    def settle(self, owner_id: str, at_s: float) -> None:
        """Put what an owner made, whose work has ended."""
        with self._lock:
            tally = self._tallies.pop(owner_id, None)
            if tally is not None:
                self._put(tally, at_s)

    def settle_all(self, at_s: float) -> None:
        """Put what is left: what shared fixtures made, and files when they were imported."""
        for owner_id in tuple(self._tallies):
            self.settle(owner_id, at_s)

    def _drifts(self, made: Made, value: JsonObject) -> list[Drift]:
        contract = self._contract if made.is_beta else self._for_mocks
        document = made.document
        drifts = contract.compare(document, value)
        if document == MESSAGE:
            drifts += contract.find_message_drifts(Asked(), value)
        elif document == ERROR:
            drifts += find_type_drifts(value, getattr(made.thing, "status", None))
        return [one for one in drifts if one.is_grave and not is_fine_in_mock(one)]

    def _excuse(self, message: object) -> None:
        """Forget that a message differs that begins a stream, or its copy: it has not ended yet."""
        for tally in self._tallies.values():
            tally.differing = [one for one in tally.differing if one[0].thing != message]

    def _put(self, tally: _Tally, at_s: float) -> None:
        for made, drifts in tally.differing:
            now = self._drifts(made, _read(made) or {})
            places = {(drift.code, drift.path) for drift in now}
            lasting = [drift for drift in drifts if (drift.code, drift.path) in places]
            if lasting:
                self._count(tally, made, lasting)
        owner = tally.source.owner
        self._notes.put(
            HandMade(
                at_s=at_s,
                owner=owner.id,
                layer=owner.layer,
                held=tally.held,
                drifted=tally.drifted,
                unread=tally.unread,
            )
        )

    def _count(self, tally: _Tally, made: Made, drifts: list[Drift]) -> None:
        tally.drifted += 1
        file, line = made.place
        inside = file.is_relative_to(self._root)
        where = file.relative_to(self._root).as_posix() if inside else file.name
        for drift in drifts:
            self._scrutiny.count(drift, tally.source, f"{where}:{line}")


def _read(made: Made) -> JsonObject | None:
    """Return an object as JSON; None if something in it is none, such as a mock."""
    model = cast("_Model", made.thing)
    if _holds_mock(made.thing):
        return None
    try:
        return model.model_dump(mode="json", by_alias=True, exclude_unset=True, warnings=False)
    except (AttributeError, TypeError, ValueError):
        return None


def _holds_mock(value: object) -> bool:
    """Whether a mock is somewhere inside, which pydantic may take for a list."""
    if isinstance(value, (list, tuple)):
        return any(map(_holds_mock, value))
    if isinstance(value, dict):
        return any(map(_holds_mock, value.values()))
    if type(value).__module__ == "unittest.mock":
        return True
    return hasattr(value, "model_dump") and any(map(_holds_mock, vars(value).values()))

"""The guarded way to an `Inspection`: what tests make by hand, from the first import to the end.

A process that makes nothing does not wait for the contract to be loaded.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from l9gate.evidence.records import HandMade, Layer
from l9gate.measure.clock import Clock
from l9gate.observe.attribution import Owner, current_owner
from l9gate.observe.lookout import Lookout
from l9gate.observe.making import Made, Making
from l9gate.observe.recorder import Outbox

if TYPE_CHECKING:
    from l9gate.observe.handmade import Inspection

_WHERE = "observe.handmade"


class Handiwork:
    """Has the objects inspected that unit tests of one process make of the SDK's types."""

    def __init__(self, layer_of: Callable[[Path], Layer | None], root: Path) -> None:
        """Take whose file is whose.

        Args:
            layer_of: tells the layer that a file belongs to.
            root: that places are told from.
        """
        self._layer_of = layer_of
        self._root = root
        self._making = Making(self._told, self._note_blind, root)
        self._early: list[tuple[Made, Owner]] = []  # before anybody inspects
        self._blind: str | None = None
        self._test: str | None = None
        self._outbox: Outbox | None = None
        self._lookout: Lookout | None = None
        self._clock: Clock | None = None
        self._inspection: Inspection | None = None

    def start(self) -> None:
        """Begin to watch."""
        self._making.start()

    def open(self, outbox: Outbox, clock: Clock, lookout: Lookout | None) -> None:
        """Begin to inspect, first what was made while files were imported."""
        self._outbox, self._clock, self._lookout = outbox, clock, lookout
        early, self._early = self._early, []
        for made, owner in early:
            self._inspect(made, owner)

    def begin_test(self, node_id: str, *, is_unit: bool) -> None:
        """Watch during unit tests only: others measure."""
        self._test = node_id
        if is_unit:
            self._making.start()
        else:
            self._making.stop()

    def end_test(self) -> None:
        """Put what the test made."""
        if self._inspection is not None and self._outbox is not None and self._clock is not None:
            with self._outbox.guarded(_WHERE):
                self._inspection.settle(self._test or "", self._clock.now_s())

    def stop(self) -> None:
        """Watch no longer, and put what is left."""
        self._making.stop()
        if self._outbox is None or self._clock is None:
            return
        with self._outbox.guarded(_WHERE):
            if self._inspection is not None:
                self._inspection.settle_all(self._clock.now_s())
            if self._blind is not None:
                at_s = self._clock.now_s()
                blind = HandMade(at_s=at_s, owner="", layer=Layer.UNIT, held=0, blind=self._blind)
                self._outbox.put(blind)

    def _told(self, made: Made) -> None:
        owner = current_owner()
        if owner is None:
            file = made.place[0]
            if not file.is_relative_to(self._root):
                return
            name = file.relative_to(self._root).as_posix()
            owner = Owner(name, self._layer_of(file))
        if owner.layer is not Layer.UNIT:
            return
        if self._outbox is None:
            self._early.append((made, owner))
        else:
            self._inspect(made, owner)

    def _inspect(self, made: Made, owner: Owner) -> None:
        if self._outbox is None or self._lookout is None:
            return
        with self._outbox.guarded(_WHERE):
            if self._inspection is None:
                from l9gate.observe.handmade import Inspection  # with it comes the contract

                self._inspection = Inspection(self._lookout.prepare(), self._outbox, self._root)
            self._inspection.inspect(made, owner)

    def _note_blind(self, why: str) -> None:
        self._blind = why

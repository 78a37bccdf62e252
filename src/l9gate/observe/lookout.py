"""The guarded way to a `Scrutiny`: loaded with the first call of the API, and never in the way.

A process that makes no call does not wait for the contract to be loaded.
"""

import threading
from typing import TYPE_CHECKING

from l9gate.evidence.records import Held
from l9gate.measure.clock import Clock
from l9gate.observe.answer import Answer
from l9gate.observe.origins import Target

if TYPE_CHECKING:
    from l9gate.observe.scrutiny import Notes, Scrutiny

_WHERE = "observe.scrutiny"


class Lookout:
    """Has the answers of one process looked at."""

    def __init__(self, notes: "Notes", clock: Clock, target: Target) -> None:
        self._notes = notes
        self._clock = clock
        self._target = target
        self._scrutiny: Scrutiny | None = None
        self._is_broken = False
        self._lock = threading.Lock()

    def prepare(self) -> "Scrutiny":
        """Load the contract, once.

        Raises:
            BaselineError: the project's baseline cannot be read.
        """
        with self._lock:
            if self._scrutiny is None:
                from l9gate.observe.scrutiny import Scrutiny  # takes tens of milliseconds

                self._scrutiny = Scrutiny(self._notes, self._clock, self._target)
        return self._scrutiny

    def warm_up(self) -> None:
        """Load the contract if it is not."""
        if self._scrutiny is None and not self._is_broken:
            try:
                self.prepare()
            except Exception as error:  # noqa: BLE001 - our fault is never the application's error
                self._is_broken = True
                self._notes.put_fault(_WHERE, error)

    def look(self, answer: Answer) -> Held:
        """Return what came of one answer."""
        if self._scrutiny is None:
            return Held.NOT
        try:
            return self._scrutiny.look(answer)
        except Exception as error:  # noqa: BLE001 - our fault is never the application's error
            self._notes.put_fault(_WHERE, error)
            return Held.NOT

    def foretell(self, body: bytes) -> tuple[str, ...] | None:
        """Return what the newest version refuses of a request; None if it cannot be told."""
        try:
            from l9gate.observe.foretelling import foretell  # few processes need it

            return foretell(body)
        except Exception as error:  # noqa: BLE001 - our fault is never the application's error
            self._notes.put_fault(_WHERE, error)
            return None

    def settle(self) -> None:
        """Put what was counted since."""
        if self._scrutiny is not None:
            try:
                self._scrutiny.settle()
            except Exception as error:  # noqa: BLE001 - our fault is never the application's error
                self._notes.put_fault(_WHERE, error)

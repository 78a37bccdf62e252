"""Refuses whatever would still be sent once what was seen is certain: a broken build costs little.

What has not ended is told to whoever decides, and so is a failed call that its SDK may try again:
quick failures overtake slow answers, and a retry turns many of them into successes.
"""

import math
import threading
from collections.abc import Callable

from l9gate.errors import DecidedStop
from l9gate.evidence.log import EvidenceLog, MemoryLog, Sink
from l9gate.evidence.records import AnyRecord, End, Exchange, Fault, TestOutcome
from l9gate.measure.clock import Clock
from l9gate.observe.attribution import current_owner
from l9gate.observe.exchange import last_call_id
from l9gate.observe.watch import HttpRequest
from l9gate.wire import headers as names
from l9gate.wire.faults import RETRIED_STATUSES
from l9gate.wire.offer import is_paid

FIRST_LOOK = 10  # exchanges
GROWTH = 1.2  # from one look to the next: looking at all of them costs as much as six looks at once
LAST_LOOK = 500  # what is not broken by then is measured to its end
# The official SDK waits as long as it is told to, else half a second and then twice as long each
# time, up to 8 s; and half a second more, since nobody is punctual.
FIRST_WAIT_S, LONGEST_WAIT_S, LATE_S = 0.5, 8.0, 0.5

Decide = Callable[[EvidenceLog, int], str | None]  # evidence, and how many calls have not ended


class Halt:
    """A sink that remembers what it hands on, and the handler that stands before all others."""

    def __init__(self, sink: Sink, clock: Clock, decide: Decide) -> None:
        """Look at what is put into a sink.

        Args:
            sink: what records are handed on to.
            clock: of this process.
            decide: returns why nothing more has to be sent, None if something has.
        """
        self._sink = sink
        self._clock = clock
        self._decide = decide
        self._lock = threading.Lock()
        self._records: list[AnyRecord] = []
        self._exchanges = 0
        self._next_look = FIRST_LOOK
        self._may_look = True
        self._begun = 0
        self._over: set[str] = set()  # calls after which their context made another one
        self._refused = 0
        self.why: str | None = None

    def put(self, record: AnyRecord) -> None:
        """Hand on one record, and remember it while there is something to decide."""
        self._sink.put(record)
        if self._exchanges < LAST_LOOK and isinstance(record, Exchange | TestOutcome):
            with self._lock:
                self._records.append(record)
                if isinstance(record, Exchange) and is_paid(record.method, record.path):
                    self._exchanges += 1

    def flush(self) -> None:
        """Return once everything that was put is durable.

        Raises:
            WriteError: the disk refuses.
        """
        self._sink.flush()

    def begin_test(self, *, is_about_failure: bool) -> None:
        """Note whether a test provokes failures, which only its end tells apart from others."""
        self._may_look = not is_about_failure
        self._refused = 0

    def take_refusals(self) -> int:
        """Return how many calls were refused since the last time."""
        refused, self._refused = self._refused, 0
        return refused

    def begin(self, request: HttpRequest) -> None:
        """Let a call be sent, unless what was seen is certain.

        Raises:
            DecidedStop: it must not be sent.
        """
        owner = current_owner()
        is_ours = owner is None or (owner.layer is not None and owner.layer.is_real)
        if not is_ours or not is_paid(request.method, request.url.path):
            return
        before = last_call_id()
        if before is not None and request.headers.get(names.RETRY_COUNT, "0") == "0":
            self._over.add(before)
        if self.why is None:
            self._look()
        if self.why is not None:
            self._refused += 1
            raise DecidedStop(self.why)
        with self._lock:
            self._begun += 1

    def _look(self) -> None:
        with self._lock:
            is_due = self._may_look and self._next_look <= self._exchanges < LAST_LOOK
            if not is_due:
                return
            self._next_look = math.ceil(self._exchanges * GROWTH)
            records, begun = list(self._records), self._begun - self._exchanges
        try:
            retried = self._perhaps_retried(records)
            settled = [
                one
                for one in records
                if not isinstance(one, Exchange) or one.call_id not in retried
            ]
            self.why = self._decide(MemoryLog(settled), begun + len(retried))
        except Exception as error:  # noqa: BLE001 - our fault is never the application's error
            self._next_look = LAST_LOOK
            name = type(error).__name__
            self._sink.put(Fault(at_s=self._clock.now_s(), where="observe.halt", error_class=name))

    def _perhaps_retried(self, records: list[AnyRecord]) -> set[str]:
        """Return the calls whose last attempt failed a moment ago, in a way that is tried again."""
        now_s = self._clock.now_s()
        last = {one.call_id: one for one in records if isinstance(one, Exchange)}
        return {
            call
            for call, one in last.items()
            if call not in self._over and _is_retried(one) and now_s < one.ended_s + _wait_s(one)
        }


def _wait_s(one: Exchange) -> float:
    """Return how long after a failed attempt the next one may still come."""
    told_s = one.retry_after_s
    if told_s is None or told_s <= 0:
        told_s = min(FIRST_WAIT_S * 2.0**one.attempt, LONGEST_WAIT_S)
    return told_s + LATE_S


def _is_retried(one: Exchange) -> bool:
    if one.status is None:
        return one.end is not End.ABANDONED
    return one.status in RETRIED_STATUSES or one.status >= 500

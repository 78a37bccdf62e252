"""The handler of the seam that puts one `Exchange` for each request to the Messages API."""

import threading
from collections.abc import Callable
from typing import Self

from l9gate.evidence.log import Sink
from l9gate.evidence.records import AnyRecord, Exchange, Fault, Witness
from l9gate.measure.clock import Clock
from l9gate.observe.exchange import ExchangeTrace
from l9gate.observe.lookout import Lookout
from l9gate.observe.origins import Origins, Target
from l9gate.observe.watch import HttpRequest, HttpResponse, Stop, Watch

Told = Callable[[Exchange | None, Stop], None]  # None: no traffic of the API, or never sent


class Outbox:
    """The one way from the observed application into the evidence: it never fails."""

    def __init__(self, sink: Sink, clock: Clock) -> None:
        self._sink = sink
        self._clock = clock
        self.lost = 0  # faults that could not even be put

    def put(self, record: AnyRecord) -> None:
        """Hand a record on to the sink; to be called inside `guarded`."""
        self._sink.put(record)

    def guarded(self, where: str) -> "Guarded":
        """Return a context that keeps every error of ours away from the application."""
        return Guarded(self, where)

    def put_fault(self, where: str, error: Exception) -> None:
        """Record that we got something wrong."""
        name = type(error).__name__
        try:
            self._sink.put(Fault(at_s=self._clock.now_s(), where=where, error_class=name))
        except Exception:  # noqa: BLE001 - the sink itself fails: all that is left is to count
            self.lost += 1


class Guarded:
    """A context that turns an exception of ours into a `Fault`."""

    __slots__ = ("_outbox", "_where", "has_failed")

    def __init__(self, outbox: Outbox, where: str) -> None:
        self._outbox = outbox
        self._where = where
        self.has_failed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if not isinstance(error, Exception):
            return False
        self.has_failed = True
        self._outbox.put_fault(self._where, error)
        return True


class Recorder:
    """Follows every exchange; bodies are read for facts and never kept."""

    def __init__(
        self,
        outbox: Outbox,
        clock: Clock,
        target: Target,
        witness: Witness = Witness.SEAM,
        *,
        holds: bool = True,
    ) -> None:
        """Take where to record, and what counts.

        Args:
            outbox: what records are put into.
            clock: of this process.
            target: the endpoint that counts.
            witness: who sees the exchanges.
            holds: whether answers are held against the contract.
        """
        self._outbox = outbox
        self._clock = clock
        self._origins = Origins(target)
        self._witness = witness
        self._lookout = Lookout(outbox, clock, target) if holds else None
        self._open: set[_GuardedWatch] = set()
        self._lock = threading.Lock()

    def begin(self, request: HttpRequest, told: Told | None = None) -> Watch | None:
        """Start to follow a request; `told` is called with its record once it has ended."""
        with self._outbox.guarded("observe.begin"):
            trace = ExchangeTrace(request, self._clock, self._origins, self._witness, self._lookout)
            watch = _GuardedWatch(trace, self._outbox, self._forget, told)
            with self._lock:
                self._open.add(watch)
            return watch
        return None

    @property
    def lookout(self) -> Lookout | None:
        """Who has answers looked at."""
        return self._lookout

    def prepare(self) -> None:
        """Load the contract now.

        Raises:
            BaselineError: the project's baseline cannot be read.
        """
        if self._lookout is not None:
            self._lookout.prepare()

    def end_open(self) -> None:
        """Record what nobody ended, such as a response that was never read, as abandoned."""
        with self._lock:
            watches = tuple(self._open)
        for watch in watches:
            watch.ended(Stop.CLOSED)
        if self._lookout is not None:
            self._lookout.settle()

    def _forget(self, watch: "_GuardedWatch") -> bool:
        with self._lock:
            is_open = watch in self._open
            self._open.discard(watch)
        return is_open


class _GuardedWatch:
    """Hands on to a trace; after our first fault it is left alone, but its end is still put."""

    def __init__(
        self,
        trace: ExchangeTrace,
        outbox: Outbox,
        forget: Callable[["_GuardedWatch"], bool],
        told: Told | None,
    ) -> None:
        self._told = told
        self._trace = trace
        self._outbox = outbox
        self._forget = forget
        self._is_whole = True

    def answered(self, response: HttpResponse) -> None:
        with self._outbox.guarded("observe.answered") as step:
            self._trace.answered(response)
        self._is_whole = not step.has_failed

    def received(self, chunk: bytes) -> None:
        if self._is_whole:
            try:  # for each chunk: a context manager would cost as much as what it guards
                self._trace.received(chunk)
            except Exception as error:  # noqa: BLE001 - our fault is never the application's error
                self._is_whole = False
                self._outbox.put_fault("observe.received", error)

    def ended(self, stop: Stop) -> None:
        if self._forget(self):
            with self._outbox.guarded("observe.ended"):
                exchange = self._trace.finish(stop)
                if exchange is not None:
                    self._outbox.put(exchange)
                if self._told is not None:
                    self._told(exchange, stop)

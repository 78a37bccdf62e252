"""The handler of the seam that puts one `Exchange` for each request to the Messages API."""

from collections.abc import Callable
from typing import Self

import msgspec

from l9gate.evidence.log import Sink
from l9gate.evidence.records import AnyRecord, Exchange, Fault, Witness
from l9gate.measure.clock import Clock
from l9gate.observe.backlog import Backlog
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
        patient: int | None = None,
    ) -> None:
        """Take where to record, and what counts.

        Args:
            outbox: what records are put into.
            clock: of this process.
            target: the endpoint that counts.
            witness: who sees the exchanges.
            holds: whether answers are held against the contract.
            patient: the process that calls `catch_up` before it makes records durable; in any
                other each exchange is put before the application goes on.
        """
        self._outbox = outbox
        self._clock = clock
        self._origins = Origins(target)
        self._witness = witness
        self._lookout = Lookout(outbox, clock, target) if holds else None
        self._backlog = Backlog(patient)
        self._open: set[_GuardedWatch] = set()  # each change of it is atomic

    def begin(self, request: HttpRequest, told: Told | None = None) -> Watch | None:
        """Start to follow a request; `told` is called with its record once it has ended."""
        with self._outbox.guarded("observe.begin"):
            trace = ExchangeTrace(request, self._clock, self._origins, self._witness, self._lookout)
            watch = _GuardedWatch(trace, self._outbox, self, told)
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
        for watch in tuple(self._open):
            watch.ended(Stop.CLOSED)
        self.catch_up()
        if self._lookout is not None:
            self._lookout.settle()

    def catch_up(self) -> None:
        """Put the records that wait to be made."""
        self._backlog.clear()

    def forget(self, watch: "_GuardedWatch") -> bool:
        """Return, only once, that an exchange was still open."""
        try:
            self._open.remove(watch)
        except KeyError:
            return False
        return True

    def keep(self, watch: "_GuardedWatch") -> None:
        """Have the record of an exchange put that has ended."""
        self._backlog.add(watch)

    def look(self, trace: ExchangeTrace, exchange: Exchange) -> Exchange:
        """Return the record with what came of its answer, if answers are looked at."""
        answer = None if self._lookout is None else trace.answer(exchange)
        if self._lookout is None or answer is None:
            return exchange
        return msgspec.structs.replace(exchange, held=self._lookout.look(answer))


class _GuardedWatch:
    """Hands on to a trace; after our first fault it is left alone, but its end is still put."""

    def __init__(
        self,
        trace: ExchangeTrace,
        outbox: Outbox,
        recorder: Recorder,
        told: Told | None,
    ) -> None:
        self._told = told
        self._trace = trace
        self._outbox = outbox
        self._recorder = recorder
        self._is_whole = True
        self._was_made = False
        self._made: Exchange | None = None

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
        if not self._recorder.forget(self):
            return
        with self._outbox.guarded("observe.ended"):
            if not self._trace.close(stop):
                if self._told is not None:
                    self._told(None, stop)
                return
            if self._told is not None:
                self.make()
            self._recorder.keep(self)
            if self._told is not None and self._made is not None:
                self._told(self._made, stop)

    @property
    def size_bytes(self) -> int:
        return self._trace.size_bytes

    def make(self) -> None:
        if self._was_made:
            return
        self._was_made = True
        if self._is_whole:
            with self._outbox.guarded("observe.received"):
                self._trace.catch_up()
        with self._outbox.guarded("observe.ended"):
            self._made = self._trace.record()

    def settle(self) -> None:
        self.make()
        if self._made is not None:
            with self._outbox.guarded("observe.ended"):
                self._outbox.put(self._recorder.look(self._trace, self._made))

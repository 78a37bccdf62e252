import os
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
import pytest

from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import AnyRecord, End, Exchange, Fault
from l9gate.measure.clock import ManualClock
from l9gate.observe.body import BodyReader
from l9gate.observe.exchange import ExchangeTrace
from l9gate.observe.origins import Target
from l9gate.observe.recorder import Outbox, Recorder
from l9gate.observe.watch import Stop

URL = "https://api.example.com/v1/messages"


class BrokenSink:
    def put(self, record: AnyRecord) -> None:
        raise OSError(f"disk full: {record}")

    def flush(self) -> None: ...


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog()


@pytest.fixture
def recorder(log: MemoryLog) -> Recorder:
    clock = ManualClock()
    return Recorder(Outbox(log, clock), clock, Target("api.example.com"))


def request() -> httpx2.Request:
    return httpx2.Request("POST", URL, json={"model": "m"})


@contextmanager
def failing(monkeypatch: pytest.MonkeyPatch, method: str) -> Iterator[None]:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(ExchangeTrace, method, fail)
        yield


def test_each_exchange_is_put_once(recorder: Recorder, log: MemoryLog) -> None:
    watch = recorder.begin(request())
    assert watch is not None
    watch.answered(httpx2.Response(200, stream=httpx2.ByteStream(b"")))
    watch.received(b"{}")
    watch.ended(Stop.READ)
    watch.ended(Stop.CLOSED)
    recorder.end_open()
    (seen,) = log.of(Exchange)
    assert (seen.end, seen.response_bytes) == (End.COMPLETE, 2)


def test_a_fault_while_a_body_is_read_late_costs_only_what_it_says(
    recorder: Recorder, log: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(BodyReader, "_take", fail)
    watch = recorder.begin(request())
    assert watch is not None
    watch.answered(httpx2.Response(200, stream=httpx2.ByteStream(b"")))
    watch.received(b"{}")
    watch.ended(Stop.READ)
    assert [fault.where for fault in log.of(Fault)] == ["observe.received"]
    assert [seen.response_bytes for seen in log.of(Exchange)] == [2]


def test_a_patient_process_has_to_ask_for_what_waits(log: MemoryLog) -> None:
    clock, target = ManualClock(), Target("api.example.com")
    patient = Recorder(Outbox(log, clock), clock, target, patient=os.getpid())
    for _ in range(2):
        watch = patient.begin(request())
        assert watch is not None
        watch.ended(Stop.BROKEN)
    assert log.records == []
    patient.catch_up()
    assert len(list(log.of(Exchange))) == 2


def test_what_nobody_ended_is_abandoned(recorder: Recorder, log: MemoryLog) -> None:
    recorder.begin(request())
    recorder.end_open()
    assert [seen.end for seen in log.of(Exchange)] == [End.ABANDONED]


@pytest.mark.parametrize("method", ["__init__", "answered", "received", "close", "record"])
def test_our_own_fault_is_counted_and_never_raised(
    recorder: Recorder, log: MemoryLog, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    with failing(monkeypatch, method):
        watch = recorder.begin(request())
        assert (watch is None) == (method == "__init__")
        if watch is not None:
            watch.answered(httpx2.Response(200, stream=httpx2.ByteStream(b"")))
            watch.received(b"{}")
            watch.received(b"{}")
            watch.ended(Stop.READ)
    (fault,) = log.of(Fault)
    assert fault.error_class == "ZeroDivisionError"
    assert fault.where.startswith("observe.")
    assert len(list(log.of(Exchange))) == (method in ("answered", "received"))


def test_a_sink_that_fails_is_counted() -> None:
    outbox = Outbox(BrokenSink(), ManualClock())
    with outbox.guarded("here"):
        outbox.put(Fault(at_s=0.0, where="x", error_class="y"))
    assert outbox.lost == 1


def test_what_is_no_error_of_ours_passes() -> None:
    outbox = Outbox(MemoryLog(), ManualClock())
    with pytest.raises(KeyboardInterrupt), outbox.guarded("here"):
        raise KeyboardInterrupt

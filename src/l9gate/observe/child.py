"""The recorder of a Python child of a real layer; `startup/sitecustomize.py` starts it.

Nothing waits in memory: an exchange is on disk before the application goes on, as a child may be
killed at any time, and forked ones end without a last word.
"""

import atexit
import os
from pathlib import Path

import msgspec

from l9gate.errors import L9gateError, WriteError
from l9gate.evidence.log import Sink
from l9gate.evidence.records import AnyRecord, Fault, Origin
from l9gate.measure.clock import SystemClock
from l9gate.observe import attribution
from l9gate.observe.budget import BudgetGuard
from l9gate.observe.origins import Target
from l9gate.observe.page import FACTS, PAGE, parse_line
from l9gate.observe.recorder import Outbox, Recorder
from l9gate.observe.seam import Seam
from l9gate.observe.signals import SignalHandler
from l9gate.observe.span_watch import SpanWatch
from l9gate.store.account import Account
from l9gate.store.relies_on import ReliesOn
from l9gate.store.run import open_run


class EagerSink:
    """Makes each record durable at once, in every process but one."""

    def __init__(self, sink: Sink, patient: int | None = None) -> None:
        """Wrap a sink; `patient` is the process that flushes it by itself."""
        self._sink = sink
        self._patient = patient

    def put(self, record: AnyRecord) -> None:
        """Accept one record.

        Raises:
            WriteError: this is not the patient process, and the disk refuses.
        """
        self._sink.put(record)
        if os.getpid() != self._patient:
            self._sink.flush()

    def flush(self) -> None:
        """Return once everything that was put is durable.

        Raises:
            WriteError: the disk refuses.
        """
        self._sink.flush()


def observe_child(folder: str) -> None:
    """Record what this process sends, for whichever test its session runs at that moment.

    Raises:
        L9gateError: the run cannot be opened, or is another version's.
    """
    facts = parse_line((Path(folder) / FACTS).read_bytes())
    if facts["pid"] == str(os.getpid()):
        return  # this is the session, which has a recorder
    clock = SystemClock()
    writer = open_run(Path(facts["run"])).writer("child")
    sink = EagerSink(writer)
    outbox = Outbox(sink, clock)
    page = str(Path(folder) / PAGE)
    attribution.follow(lambda: attribution.read_owner(page))
    kind, proxy = Origin(facts["kind"]), facts["proxy"] or None
    contract, waivers = (
        Path(facts[name]) if facts[name] else None for name in ("contract", "waivers")
    )
    relies_on = msgspec.json.decode(facts["relies_on"], type=ReliesOn)
    proof = facts["proof_header"]
    target = Target(facts["host"], kind, proof, proxy, contract, waivers, relies_on)
    recorder = Recorder(outbox, clock, target)
    try:
        account = Account.of_environ(os.environ, clock)
        guarded = recorder if account is None else BudgetGuard(account, recorder, target.host)
        Seam().install(guarded)
    except L9gateError as error:
        fault = Fault(at_s=clock.now_s(), where="observe.child", error_class=type(error).__name__)
        sink.put(fault)
        return
    SignalHandler(outbox, clock).attach()
    SpanWatch(outbox, clock).attach()

    def stop() -> None:
        recorder.end_open()
        try:
            writer.close()
        except WriteError:
            return  # the run was finished meanwhile

    atexit.register(stop)

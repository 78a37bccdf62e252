"""Everything that watches the application in this process, from the first test to the last."""

import os
from pathlib import Path

import pytest

from l9gate.evidence.log import Sink
from l9gate.evidence.records import Layer, Unguarded
from l9gate.measure.clock import SystemClock
from l9gate.observe.budget import BudgetGuard
from l9gate.observe.child import EagerSink
from l9gate.observe.children import Children, RunFacts
from l9gate.observe.guard import NetworkGuard, Refusal
from l9gate.observe.halt import Halt
from l9gate.observe.handiwork import Handiwork
from l9gate.observe.mentions import MentionHandler
from l9gate.observe.origins import Target, host_of
from l9gate.observe.passage import Entrance
from l9gate.observe.recorder import Outbox, Recorder
from l9gate.observe.seam import Seam
from l9gate.observe.signals import SignalHandler
from l9gate.observe.span_watch import SpanWatch
from l9gate.pytest_plugin.tricks import TrickWatch
from l9gate.store.account import Account


class Observation:
    """A sink, and everything that puts records into it."""

    def __init__(
        self,
        sink: Sink,
        target: Target,
        root: Path,
        run: Path | None = None,
        halt: Halt | None = None,
    ) -> None:
        """Start to observe.

        Args:
            sink: what records of this process are put into.
            target: the endpoint that counts.
            root: the project's folder.
            run: the run folder that Python children record into.
            halt: what ends the session once the evidence is certain; it wraps the sink.

        Raises:
            SeamError: the installed HTTP library cannot be observed.
            BaselineError: the contract's baseline cannot be read.
            SettingsError: the file of waivers cannot be read.
        """
        self.halt = halt
        self.sink = sink = halt or sink
        self.clock = SystemClock()
        self.strays: dict[str, None] = {}  # programs of unit tests that nothing guarded
        self.late: list[Refusal] = []  # refused after the last test
        self._children = Children(root, None if run is None else RunFacts(run, target))
        self.guard = NetworkGuard(str(root), self._children)
        outbox = Outbox(EagerSink(sink, os.getpid()), self.clock)
        patient = os.getpid() if halt is None else None  # who may stop has to know at once
        self._recorder = Recorder(outbox, self.clock, target, patient=patient)
        if target.contract is not None or target.waivers is not None:
            self._recorder.prepare()
        self._account: Account | None = None
        self._budget: BudgetGuard | None = None
        self._target_host = target.host
        self._signals = SignalHandler(outbox, self.clock)
        self._spans = SpanWatch(outbox, self.clock)
        self.mentions = MentionHandler(outbox, self.clock, target)
        self._outbox = outbox
        self._handiwork: Handiwork | None = None
        self._seam, self.tricks = Seam(), TrickWatch(root)
        if halt is not None:
            self._seam.install(halt)  # before the recorder takes the call for sent
        for handler in (self._recorder, self.mentions, self.tricks, self.guard):
            self._seam.install(handler)
        self._children.start()
        self._signals.attach()
        self._spans.attach()

    def begin_test(self, node_id: str, *, may_use_network: bool) -> None:
        """Prepare for one test."""
        self._signals.attach()  # the last test may have configured logging anew
        if self._handiwork is not None:
            self._handiwork.begin_test(node_id, is_unit=not may_use_network)
        if may_use_network:
            self.guard.stop()
        else:
            self.guard.start(node_id)

    def inspect(self, handiwork: Handiwork) -> None:
        """Hold from now on what unit tests make by hand against the contract."""
        self._handiwork = handiwork
        handiwork.open(self._outbox, self.clock, self._recorder.lookout)

    @property
    def entrance(self) -> Entrance:
        """Where a client that nothing patches shows what it is about to send."""
        return self._seam

    def spend_from(self, account: Account) -> None:
        """Let nothing be sent from now on that the account does not allow."""
        self._account = account
        hosts = {self._target_host, host_of(os.environ.get("L9GATE_PROXY", ""))}
        self._budget = BudgetGuard(account, self._recorder, *hosts)
        self._seam.install(self._budget)
        self._seam.remove(self._recorder)

    def begin_spending(self, *, expects_refusal: bool, is_about_failure: bool = False) -> None:
        """Prepare what may refuse calls for one test; some declare that they provoke failures."""
        if self.halt is not None:
            self.halt.begin_test(is_about_failure=is_about_failure)
        if self._budget is not None:
            self._budget.begin_test(expects_refusal=expects_refusal)

    def was_cut(self, test: str, layer: Layer | None) -> bool:
        """Whether a call of this test was refused; by the budget in a child as well."""
        if self.halt is not None and self.halt.take_refusals():
            return True
        if self._budget is None or self._account is None or layer is None or not layer.is_real:
            return False
        return bool(self._budget.take_refusals()) or self._account.was_refused(test)

    def why_stopped(self, layer: Layer | None) -> str | None:
        """Return why no further call of a layer is sent, None if one may be."""
        if self.halt is not None and self.halt.why is not None:
            return f"l9gate: decided: {self.halt.why}"
        refusal = None if self._account is None else self._account.refusal(layer)
        return None if refusal is None else f"l9gate: {refusal.message}"

    def end_test(self) -> None:
        """Make what one test left durable; the guard stays on, for its threads, until the next.

        Raises:
            WriteError: the disk refuses.
        """
        if self._handiwork is not None:
            self._handiwork.end_test()
        self._recorder.catch_up()
        self._put_strays()
        self.sink.flush()

    def _put_strays(self) -> None:
        for stray in self._children.take_strays():
            self.strays[stray.program] = None
            record = Unguarded(
                at_s=self.clock.now_s(),
                program=stray.program,
                owner=stray.test,
                layer=Layer.UNIT,
                place=stray.place,
            )
            self.sink.put(record)

    def stop(self) -> None:
        """Stop to observe, and make durable what is left.

        Raises:
            WriteError: the disk refuses.
        """
        if self._handiwork is not None:
            self._handiwork.stop()
        self._seam.remove(self._budget or self._recorder)
        self._seam.remove(self.tricks)
        self.tricks.stop()
        self._seam.remove(self.mentions)
        self._signals.detach()
        self._spans.detach()
        self._seam.remove(self.guard)
        self.late = self.guard.take_refused()
        self._put_strays()
        self.guard.stop()
        self._children.stop()
        self._recorder.end_open()
        self.sink.flush()


OBSERVATION = pytest.StashKey[Observation]()

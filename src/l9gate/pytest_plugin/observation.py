"""Everything that watches the application in this process, from the first test to the last."""

import os
from pathlib import Path

import pytest

from l9gate.evidence.log import Sink
from l9gate.evidence.records import Layer, Unguarded
from l9gate.measure.clock import SystemClock
from l9gate.observe.child import EagerSink
from l9gate.observe.children import Children, RunFacts
from l9gate.observe.guard import NetworkGuard
from l9gate.observe.mentions import MentionHandler
from l9gate.observe.origins import Target
from l9gate.observe.recorder import Outbox, Recorder
from l9gate.observe.seam import Seam
from l9gate.observe.signals import SignalHandler
from l9gate.observe.span_watch import SpanWatch
from l9gate.pytest_plugin.tricks import TrickWatch


class Observation:
    """A sink, and everything that puts records into it."""

    def __init__(self, sink: Sink, target: Target, root: Path, run: Path | None = None) -> None:
        """Start to observe.

        Args:
            sink: what records of this process are put into.
            target: the endpoint that counts.
            root: the project's folder.
            run: the run folder that Python children record into.

        Raises:
            SeamError: the installed HTTP library cannot be observed.
        """
        self.sink = sink
        self.clock = SystemClock()
        self.strays: dict[str, None] = {}  # programs of unit tests that nothing guarded
        self._children = Children(root, None if run is None else RunFacts(run, target))
        self.guard = NetworkGuard(str(root), self._children)
        outbox = Outbox(EagerSink(sink, os.getpid()), self.clock)
        self._recorder = Recorder(outbox, self.clock, target)
        self._signals = SignalHandler(outbox, self.clock)
        self._spans = SpanWatch(outbox, self.clock)
        self.mentions = MentionHandler(outbox, self.clock, target)
        self._seam = Seam()
        self._seam.install(self._recorder)
        self._seam.install(self.mentions)
        self.tricks = TrickWatch(root)
        self._seam.install(self.tricks)
        self._seam.install(self.guard)
        self._children.start()
        self._signals.attach()
        self._spans.attach()

    def begin_test(self, node_id: str, *, may_use_network: bool) -> None:
        """Prepare for one test."""
        self._signals.attach()  # the last test may have configured logging anew
        if may_use_network:
            self.guard.stop()
        else:
            self.guard.start(node_id)

    def end_test(self) -> None:
        """Make what one test left durable; the guard stays on, for its threads, until the next.

        Raises:
            WriteError: the disk refuses.
        """
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
        self.sink.flush()

    def stop(self) -> None:
        """Stop to observe, and make durable what is left.

        Raises:
            WriteError: the disk refuses.
        """
        self._seam.remove(self._recorder)
        self._seam.remove(self.tricks)
        self.tricks.stop()
        self._seam.remove(self.mentions)
        self._signals.detach()
        self._spans.detach()
        self._seam.remove(self.guard)
        self.guard.stop()
        self._children.stop()
        self._recorder.end_open()
        self.sink.flush()


OBSERVATION = pytest.StashKey[Observation]()

"""Everything that watches the application in this process, from the first test to the last."""

from pathlib import Path

import pytest

from l9gate.evidence.log import Sink
from l9gate.measure.clock import SystemClock
from l9gate.observe.guard import NetworkGuard
from l9gate.observe.origins import Target
from l9gate.observe.recorder import Outbox, Recorder
from l9gate.observe.seam import Seam
from l9gate.observe.signals import SignalHandler
from l9gate.pytest_plugin.tricks import TrickWatch


class Observation:
    """A sink, and everything that puts records into it."""

    def __init__(self, sink: Sink, target: Target, root: Path) -> None:
        """Start to observe.

        Raises:
            SeamError: the installed HTTP library cannot be observed.
        """
        self.sink = sink
        self.clock = SystemClock()
        self.guard = NetworkGuard()
        outbox = Outbox(sink, self.clock)
        self._recorder = Recorder(outbox, self.clock, target)
        self._signals = SignalHandler(outbox, self.clock)
        self._seam = Seam()
        self._seam.install(self._recorder)
        self.tricks = TrickWatch(root)
        self._seam.install(self.tricks)
        self._signals.attach()

    def begin_test(self, node_id: str, *, may_use_network: bool) -> None:
        """Prepare for one test."""
        self._signals.attach()  # the last test may have configured logging anew
        if not may_use_network:
            self.guard.begin(node_id)

    def end_test(self) -> None:
        """Make what one test left durable.

        Raises:
            WriteError: the disk refuses.
        """
        self.guard.end()
        self.sink.flush()

    def stop(self) -> None:
        """Stop to observe, and make durable what is left.

        Raises:
            WriteError: the disk refuses.
        """
        self._seam.remove(self._recorder)
        self._seam.remove(self.tricks)
        self.tricks.stop()
        self._signals.detach()
        self.guard.end()
        self._recorder.end_open()
        self.sink.flush()


OBSERVATION = pytest.StashKey[Observation]()

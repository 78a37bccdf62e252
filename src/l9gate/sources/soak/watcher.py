"""Reads gauges while a soak runs, and says how what is asked of them stands."""

import asyncio

from l9gate.criteria.criterion import Finding, State
from l9gate.drive.plan import Progress
from l9gate.errors import L9gateError
from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import Fault, Gauge
from l9gate.sources.bench import Bench
from l9gate.sources.soak.plan import SoakOrders

_WHERE = "sources.soak"


class Watcher:
    """Puts a gauge for each thing that is watched, every few seconds."""

    def __init__(self, plan: SoakOrders, bench: Bench) -> None:
        self._plan = plan
        self._bench = bench
        self._name = plan.watched.name
        self._gauges: list[Gauge] = list(plan.before)
        self._operations = plan.operations_before
        self._findings: tuple[Finding, ...] = ()
        self._broken: set[str] = set()
        self._looked_s = bench.clock.now_s()
        self.why_stop: str | None = None
        self.is_gone = False

    def look(self, progress: Progress) -> bool:
        """Take how the load stands; return whether enough was seen."""
        self._operations = self._plan.operations_before + progress.done
        self._plan.on_progress(progress, self._findings)
        return self.why_stop is not None

    async def watch(self) -> None:
        """Read until cancelled, or until the process is gone."""
        for limit, value in self._plan.watched.read_limits().items():
            self._put(limit, value, self._name)
        due_s = self._bench.clock.now_s()
        while await self._read():
            await self._judge()
            due_s += self._plan.every_s
            await asyncio.sleep(max(due_s - self._bench.clock.now_s(), 0.0))

    async def read_last(self) -> None:
        """Read once more, so that the readings span the whole load."""
        if not self.is_gone:
            await self._read()

    async def _read(self) -> bool:
        """Put every gauge once; return whether the process is still there."""
        try:
            found = await asyncio.to_thread(self._plan.watched.read)
        except OSError:
            self.is_gone, self.why_stop = True, f"the watched process {self._name} ended"
            self._bench.say(f"stopped: {self.why_stop}")
            return False
        for gauge, value in found.items():
            self._put(gauge, value, self._name)
        await self._read_expiries()
        return True

    async def _read_expiries(self) -> None:
        try:
            found = await self._plan.watched.read_expiries()
        except L9gateError as error:
            now_s = self._bench.clock.now_s()
            fault = Fault(at_s=now_s, where=_WHERE, error_class=type(error).__name__)
            self._bench.sink.put(fault)
            return
        for name, value in found.items():
            self._put(name, value, self._plan.watched.simulator)

    async def _judge(self) -> None:
        """Look, every now and then, how what is asked stands."""
        now_s = self._bench.clock.now_s()
        if now_s - self._looked_s < self._plan.look_every_s:
            return
        self._looked_s = now_s
        log, scope = MemoryLog(tuple(self._gauges)), self._plan.scope
        self._findings = await asyncio.to_thread(
            lambda: tuple(one.judge(log, scope) for one in self._plan.criteria)
        )
        before, self._broken = self._broken, set()
        for one in self._findings:
            if one.state is not State.BROKEN:
                continue
            self._broken.add(one.criterion)
            is_sure = one.criterion in before  # twice in a row: many looks make one of them wrong
            if is_sure and self._plan.stops_when_broken and self.why_stop is None:
                self.why_stop = f"{one.criterion} is broken: {one.reason or 'see below'}"
                self._bench.say(f"stopped early: {self.why_stop}")

    def _put(self, name: str, value: float, process: str | None) -> None:
        gauge = Gauge(
            at_s=self._bench.clock.now_s(),
            name=name,
            value=float(value),
            span=self._plan.drive.span,
            operations=self._operations,
            owner=None,
            layer=None,
            process=process,
        )
        self._gauges.append(gauge)
        self._bench.sink.put(gauge)

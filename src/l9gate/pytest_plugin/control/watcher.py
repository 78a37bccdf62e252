"""Watches every test of a negative control, and writes down what it did."""

from collections.abc import Generator
from pathlib import Path

import pytest

from l9gate.errors import SeamError
from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import CacheState, Layer, Signal
from l9gate.evidence.sightings import (
    Collected,
    Orders,
    Sighting,
    write_collected,
    write_sighting,
)
from l9gate.measure.clock import SystemClock
from l9gate.observe.attribution import Owner, current_owner, owned_by
from l9gate.observe.children import Children
from l9gate.observe.decoy import OTHER_CLIENT, Decoy, Tally
from l9gate.observe.recorder import Outbox
from l9gate.observe.seam import Seam
from l9gate.observe.signals import SignalHandler
from l9gate.pytest_plugin.control.caught import CaughtErrors
from l9gate.pytest_plugin.control.haste import TestLimit, shorten_back_off
from l9gate.pytest_plugin.control.selection import Selection
from l9gate.pytest_plugin.control.source import SourceFacts, read_facts
from l9gate.pytest_plugin.layers import LayerMap
from l9gate.pytest_plugin.outcomes import OutcomeBuilder
from l9gate.pytest_plugin.owners import FixtureOwners
from l9gate.pytest_plugin.probes import ENTRANCE
from l9gate.pytest_plugin.tricks import TrickWatch


class ControlWatcher:
    """The plug-in object of a process that runs tests."""

    def __init__(
        self, config: pytest.Config, orders: Orders, layers: LayerMap | None, decoy: Decoy
    ) -> None:
        worker: dict[str, str] = getattr(config, "workerinput", {})
        self._process = worker.get("workerid", "main")
        self._folder = Path(orders.folder)
        self._root = config.rootpath
        self._selection = Selection(self._root, orders, layers)
        self._layers = layers
        self._broken: list[str] = []
        self._clock, self._log = SystemClock(), MemoryLog()
        self._signals = SignalHandler(Outbox(self._log, self._clock), self._clock)
        self._decoy = decoy
        self._children = Children(self._root)
        self._tricks = TrickWatch(self._root)
        self._caught = CaughtErrors(self._root)
        self._limit = TestLimit(orders.test_limit_s)
        self._owners = FixtureOwners(self._process)
        self._outcome: OutcomeBuilder | None = None
        self._observe(config)

    def _observe(self, config: pytest.Config) -> None:
        self._children.start()
        self._children.guard("l9gate control")  # what tests start is kept on this machine, too
        seam = Seam()
        try:
            seam.install(self._decoy)
        except SeamError:
            return  # sockets are seen all the same
        seam.install(self._tricks)
        seam.set_route(self._decoy.route)
        config.stash[ENTRANCE] = seam

    def pytest_unconfigure(self) -> None:
        """Leave the environment as it was found."""
        self._children.stop()

    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        """Leave files alone that hold no test which is asked for."""
        return None if self._selection.may_hold(collection_path) else True

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Select what is asked for; files that speak of the API come first."""
        kept = self._selection.order([one for one in items if self._selection.takes(one)])
        chosen = set(kept)
        dropped = [one for one in items if one not in chosen]
        if dropped:
            config.hook.pytest_deselected(items=dropped)
        items[:] = kept

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note files that cannot be imported."""
        if report.failed:
            self._broken.append(report.nodeid)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Write down what is going to run, so that what was not reached can be named."""
        tests = tuple(item.nodeid for item in session.items)
        offline = tuple(self._selection.offline)
        found = Collected(tests=tests, broken=tuple(self._broken), offline=offline)
        write_collected(self._folder, self._process, found)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Make everything that happens meanwhile belong to the test."""
        self._signals.attach()
        self._tricks.begin_test(is_real=True)
        self._caught.watch()
        self._limit.begin()
        self._decoy.owner = item.nodeid
        shorten_back_off()
        try:
            with owned_by(Owner(item.nodeid, self._layer_of(item))):
                return (yield)
        finally:
            self._decoy.owner = None
            self._caught.forget()

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[object]
    ) -> Generator[None, object, object]:
        """Make what a shared fixture does belong to all tests that depend on it."""
        before = self._decoy.owner
        with self._owners.setting_up(fixturedef):
            asking = current_owner()
            self._decoy.owner = before if asking is None else asking.id
            try:
                return (yield)
            finally:
                self._decoy.owner = before

    def pytest_fixture_post_finalizer(self, fixturedef: pytest.FixtureDef[object]) -> None:
        """Forget an instance that was torn down."""
        self._owners.forget(fixturedef)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self) -> Generator[None, object, object]:
        """Set up within the limit."""
        with self._limit.phase():
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self) -> Generator[None, object, object]:
        """Run within the limit; by now what the test uses is imported."""
        self._caught.watch()
        shorten_back_off()
        with self._limit.phase():
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self) -> Generator[None, object, object]:
        """Tear down within the limit."""
        with self._limit.phase():
            return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Note what came of each phase; the last one completes the sighting."""
        report = yield
        if call.when == "setup" or self._outcome is None:
            self._outcome = OutcomeBuilder(item, self._layer_of(item))
        if call.when != "teardown":
            self._outcome.owners |= self._owners.of(item)
        self._outcome.add(call, report)
        if call.when == "call":
            self._tricks.look_at_methods()
        self._tricks.note_report(call, report)
        if call.when == "teardown":
            write_sighting(self._folder, self._process, self._sighting(item, self._outcome))
            self._outcome = None
        return report

    def _sighting(self, item: pytest.Item, built: OutcomeBuilder) -> Sighting:
        outcome = built.build(self._clock.now_s(), self._tricks.remarks())
        tally = Tally()
        for owner in outcome.owners:
            if owner in self._decoy.tallies:
                tally.add(self._decoy.tallies[owner])
        signals = [one for one in self._log.of(Signal) if one.owner in outcome.owners]
        fallbacks = [one.fallback for one in signals if one.fallback is not None]
        facts = _facts_of(item)
        return Sighting(
            outcome=outcome,
            place=_place_of(item, self._root),
            calls=tally.sent,
            endings=tuple(tally.endings) or ((OTHER_CLIENT,) if tally.sent else ()),
            mocked=tally.mocked,
            replayed=tally.replayed,
            refused=tuple(tally.refused),
            fallback=fallbacks[0] if fallbacks else None,
            was_cached=any(one.cache is CacheState.HIT for one in signals),
            caught=self._caught.places(),
            expects=facts.expects,
            asserts=facts.asserts,
            timed_out=self._limit.was_hit,
        )

    def _layer_of(self, item: pytest.Item) -> Layer | None:
        return None if self._layers is None else self._layers.layer_of(item)


def _facts_of(item: pytest.Item) -> SourceFacts:
    code = getattr(getattr(item, "function", None), "__code__", None)
    if code is None:
        return SourceFacts()
    return read_facts(Path(code.co_filename), code.co_firstlineno)


def _place_of(item: pytest.Item, root: Path) -> str:
    name, line, _ = item.location
    path = root / name
    inside = path.relative_to(root).as_posix() if path.is_relative_to(root) else name
    return inside if line is None else f"{inside}:{line + 1}"

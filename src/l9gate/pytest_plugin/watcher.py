"""Watches each test of a gated session: whose work is done, what was refused, what came of it."""

import os
from collections.abc import Generator

import pytest

from l9gate.errors import WriteError
from l9gate.evidence.records import Layer
from l9gate.observe.attribution import Owner, owned_by
from l9gate.pytest_plugin.layer_runs import ATTRIBUTE
from l9gate.pytest_plugin.layers import LayerMap
from l9gate.pytest_plugin.markers import read_marks
from l9gate.pytest_plugin.observation import Observation
from l9gate.pytest_plugin.outcomes import OutcomeBuilder
from l9gate.pytest_plugin.owners import FixtureOwners, node_id_of
from l9gate.sources.suite.environ import PREFLIGHT
from l9gate.sources.suite.plan import DECIDED


class TestWatcher:
    """The plug-in object of a process that runs tests; registered when observation starts."""

    __test__ = False

    def __init__(self, observation: Observation, layers: LayerMap, process: str) -> None:
        self._observation = observation
        self._layers = layers
        self._owners = FixtureOwners(process)
        self._outcome: OutcomeBuilder | None = None

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Make everything that happens meanwhile belong to the test, and durable after it."""
        layer, node_id = self._layers.layer_of(item), node_id_of(item)
        self._observation.begin_test(node_id, may_use_network=layer is not Layer.UNIT)
        self._observation.tricks.begin_test(is_real=layer is not None and layer.is_real)
        marks = read_marks(item)
        self._observation.begin_spending(
            expects_refusal=bool(marks.expects_error),
            is_about_failure=bool(marks.expects_error) or marks.expects_fallback or marks.offline,
        )
        try:
            with owned_by(Owner(node_id, layer)):
                return (yield)
        finally:
            try:
                self._observation.end_test()
            except WriteError as error:
                item.session.shouldstop = f"l9gate: evidence would be lost: {error}"

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Tell the gate, if it started the session, that nothing more had to be sent."""
        halt = self._observation.halt
        if halt is not None and halt.why is not None and os.environ.get(PREFLIGHT) == "done":
            session.exitstatus = DECIDED

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[object]
    ) -> Generator[None, object, object]:
        """Make what a shared fixture does belong to all tests that depend on it."""
        with self._owners.setting_up(fixturedef):
            return (yield)

    def pytest_fixture_post_finalizer(self, fixturedef: pytest.FixtureDef[object]) -> None:
        """Forget an instance that was torn down."""
        self._owners.forget(fixturedef)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self) -> Generator[None]:
        """Fail a unit test whose set-up reached for the network."""
        yield from self._refusing()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self) -> Generator[None]:
        """Fail a unit test that reached for the network, even if it then went on without."""
        yield from self._refusing()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self) -> Generator[None]:
        """Fail a unit test whose tear-down reached for the network."""
        yield from self._refusing()

    @pytest.hookimpl(wrapper=True, tryfirst=True)  # outside of what makes skips and xfails
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Note what came of each phase; the last one completes the record."""
        report = yield
        layer = self._layers.layer_of(item)
        if layer is not None:
            setattr(report, ATTRIBUTE, layer.value)
        if call.when == "setup" or self._outcome is None:
            self._outcome = OutcomeBuilder(item, layer)
        if call.when != "teardown":  # by then the fixtures are gone
            self._outcome.owners |= self._owners.of(item)
        self._outcome.add(call, report)
        if call.when == "call":
            self._observation.tricks.look_at_methods()
        self._observation.tricks.note_report(call, report)
        if call.when == "teardown":
            now_s, remarks = self._observation.clock.now_s(), self._observation.tricks.remarks()
            cut = self._observation.was_cut(item.nodeid, layer)
            self._observation.sink.put(self._outcome.build(now_s, remarks, cut=cut))
            self._outcome = None
            if cut and (why := self._observation.why_stopped(layer)) is not None:
                item.session.shouldstop = why
        return report

    def _refusing(self) -> Generator[None]:
        try:
            yield
        except BaseException:
            self._observation.guard.forget_refused()
            raise
        self._observation.guard.raise_refused()

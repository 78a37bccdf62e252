from collections.abc import Callable, Generator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from l9gate.errors import NetworkRefusedError, WriteError
from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import Layer, TestOutcome, TestState
from l9gate.measure.clock import ManualClock
from l9gate.observe.attribution import Owner, current_owner
from l9gate.observe.guard import NetworkGuard, Refusal
from l9gate.pytest_plugin.layers import LayerMap
from l9gate.pytest_plugin.observation import Observation
from l9gate.pytest_plugin.tricks import TrickWatch
from l9gate.pytest_plugin.watcher import TestWatcher
from l9gate.store.settings import LayerSettings

MakeItem = Callable[..., pytest.Item]


REFUSAL = Refusal(destination="example.com", test="tests/unit/test_a.py::test_a")


class FakeFixture:
    """A shared fixture; compared by identity, as pytest's are."""

    argname, scope, baseid = "api", "session", "tests"


class FakeObservation:
    """Writes down what a test began and ended with; its disk may be full."""

    def __init__(self) -> None:
        self.sink = MemoryLog()
        self.clock = ManualClock(5.0)
        self.guard = NetworkGuard()
        self.guard._test = REFUSAL.test  # on, but asked by nobody
        self.tricks = TrickWatch(Path())
        self.begun: list[tuple[str, bool]] = []
        self.is_full = False
        self.stopped: str | None = None  # why the budget ended the test, and the session

    def begin_test(self, node_id: str, *, may_use_network: bool) -> None:
        self.begun.append((node_id, may_use_network))

    def begin_spending(self, *, expects_refusal: bool, is_about_failure: bool) -> None:
        self.expects_refusal, self.is_about_failure = expects_refusal, is_about_failure

    def was_cut(self, test: str, layer: Layer | None) -> bool:  # noqa: ARG002
        return self.stopped is not None

    def why_stopped(self, layer: Layer | None) -> str | None:  # noqa: ARG002
        return self.stopped

    def end_test(self) -> None:
        if self.is_full:
            raise WriteError("disk full")


@pytest.fixture
def observation() -> FakeObservation:
    return FakeObservation()


@pytest.fixture
def watcher(observation: FakeObservation, tmp_path: Path) -> TestWatcher:
    layers = {Layer.UNIT: LayerSettings(paths=("tests/unit",))}
    found = cast("Observation", observation)
    return TestWatcher(found, LayerMap(tmp_path, layers), "main")


def finish(steps: Generator[None, object, object], value: object = None) -> object:
    """Drive a hook wrapper to its end, as pluggy does."""
    next(steps)
    try:
        steps.send(value)
    except StopIteration as end:
        return end.value
    raise AssertionError("a wrapper yields once")


@pytest.mark.parametrize(
    ("path", "layer"), [("tests/unit/test_a.py", Layer.UNIT), ("docs/test_a.py", None)]
)
def test_what_happens_meanwhile_belongs_to_the_test(
    watcher: TestWatcher,
    observation: FakeObservation,
    make_item: MakeItem,
    path: str,
    layer: Layer | None,
) -> None:
    item, before = make_item(path), current_owner()
    steps = watcher.pytest_runtest_protocol(item)
    next(steps)
    assert current_owner() == Owner(f"{path}::test_a", layer)
    with pytest.raises(StopIteration):
        steps.send(True)
    assert current_owner() == before
    assert observation.begun == [(f"{path}::test_a", layer is None)]


def test_a_full_disk_stops_the_session(
    watcher: TestWatcher, observation: FakeObservation, make_item: MakeItem
) -> None:
    observation.is_full = True
    session = SimpleNamespace(shouldstop=False)
    assert finish(watcher.pytest_runtest_protocol(make_item(session=session)), True) is True
    assert "disk full" in str(session.shouldstop)


def test_the_last_phase_puts_the_outcome_with_the_fixtures_of_the_test(
    watcher: TestWatcher, observation: FakeObservation, make_item: MakeItem
) -> None:
    fixture = cast("pytest.FixtureDef[object]", FakeFixture())
    item = make_item(_request=SimpleNamespace(_fixture_defs={"api": fixture}))
    finish(watcher.pytest_fixture_setup(fixture))
    for when in ("setup", "call", "teardown"):
        if when == "teardown":
            watcher.pytest_fixture_post_finalizer(fixture)
        report = SimpleNamespace(
            when=when, outcome="passed", failed=False, skipped=False, duration=0.5
        )
        call = cast("pytest.CallInfo[None]", SimpleNamespace(when=when, excinfo=None))
        assert finish(watcher.pytest_runtest_makereport(item, call), report) is report  # type: ignore[arg-type]
        assert report.l9gate_layer == "unit"
    (found,) = observation.sink.of(TestOutcome)
    assert (found.state, found.layer, found.duration_s) == (TestState.PASSED, Layer.UNIT, 1.5)
    assert found.owners == (item.nodeid, "fixture:tests::api#main.1")


@pytest.mark.parametrize(
    "hook", ["pytest_runtest_setup", "pytest_runtest_call", "pytest_runtest_teardown"]
)
def test_a_phase_fails_for_what_was_refused_unless_it_failed_anyway(
    watcher: TestWatcher, observation: FakeObservation, hook: str
) -> None:
    observation.guard._refused.append(REFUSAL)
    with pytest.raises(NetworkRefusedError, match=r"example\.com"):
        finish(getattr(watcher, hook)())
    observation.guard._refused.append(REFUSAL)
    steps = getattr(watcher, hook)()
    next(steps)
    with pytest.raises(KeyError):
        steps.throw(KeyError())
    finish(getattr(watcher, hook)())

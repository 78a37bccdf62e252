"""What the plug-in writes into the evidence, in real child pytests."""

import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from l9gate import gate
from l9gate.evidence.records import (
    Exchange,
    Gauge,
    Layer,
    LayerRun,
    Origin,
    Record,
    Signal,
    TestOutcome,
    TestState,
)
from l9gate.store.run import run_paths
from l9gate.store.settings import read_settings

Project = Callable[..., Path]
RunPytest = Callable[..., subprocess.CompletedProcess[str]]
Records = Callable[[Path, type[Record]], list[object]]
Outcomes = Callable[[Path], dict[str, TestOutcome]]


STATES = """
import pytest

def test_passes(): pass
def test_fails(): assert "secret" == 1
def test_skips(): pytest.skip("no reason")
@pytest.mark.skip(reason="marked")
def test_marked(): pass
@pytest.mark.xfail(reason="known")
def test_xfails(): assert False
@pytest.mark.xfail(strict=False)
def test_xpasses(): pass
@pytest.mark.xfail(strict=True)
def test_strictly_xpasses(): pass
@pytest.fixture
def broken(): raise OSError("secret")
def test_errs(broken): pass
@pytest.fixture
def breaks_later():
    yield
    raise OSError("secret")
def test_errs_later(breaks_later): pass
@pytest.mark.scenario("timeout", "overload")
@pytest.mark.offline
@pytest.mark.expects_fallback
@pytest.mark.expects_error("rate_limit_error", ValueError)
def test_says(): pass
"""


def test_every_outcome_is_recorded_without_its_message(
    project: Project, run_pytest: RunPytest, records: Records, outcomes: Outcomes
) -> None:
    """R-08."""
    root = project({"tests/unit/test_states.py": STATES, "tests/test_other.py": "def test_a(): 0"})
    done = run_pytest(root)
    assert done.returncode == 1
    found = outcomes(root)
    assert {name: entry.state for name, entry in found.items()} == {
        "test_passes": TestState.PASSED,
        "test_fails": TestState.FAILED,
        "test_skips": TestState.SKIPPED,
        "test_marked": TestState.SKIPPED,
        "test_xfails": TestState.XFAILED,
        "test_xpasses": TestState.XPASSED,
        "test_strictly_xpasses": TestState.FAILED,
        "test_errs": TestState.ERROR,
        "test_errs_later": TestState.ERROR,
        "test_says": TestState.PASSED,
        "test_a": TestState.PASSED,
    }
    assert found["test_fails"].error_class == "AssertionError"
    assert found["test_fails"].location == "tests/unit/test_states.py:5"
    assert found["test_errs"].error_class == "OSError"
    assert found["test_marked"].reason == "marked"
    assert found["test_a"].layer is None
    says = found["test_says"]
    assert (says.offline, says.expects_fallback, says.live_only) == (True, True, False)
    assert says.expects_error == ("rate_limit_error", "ValueError")
    assert says.scenarios == ("timeout", "overload")
    assert "not gated: 1 tests" in done.stdout
    (path,) = run_paths(root / ".l9gate/runs")
    assert b"secret" not in (path / "evidence.db").read_bytes()
    (layer,) = records(root, LayerRun)
    assert isinstance(layer, LayerRun)
    assert (layer.layer, layer.collected, layer.selected, layer.exit_status) == (
        Layer.UNIT,
        10,
        10,
        1,
    )


INTEGRATION = """
import logging
import threading
import pytest
from calling import call

pytestmark = pytest.mark.integration

@pytest.fixture(scope="session")
def base():
    return call("from-base")

@pytest.fixture(scope="module")
def answer(request):
    request.getfixturevalue("base")
    return call("from-answer")

def test_one(answer): pass
def test_two(answer): pass
def test_asks_by_name(request): request.getfixturevalue("answer")
def test_alone(): call("alone")
def test_thread():
    thread = threading.Thread(target=call, args=("thread",))
    thread.start()
    thread.join()
def test_signals():
    logger = logging.getLogger("neural_tools.signals")
    logger.setLevel(logging.INFO)
    fields = {"operation": "search", "duration_s": 0.5, "cache": "hit", "fallback": None}
    logger.info("search", extra={"l9gate": fields})
def test_memory(memory_growth):
    assert memory_growth("ten_operations", lambda number: None, 10) < 50e6
"""


@pytest.mark.parametrize("workers", [0, 2])
def test_what_a_shared_fixture_sent_belongs_to_every_test_that_uses_it(
    project: Project, workers: int, run_pytest: RunPytest, records: Records, outcomes: Outcomes
) -> None:
    root = project({"tests/integration/test_a_real_api.py": INTEGRATION})
    done = run_pytest(root, "tests/integration", "-m", "integration", "-n", str(workers), "-v")
    assert done.returncode == 0, done.stdout
    found = outcomes(root)
    assert len(found) == 7
    exchanges = [entry for entry in records(root, Exchange) if isinstance(entry, Exchange)]
    assert {entry.origin for entry in exchanges} == {Origin.LIVE}
    assert {entry.layer for entry in exchanges} == {Layer.INTEGRATION}
    models = Counter(str(entry.model) for entry in exchanges)
    assert models["alone"] == models["thread"] == 1
    seen_by = {
        name: {str(entry.model) for entry in exchanges if entry.owner in outcome.owners}
        for name, outcome in found.items()
    }
    for name in ("test_one", "test_two", "test_asks_by_name"):
        assert seen_by[name] == {"from-base", "from-answer"}
    assert (seen_by["test_alone"], seen_by["test_thread"]) == ({"alone"}, {"thread"})
    assert seen_by["test_signals"] == set()
    (signal,) = records(root, Signal)
    assert isinstance(signal, Signal)
    assert signal.owner in found["test_signals"].owners
    gauges = [entry for entry in records(root, Gauge) if isinstance(entry, Gauge)]
    names = {"rss_bytes", "open_descriptors", "threads", "asyncio_tasks", "gc_objects"}
    assert {entry.name for entry in gauges} == names
    for name in names:
        counted = [entry.operations for entry in gauges if entry.name == name]
        assert counted == list(range(11))
    (layer,) = records(root, LayerRun)
    assert isinstance(layer, LayerRun)
    assert (layer.collected, layer.selected) == (7, 7)


def test_every_record_of_two_workers_is_there_once(
    project: Project, run_pytest: RunPytest, records: Records, outcomes: Outcomes
) -> None:
    tests = "import pytest\n@pytest.mark.parametrize('n', range(30))\ndef test_n(n): pass\n"
    root = project({"tests/unit/test_many.py": tests})
    done = run_pytest(root, "tests/unit", "-n", "2")
    assert done.returncode == 0, done.stdout
    assert len(outcomes(root)) == 30
    (layer,) = records(root, LayerRun)
    assert isinstance(layer, LayerRun)
    assert (layer.collected, layer.selected) == (30, 30)


def test_a_killed_session_keeps_every_test_that_ended(
    project: Project, run_pytest: RunPytest, records: Records, outcomes: Outcomes
) -> None:
    tests = "import os\ndef test_1(): pass\ndef test_2(): pass\n"
    tests += "def test_3(): os.kill(os.getpid(), 9)\ndef test_4(): pass\n"
    root = project({"tests/unit/test_killed.py": tests})
    assert run_pytest(root, "tests/unit").returncode == -9
    assert set(outcomes(root)) == {"test_1", "test_2"}
    assert records(root, LayerRun) == []


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_session_that_the_gate_started_writes_into_its_run_and_judges_nothing(
    project: Project, workers: str, run_pytest: RunPytest, records: Records, outcomes: Outcomes
) -> None:
    root = project({"tests/unit/test_two.py": "def test_x(): pass\ndef test_y(): pass\n"})
    settings = read_settings(root)
    assert settings is not None
    run = gate.begin_direct_run(settings, {}, "development", (Layer.UNIT,))
    arguments = ("tests/unit", "-k", "test_x", "-n", workers)
    done = run_pytest(root, *arguments, L9GATE_RUN=str(run), L9GATE_PREFLIGHT="done")
    assert done.returncode == 0, done.stdout
    assert "l9gate:" not in done.stdout
    assert "Blockers" not in done.stdout
    assert set(outcomes(root)) == {"test_x"}
    (layer,) = records(root, LayerRun)
    assert isinstance(layer, LayerRun)
    assert (layer.collected, layer.selected) == (2, 1)

"""Which criteria end a session early."""

from collections.abc import Callable
from pathlib import Path

import pytest

from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import Exchange, Layer, Origin
from l9gate.measure.clock import ManualClock
from l9gate.measure.sequential import Stopping
from l9gate.observe.halt import Halt
from l9gate.pytest_plugin.stopping import open_halt
from l9gate.store.run import FORMAT_VERSION, Manifest, RunFolder, create_run

POLICY = """
format = 1
[[criterion]]
name = "of-all"
role = "exit"
require = "rate(error) <= 1%"
why = "w"
[[criterion]]
name = "of-others"
role = "exit"
layers = ["integration", "performance"]
require = "rate(error) <= 1%"
why = "w"
[[criterion]]
name = "of-no-calls"
role = "exit"
layers = ["performance"]
require = "p50(gap_s) < 1ms"
why = "w"
[[criterion]]
name = "of-this"
role = "exit"
layers = ["performance"]
require = "rate(error) <= 5%"
why = "w"
"""
Build = Callable[..., Exchange]
Open = Callable[..., tuple[Halt | None, RunFolder]]


@pytest.fixture
def opened(tmp_path: Path) -> Open:
    def make(stopping: Stopping = Stopping.ANYTIME) -> tuple[Halt | None, RunFolder]:
        manifest = Manifest(
            format_version=FORMAT_VERSION,
            run_id="ab12cd34",
            package="shop",
            started_at="2026-11-22T13:05:00.250Z",
            git_revision=None,
            git_dirty=None,
            environment="staging",
            endpoint="https://api.anthropic.com",
            kind=Origin.LIVE,
            layers=tuple(Layer),
            model=None,
            seed=7,
            policy_hash="",
            versions={},
            stopping=stopping,
        )
        folder = create_run(tmp_path / "runs", manifest, POLICY)
        sink = folder.writer("pytest")
        return open_halt(folder, {Layer.PERFORMANCE}, sink, ManualClock()), folder

    return make


def test_run_that_is_judged_once_is_never_stopped(opened: Open) -> None:
    assert opened(Stopping.FIXED)[0] is None


def test_only_criteria_on_calls_of_these_layers_alone_decide(opened: Open, exchange: Build) -> None:
    halt, _ = opened()
    assert halt is not None
    few = [exchange(status=401, stream=True, gaps_s=(1.0,) * 9) for _ in range(2)]
    good = [exchange(stream=True, gaps_s=(1.0,) * 9) for _ in range(98)]
    for one in (*few, *good):
        halt.put(one)
    assert halt._decide(MemoryLog((*few, *good)), 0) is None
    for _ in range(20):
        halt.put(exchange(status=401))
    why = halt._decide(MemoryLog(halt._records), 0)
    assert why == "`of-this` is broken: 22 of 120 beyond its limit"
    assert halt._decide(MemoryLog(halt._records), 100) is None


def test_what_other_processes_saw_counts_as_well(opened: Open, exchange: Build) -> None:
    halt, folder = opened()
    assert halt is not None
    bad = [exchange(status=401) for _ in range(10)]
    with folder.writer("child") as child:
        for _ in range(200):
            child.put(exchange())
    for one in bad:
        halt.put(one)
    assert halt._decide(MemoryLog(bad), 0) is None

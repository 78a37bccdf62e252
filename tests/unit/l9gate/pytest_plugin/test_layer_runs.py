from types import SimpleNamespace
from typing import cast

import pytest

from l9gate.evidence.records import Layer
from l9gate.pytest_plugin.layer_runs import LayerRuns

UNIT, CONTRACT = Layer.UNIT, Layer.CONTRACT


def report(layer: Layer | None, start: float, stop: float, nodeid: str = "t") -> pytest.TestReport:
    extra = {} if layer is None else {"l9gate_layer": layer.value}
    found = SimpleNamespace(start=start, stop=stop, nodeid=nodeid, **extra)
    return cast("pytest.TestReport", found)


def test_the_only_layer_gets_all_of_the_sessions_time() -> None:
    """L1-03."""
    runs = LayerRuns(100.0)
    runs.count_collected([UNIT, UNIT, UNIT, None])
    runs.count_selected([UNIT, UNIT, None])
    runs.add(report(UNIT, 105.0, 106.0))
    (run,) = runs.build(110.0, 1)
    assert (run.layer, run.started_s, run.ended_s) == (UNIT, 100.0, 110.0)
    assert (run.collected, run.selected, run.exit_status) == (3, 2, 1)
    assert runs.had_deselected


def test_of_several_layers_each_gets_from_its_first_test_to_its_last() -> None:
    runs = LayerRuns(100.0)
    runs.count_collected([UNIT, CONTRACT])
    runs.count_selected([UNIT, CONTRACT])
    for layer, start, stop in (
        (UNIT, 101.0, 102.0),
        (CONTRACT, 103.0, 107.0),
        (UNIT, 102.0, 103.0),
    ):
        runs.add(report(layer, start, stop))
    spans = {run.layer: (run.started_s, run.ended_s) for run in runs.build(110.0, 0)}
    assert spans == {UNIT: (101.0, 103.0), CONTRACT: (103.0, 107.0)}
    assert not runs.had_deselected


def test_the_time_of_tests_that_belong_to_no_layer_is_nobodys() -> None:
    runs = LayerRuns(100.0)
    runs.count_selected([UNIT, None])
    runs.add(report(UNIT, 101.0, 102.0))
    runs.add(report(None, 102.0, 109.0))
    (run,) = runs.build(110.0, 0)
    assert (run.started_s, run.ended_s) == (101.0, 102.0)


def test_a_layer_none_of_whose_tests_ran_is_there_with_the_sessions_time() -> None:
    runs = LayerRuns(100.0)
    runs.count_selected([UNIT, CONTRACT])
    assert [run.started_s for run in runs.build(110.0, 0)] == [100.0, 100.0]


def test_nothing_selected_is_no_layer_run() -> None:
    runs = LayerRuns(100.0)
    runs.count_collected([UNIT])
    assert runs.layers == ()
    assert runs.build(110.0, 5) == []
    assert not runs.had_deselected


def test_every_worker_counts_the_same_tests() -> None:
    worker, controller = LayerRuns(0.0), LayerRuns(0.0)
    worker.count_collected([UNIT, UNIT, CONTRACT])
    worker.count_selected([UNIT])
    assert worker.export() == {"unit": [2, 1]}
    controller.merge(worker.export())
    controller.merge(worker.export())
    (run,) = controller.build(1.0, 0)
    assert (run.collected, run.selected) == (2, 1)


def test_a_test_of_no_layer_is_counted_once_for_its_three_phases() -> None:
    runs = LayerRuns(0.0)
    for nodeid in ("a", "a", "a", "b"):
        runs.add(report(None, 0.0, 1.0, nodeid))
    assert runs.ungated == 2

import pytest

from l9gate.criteria.completeness import Completeness
from l9gate.criteria.criterion import Scope, State
from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import EndReason, Layer, LayerRun, Origin, SourceEnd


def scope(*layers: Layer, narrowed: str | None = None) -> Scope:
    return Scope(layers=layers, kind=Origin.LIVE, environment="development", narrowed=narrowed)


def end(layer: Layer, reason: EndReason = EndReason.COMPLETED) -> SourceEnd:
    return SourceEnd(at_s=1.0, source=f"suite.{layer}", reason=reason, detail="why")


def ran(layer: Layer, selected: int = 3) -> LayerRun:
    return LayerRun(
        at_s=1.0, layer=layer, started_s=0.0, ended_s=1.0,
        collected=3, selected=selected, exit_status=0,
    )  # fmt: skip


WHOLE = MemoryLog([record(layer) for layer in Layer for record in (end, ran)])


def test_a_run_whose_layers_all_completed_is_complete() -> None:
    finding = Completeness().judge(WHOLE, scope(*Layer))
    assert finding.state is State.KEPT
    assert (finding.n, finding.reason) == (4, None)


def test_a_layer_without_a_closing_record_was_killed_and_leaves_the_run_unproven() -> None:
    log = MemoryLog([end(Layer.UNIT), ran(Layer.UNIT)])
    finding = Completeness().judge(log, scope(Layer.UNIT, Layer.CONTRACT))
    assert finding.state is State.UNPROVEN
    assert finding.n == 1
    assert finding.reason is not None
    assert "contract has no end" in finding.reason


@pytest.mark.parametrize("reason", [EndReason.STOPPED, EndReason.LIMIT_REACHED, EndReason.FAILED])
def test_a_layer_that_ended_otherwise_leaves_the_run_unproven(reason: EndReason) -> None:
    finding = Completeness().judge(MemoryLog([end(Layer.UNIT, reason)]), scope(Layer.UNIT))
    assert finding.state is State.UNPROVEN
    assert finding.reason == f"unit {reason}: why"


def test_a_run_of_no_layer_is_unproven() -> None:
    assert Completeness().judge(MemoryLog(), scope()).state is State.UNPROVEN


def test_a_narrowed_run_of_all_layers_is_unproven_and_of_one_layer_may_be_complete() -> None:
    assert Completeness().judge(WHOLE, scope(*Layer, narrowed="smoke")).state is State.UNPROVEN
    smoke = Completeness().judge(WHOLE, scope(Layer.INTEGRATION, narrowed="smoke"))
    assert smoke.state is State.KEPT


@pytest.mark.parametrize("first", list(EndReason))
def test_a_layer_that_once_completed_stays_complete(first: EndReason) -> None:
    ends = [end(Layer.UNIT, first), end(Layer.UNIT), end(Layer.UNIT, EndReason.STOPPED)]
    finding = Completeness().judge(MemoryLog([*ends, ran(Layer.UNIT)]), scope(Layer.UNIT))
    assert finding.state is State.KEPT


@pytest.mark.parametrize("runs", [[], [ran(Layer.UNIT, selected=0)]])
def test_a_layer_without_tests_leaves_the_run_unproven(runs: list[LayerRun]) -> None:
    """C-11: whatever a policy asks, an empty layer establishes nothing."""
    finding = Completeness().judge(MemoryLog([end(Layer.UNIT), *runs]), scope(Layer.UNIT))
    assert finding.state is State.UNPROVEN
    assert finding.reason == "unit has no tests"


def test_tests_that_pytest_was_told_to_leave_out_leave_the_run_unproven() -> None:
    log = MemoryLog([end(Layer.UNIT), ran(Layer.UNIT, selected=1)])
    finding = Completeness().judge(log, scope(Layer.UNIT))
    assert finding.state is State.UNPROVEN
    assert finding.reason == "unit: pytest's own options left out 2 of 3 tests"
    assert Completeness().judge(log, scope(Layer.UNIT, narrowed="x")).state is State.KEPT

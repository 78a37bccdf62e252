from collections.abc import Callable
from datetime import date

import pytest

from l9gate.criteria.criterion import Finding, Role, Scope, State
from l9gate.criteria.expression import parse_condition
from l9gate.criteria.threshold import Threshold
from l9gate.criteria.waiver import NotApplicable, Waiver
from l9gate.errors import ExitCode
from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import AnyRecord, CacheState, Layer, Origin, Signal
from l9gate.verdict import decide

LIVE = Scope(layers=tuple(Layer), kind=Origin.LIVE, environment="staging")
CACHE = NotApplicable(
    criterion=Threshold(
        name="cache",
        role=Role.EXIT,
        layers=frozenset({Layer.PERFORMANCE}),
        condition=parse_condition("rate(cache_hit) > 30%"),
    ),
    waiver=Waiver(reason="no cache by design", owner="Ada", expires=date(2023, 11, 14)),
)
ON_THE_LAST_DAY_S = 1_700_000_000.0  # 2023-11-14T22:13:20Z


def judged(*records: AnyRecord) -> Finding:
    return CACHE.judge(MemoryLog(records), LIVE)


def test_a_waiver_holds_while_nothing_was_observed(signal: Callable[..., Signal]) -> None:
    finding = judged(signal(cache=CacheState.OFF, at_s=ON_THE_LAST_DAY_S))
    assert (finding.waived, finding.state) == (True, State.UNPROVEN)
    assert finding.reason == "not applicable: no cache by design (Ada, until 2023-11-14)"
    assert finding.decides is None
    assert decide([finding], LIVE).exit_code is ExitCode.UNPROVEN


@pytest.mark.parametrize("state", [CacheState.HIT, CacheState.MISS])
def test_a_waiver_is_void_once_its_signal_was_observed(
    state: CacheState, signal: Callable[..., Signal]
) -> None:
    finding = judged(*[signal(cache=state) for _ in range(9)])
    assert finding.waived is False
    assert finding.state is (State.KEPT if state is CacheState.HIT else State.BROKEN)
    assert finding.reason == "waiver of Ada is void: its signal was observed"


def test_a_waiver_ends_with_its_last_day(signal: Callable[..., Signal]) -> None:
    finding = judged(signal(cache=CacheState.OFF, at_s=ON_THE_LAST_DAY_S + 7200))
    assert (finding.waived, finding.state) == (False, State.UNPROVEN)
    assert finding.reason == "no samples; waiver of Ada expired on 2023-11-14"


def test_a_waiver_does_not_hold_for_a_run_without_any_record() -> None:
    assert judged().waived is False


def test_a_waived_criterion_is_named_as_before() -> None:
    assert (CACHE.name, CACHE.role) == ("cache", Role.EXIT)
    assert CACHE.layers == frozenset({Layer.PERFORMANCE})

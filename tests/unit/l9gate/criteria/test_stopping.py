"""What is certain while a measurement goes on."""

from collections.abc import Callable
from typing import TypeAlias

import pytest

from l9gate.criteria.criterion import Role, Scope, State
from l9gate.criteria.decision import decide_quantile, decide_rate
from l9gate.criteria.excerpt import Excerpt
from l9gate.criteria.expression import parse_condition
from l9gate.criteria.policy import default_policy_text, parse_policy
from l9gate.criteria.stopping import (
    LEAST,
    Look,
    Progress,
    count_wrong,
    look_at,
    look_at_all,
    progress_of,
    sampled,
    why_stop,
    wrong_share,
)
from l9gate.criteria.threshold import Threshold
from l9gate.evidence.load import CallEnd, LoadBlock
from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import Exchange, Layer, Origin
from l9gate.measure.sequential import Stopping

FIXED = Scope(layers=tuple(Layer), kind=Origin.LIVE, environment="staging")
ANYTIME = Scope(
    layers=tuple(Layer), kind=Origin.LIVE, environment="staging", stopping=Stopping.ANYTIME
)
P95 = parse_condition("p95(latency_s) < 2s")
ERRORS = parse_condition("rate(error) <= 5%")
HITS = parse_condition("rate(cache_hit) > 30%")
Build: TypeAlias = Callable[..., Exchange]


def test_ten_wrong_calls_break_a_build_and_nine_say_nothing() -> None:
    assert LEAST == 10
    assert look_at(ERRORS, Progress(n=10, wrong=10), ANYTIME) is State.BROKEN
    assert look_at(ERRORS, Progress(n=9, wrong=9), ANYTIME) is State.UNPROVEN


def test_perfect_build_is_decided_after_88_calls() -> None:
    """Methods.md 4.4."""
    assert look_at(P95, Progress(n=88, wrong=0), ANYTIME) is State.KEPT
    assert look_at(P95, Progress(n=87, wrong=0), ANYTIME) is State.UNPROVEN


def test_calls_that_have_not_ended_count_against_what_is_claimed() -> None:
    """Quick failures overtake slow answers: three of 200 begun calls are no broken build."""
    assert look_at(ERRORS, Progress(n=10, wrong=10, open=190), ANYTIME) is State.UNPROVEN
    assert look_at(ERRORS, Progress(n=40, wrong=40, open=160), ANYTIME) is State.BROKEN
    assert look_at(ERRORS, Progress(n=200, wrong=0, open=0), ANYTIME) is State.KEPT
    assert look_at(ERRORS, Progress(n=200, wrong=0, open=20), ANYTIME) is State.UNPROVEN


@pytest.mark.parametrize(("wrong", "state"), [(61, State.UNPROVEN), (63, State.BROKEN)])
def test_fixed_number_is_curtailed_once_its_end_is_certain(wrong: int, state: State) -> None:
    """Methods.md 4.1: of 1,000, 63 failures break 95 %, whenever they come."""
    for n in (wrong, 200, 1000):
        assert look_at(P95, Progress(n=n, wrong=wrong, planned=1000), FIXED) is state
    assert look_at(P95, Progress(n=1000, wrong=38, planned=1000), FIXED) is State.KEPT
    assert look_at(P95, Progress(n=999, wrong=38, planned=1000), FIXED) is State.UNPROVEN
    assert look_at(P95, Progress(n=999, wrong=37, planned=1000), FIXED) is State.KEPT


def test_nothing_is_certain_of_a_number_that_nobody_fixed() -> None:
    assert look_at(P95, Progress(n=1000, wrong=1000), FIXED) is State.UNPROVEN
    assert look_at(P95, Progress(n=1001, wrong=1001, planned=1000), FIXED) is State.UNPROVEN


@pytest.mark.parametrize("n", [10, 40, 150, 600])
@pytest.mark.parametrize("scope", [FIXED, ANYTIME])
def test_look_says_what_judging_says(n: int, scope: Scope) -> None:
    for wrong in range(0, n + 1, max(n // 10, 1)):
        so_far = Progress(n=n, wrong=wrong, planned=n)
        rate = decide_rate(wrong, n, ERRORS, scope.alpha, scope.rule)
        assert look_at(ERRORS, so_far, scope) is rate.state
        hits = decide_rate(n - wrong, n, HITS, scope.alpha, scope.rule)
        assert look_at(HITS, so_far, scope) is hits.state
        values = [3.0] * wrong + [1.0] * (n - wrong)
        quantile = decide_quantile(values, P95, scope.alpha, scope.rule)
        assert look_at(P95, so_far, scope) is quantile.state


@pytest.mark.parametrize(
    ("text", "share", "values", "wrong"),
    [
        ("p95(latency_s) < 2s", 0.05, [1.0, 2.0, 3.0], 2),
        ("p50(latency_s) > 2s", 0.5, [1.0, 2.0, 3.0], 2),
        ("rate(error) <= 5%", 0.05, [1.0, 0.0, 0.0], 1),
        ("rate(cache_hit) > 30%", 0.7, [1.0, 0.0, 0.0], 2),
        ("failures == 0", None, [], 0),
    ],
)
def test_every_sampled_condition_is_a_share_of_wrong_samples(
    text: str, share: float | None, values: list[float], wrong: int
) -> None:
    condition = parse_condition(text)
    assert wrong_share(condition) == pytest.approx(share)
    assert count_wrong(condition, values) == wrong


def test_progress_counts_what_the_criterion_looks_at(exchange: Build) -> None:
    calls = [exchange(latency_s=1.0), exchange(latency_s=3.0), exchange(path="/v1/models")]
    criterion = Threshold(
        name="c",
        role=Role.EXIT,
        layers=frozenset(),
        condition=P95,
        where={"route": "POST /v1/messages"},
    )
    excerpt = Excerpt(MemoryLog(calls), ANYTIME, where=criterion.where)
    assert progress_of(criterion, excerpt, begun=4) == Progress(n=2, wrong=1, open=4)


@pytest.mark.parametrize(
    ("text", "n", "wrong"),
    [
        ("p95(load.latency_s) < 2s", 2, 1),
        ("rate(load.error) <= 5%", 3, 1),
        ("rate(load.cached) > 30%", 3, 3),
        ("load.calls > 1", None, None),
    ],
)
def test_progress_of_a_load_is_counted_in_its_columns(
    load_block: Callable[..., LoadBlock],
    loaded: Callable[..., Excerpt],
    text: str,
    n: int | None,
    wrong: int | None,
) -> None:
    ends = (CallEnd.OK, CallEnd.OK, CallEnd.OVERLOADED)
    excerpt = loaded(load_block((1.0, 3.0, 0.1), ends=ends))
    criterion = Threshold(
        name="c", role=Role.EXIT, layers=frozenset(), condition=parse_condition(text)
    )
    found = progress_of(criterion, excerpt)
    assert ((None, None) if found is None else (found.n, found.wrong)) == (n, wrong)


def test_policy_that_is_shipped_has_criteria_that_counting_can_decide() -> None:
    criteria = sampled(parse_policy(default_policy_text()).asked(FIXED), FIXED)
    names = {one.name for one, _ in criteria}
    assert {"latency-p99", "error-rate", "cache-hit-rate"} <= names
    assert "throughput" not in names
    assert "unit-failures" not in names


def test_role_is_that_of_the_environment_and_a_waiver_is_no_way_out() -> None:
    text = """
format = 1
[[criterion]]
name = "errors"
role = "exit"
role_in = { staging = "advice" }
layers = ["performance"]
require = "rate(error) <= 5%"
why = "w"
not_applicable = { reason = "r", owner = "o", expires = 2027-01-01 }
"""
    ((criterion, role),) = sampled(parse_policy(text).criteria, FIXED)
    assert (criterion.name, role) == ("errors", Role.ADVICE)


def looks(*states: tuple[State, Role]) -> list[Look]:
    return [
        Look(criterion=f"c{number}", role=role, state=state, progress=Progress(n=10, wrong=7))
        for number, (state, role) in enumerate(states)
    ]


def test_one_broken_criterion_that_decides_is_reason_enough() -> None:
    found = looks((State.UNPROVEN, Role.EXIT), (State.BROKEN, Role.BLOCKER))
    assert why_stop(found) == "`c1` is broken: 7 of 10 beyond its limit"
    assert why_stop(looks((State.BROKEN, Role.ADVICE), (State.UNPROVEN, Role.EXIT))) is None


def test_all_kept_is_a_reason_only_if_one_asks_for_it() -> None:
    kept = looks((State.KEPT, Role.EXIT), (State.KEPT, Role.BLOCKER), (State.UNPROVEN, Role.ADVICE))
    assert why_stop(kept) is None
    assert why_stop(kept, once_kept=True) == "`c0`, `c1` decided: kept"
    assert (
        why_stop(looks((State.KEPT, Role.EXIT), (State.UNPROVEN, Role.EXIT)), once_kept=True)
        is None
    )
    assert why_stop([], once_kept=True) is None


def test_criterion_without_progress_is_not_looked_at() -> None:
    criteria = sampled(parse_policy(default_policy_text()).criteria, ANYTIME)
    found = look_at_all(criteria, {"error-rate": Progress(n=20, wrong=20)}, ANYTIME)
    assert [(one.criterion, one.state) for one in found] == [("error-rate", State.BROKEN)]

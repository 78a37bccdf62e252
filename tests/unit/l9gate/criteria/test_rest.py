"""What a used-up budget left undone."""

from collections.abc import Callable

import pytest

from l9gate.criteria.completeness import Completeness
from l9gate.criteria.criterion import Scope, State
from l9gate.criteria.excerpt import Excerpt
from l9gate.criteria.health import measure_health
from l9gate.criteria.outcomes import account_of
from l9gate.criteria.rest import cost_of_rest, cut_tests, last_budgets, prices_of
from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import (
    AnyRecord,
    Budget,
    Exchange,
    Layer,
    LayerRun,
    LayerSpending,
    Origin,
    SourceEnd,
    TestOutcome,
    TestState,
)
from l9gate.wire.messages import Usage
from l9gate.wire.prices import Price

PERFORMANCE, CONTRACT = Layer.PERFORMANCE, Layer.CONTRACT
Log = Callable[..., MemoryLog]


def budget(usd: float = 0.0, *, refusal: str | None = "used up", run: str = "r") -> Budget:
    part = LayerSpending(
        layer=PERFORMANCE, calls=4, spent_usd=usd, unsettled_usd=0, unsettled_calls=0
    )
    return Budget(
        at_s=1.0,
        run=run,
        kind=Origin.LIVE,
        caps_usd={"run": 1.0},
        source="--budget",
        layers=(part,) if usd else (),
        refusal=refusal,
        prices={"own": Price(input_usd_per_mtok=0, output_usd_per_mtok=1_000_000)},
    )


@pytest.fixture
def stopped(outcome: Callable[..., TestOutcome], layer_run: Callable[..., LayerRun]) -> Log:
    """Return a log of a layer of which four tests ran and the fifth of ten was cut."""

    def build(*more: AnyRecord) -> MemoryLog:
        done = [outcome(node_id=f"t{n}", layer=PERFORMANCE, owners=()) for n in range(4)]
        cut = outcome(node_id="t4", layer=PERFORMANCE, owners=(), state=TestState.FAILED, cut=True)
        run = layer_run(layer=PERFORMANCE, selected=10)
        return MemoryLog([*done, cut, run, *more])

    return build


def test_the_rest_costs_as_much_a_test_as_what_was_done(
    stopped: Log, scope: Callable[..., Scope]
) -> None:
    asked = scope(layers=(Layer.UNIT, PERFORMANCE, CONTRACT))
    assert cost_of_rest(stopped(budget(0.8)), asked) == (
        "a budget of about $2.00 or more (left to do: performance: 6 tests, about $1.20; "
        "contract: not started)"
    )


def test_what_nothing_is_known_of_has_no_price(stopped: Log, scope: Callable[..., Scope]) -> None:
    assert cost_of_rest(stopped(budget()), scope(layers=(PERFORMANCE,))) == (
        "a larger budget (left to do: performance: 6 tests, at a cost that is not known)"
    )


def test_a_run_that_was_not_stopped_has_no_rest(stopped: Log, scope: Callable[..., Scope]) -> None:
    assert cost_of_rest(stopped(budget(refusal=None)), scope()) is None
    assert cost_of_rest(stopped(), scope()) is None


def test_the_last_word_on_each_run_counts() -> None:
    log = MemoryLog([budget(0.1), budget(0.2), budget(0.3, run="s")])
    assert [one.layers[0].spent_usd for one in last_budgets(log)] == [0.2, 0.3]


def test_a_cut_test_neither_passed_nor_failed(stopped: Log, scope: Callable[..., Scope]) -> None:
    log = stopped(budget(0.8))
    account = account_of(Excerpt(log, scope(layers=(PERFORMANCE,)), frozenset({PERFORMANCE})))
    assert len(account.tests) == 4
    assert "t4" not in " ".join(account.not_passed)
    assert cut_tests(log) == ("t4",)


def test_a_run_with_a_cut_test_is_never_complete(
    stopped: Log, scope: Callable[..., Scope], source_end: Callable[..., SourceEnd]
) -> None:
    log = stopped(budget(0.8), source_end(source="suite.performance"))
    finding = Completeness().judge(log, scope(layers=(PERFORMANCE,)))
    assert (finding.state, finding.evidence) == (State.UNPROVEN, ("t4",))
    assert "the budget ended 1 tests" in (finding.reason or "")
    assert "$2.00" in (finding.decides or "")


def test_the_price_that_a_project_declares_is_the_one_that_is_shown(
    exchange: Callable[..., Exchange], scope: Callable[..., Scope]
) -> None:
    sent = exchange(model="own", usage=Usage(input_tokens=5, output_tokens=3))
    log = MemoryLog([sent, budget()])
    assert prices_of(log).cost_usd("own", Usage(output_tokens=2)) == 2
    assert measure_health(log, scope()).cost_usd == 3

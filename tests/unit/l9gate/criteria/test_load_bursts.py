from collections.abc import Callable
from math import inf

import pytest

from l9gate.criteria.criterion import Role, State
from l9gate.criteria.excerpt import Excerpt
from l9gate.criteria.expression import parse_condition
from l9gate.criteria.load_bursts import BURSTING, observe_calls
from l9gate.criteria.quantities import BY_NAME, CountedRate, RankedSample
from l9gate.criteria.threshold import Threshold
from l9gate.evidence.load import CallEnd, ClientCheck, LoadBlock

Block = Callable[..., LoadBlock]
Loaded = Callable[..., Excerpt]
ENDS = [
    CallEnd.OK, CallEnd.OK, CallEnd.OVERLOADED, CallEnd.TIMED_OUT, CallEnd.TIMED_OUT,
    CallEnd.NOT_PAID, CallEnd.CUT,
]  # fmt: skip


@pytest.fixture
def excerpt(load_block: Block, loaded: Loaded, never: float) -> Excerpt:
    """Streams that ended in every way; a deadline ended one before its first token."""
    ttft_s = [0.2, 0.3, never, 0.4, never, never, 0.1]
    return loaded(
        load_block([1.0, 2.0, 0.1, 9.0, 9.0, 0.0, 0.5], ends=ENDS, ttft_s=ttft_s, lag_s=0.05)
    )


@pytest.mark.parametrize("name", sorted(BURSTING))
def test_calls_one_by_one_are_the_sample_that_is_ranked_or_counted(
    name: str, excerpt: Excerpt
) -> None:
    quantity = BY_NAME[name]
    values = [one.value for one in observe_calls(name, excerpt.load)]
    assert values
    if isinstance(quantity, RankedSample):
        assert sorted(values) == list(quantity.rank(excerpt))
    else:
        assert isinstance(quantity, CountedRate)
        assert (sum(values), len(values)) == quantity.count(excerpt)


def test_a_value_belongs_to_the_time_at_which_its_call_was_due(excerpt: Excerpt) -> None:
    found = observe_calls("load.latency_s", excerpt.load)
    first_s = found[0].at_s
    assert [(one.at_s - first_s, one.value) for one in found] == [
        (0.0, 1.0), (1.0, 2.0), (3.0, inf), (4.0, inf),
    ]  # fmt: skip


def test_calls_of_few_bursts_say_less_than_as_many_single_ones(
    load_block: Block, client_check: Callable[..., ClientCheck], loaded: Loaded
) -> None:
    """100 calls a second apart, of which each ten share their fate."""
    took_s = [3.0 if number // 10 == 4 else 0.5 for number in range(100)]
    records = load_block(took_s), client_check()

    def judged(burst_s: float | None) -> State:
        asked = Threshold(
            name="c", role=Role.EXIT, layers=frozenset(), sources=frozenset({"load"}),
            condition=parse_condition("p75(load.latency_s) < 2s"), burst_s=burst_s,
        )  # fmt: skip
        scene = loaded(*records)
        return asked.judge(scene.log, scene.scope).state

    assert judged(None) is State.KEPT
    assert judged(1.5) is State.UNPROVEN, "one burst of a hundred calls"

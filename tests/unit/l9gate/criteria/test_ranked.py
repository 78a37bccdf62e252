from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from l9gate.criteria.criterion import State
from l9gate.criteria.decision import decide_quantile
from l9gate.criteria.expression import Condition, Operator
from l9gate.criteria.ranked import Ranked
from l9gate.measure.histogram import Histogram

SECONDS = st.lists(st.sampled_from([0.5, 1.0, 1.5, 2.0, 2.5, inf]), min_size=1, max_size=80)


def ranked(values: list[float]) -> Ranked:
    return Ranked(np.array(values, dtype=np.float64))


@settings(max_examples=40)
@given(SECONDS, st.sampled_from([one for one in Operator if one is not Operator.EQUAL]))
def test_a_ranked_sample_is_decided_as_a_list_of_the_same_values(
    values: list[float], operator: Operator
) -> None:
    condition = Condition(quantity="latency_s", operator=operator, limit=1.5, quantile=0.8)
    assert decide_quantile(ranked(values), condition, 0.05) == decide_quantile(
        values, condition, 0.05
    )


@settings(max_examples=40)
@given(SECONDS, SECONDS)
def test_counts_and_single_values_have_the_ranks_of_all_values(
    single: list[float], counted: list[float]
) -> None:
    """Values of a millisecond's grid below 2,048 ns steps would differ; these are edges."""
    histogram = Histogram()
    histogram.add_many(counted)
    edges, counts = histogram.steps()
    merged = Ranked(np.array(single), edges=edges, counts=counts, infinite=counted.count(inf))
    expected = sorted(single + counted)
    assert len(merged) == len(expected)
    assert list(merged) == pytest.approx(expected, rel=0.001)
    assert merged.count_infinite() == expected.count(inf)


def test_a_bucket_counts_with_its_upper_edge_so_that_no_limit_is_kept_by_rounding() -> None:
    histogram = Histogram()
    histogram.add(1.9995)
    edges, counts = histogram.steps()
    assert 1.9995 <= edges[0] <= 1.9995 * 1.001
    merged = Ranked(np.array([]), edges=edges, counts=counts)
    assert merged.count_beyond(1.9995, wants_low=True, is_strict=False) == 1


def test_ranks_beyond_the_sample_are_no_ranks() -> None:
    values = ranked([3.0, 1.0, 2.0])
    assert (values[0], values[-1], list(values[1:])) == (1.0, 3.0, [2.0, 3.0])
    with pytest.raises(IndexError):
        values[3]


def test_too_few_values_decide_nothing() -> None:
    condition = Condition(
        quantity="load.latency_s", operator=Operator.BELOW, limit=2.0, quantile=0.95
    )
    decision = decide_quantile(ranked([0.1] * 58), condition, 0.05)
    assert decision.state is State.UNPROVEN
    assert decision.more == 1
    assert decide_quantile(ranked([0.1] * 59), condition, 0.05).state is State.KEPT

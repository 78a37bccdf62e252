"""Which answers of a load count: those that nothing shows to be somebody else's, or nobody's."""

from collections.abc import Callable

import pytest

from l9gate.criteria.excerpt import Excerpt
from l9gate.criteria.load_samples import (
    rank_latency,
    read_calls,
    tally_cached,
    tally_degraded,
    tally_error,
    tally_rejected,
)
from l9gate.evidence.load import CallEnd, LoadBlock
from l9gate.evidence.records import Origin

Block = Callable[..., LoadBlock]
Loaded = Callable[..., Excerpt]


@pytest.mark.parametrize("end", [CallEnd.OK, CallEnd.SERVER_ERROR, CallEnd.TIMED_OUT])
def test_answers_that_say_they_come_from_elsewhere_are_errors_beside_others(
    end: CallEnd, load_block: Block, loaded: Loaded
) -> None:
    """Else a header would keep slow answers and failures out of every number."""
    own, foreign = load_block([0.1]), load_block([9.0], ends=end, origin=Origin.SIMULATED)
    excerpt = loaded(own, foreign)
    assert tally_error(excerpt) == (1, 2)
    assert list(rank_latency(excerpt)) == [0.1]
    assert read_calls(excerpt).n == 2


def test_answers_that_all_say_they_come_from_elsewhere_count_for_nothing(
    load_block: Block, loaded: Loaded
) -> None:
    ends = [CallEnd.OK, CallEnd.OVERLOADED]
    excerpt = loaded(load_block([9.0, 9.0], ends=ends, origin=Origin.OTHER))
    assert tally_error(excerpt) == (0, 0)
    assert tally_rejected(excerpt) == (0, 0)
    assert read_calls(excerpt).value is None


@pytest.mark.parametrize("end", [CallEnd.CACHED, CallEnd.DEGRADED])
def test_an_application_that_never_had_an_answer_has_no_error_rate(
    end: CallEnd, load_block: Block, loaded: Loaded
) -> None:
    """It may say that it answers from a cache, and call nobody at all."""
    excerpt = loaded(load_block([0.1, 0.1], ends=end))
    assert tally_error(excerpt) == (0, 0)
    made_up = tally_cached if end is CallEnd.CACHED else tally_degraded
    assert made_up(excerpt) == (2, 2)


def test_what_an_application_made_up_counts_beside_an_answer(
    load_block: Block, loaded: Loaded
) -> None:
    excerpt = loaded(load_block([0.1, 0.1], ends=[CallEnd.OK, CallEnd.CACHED]))
    assert tally_error(excerpt) == (0, 2)
    assert tally_cached(excerpt) == (1, 2)

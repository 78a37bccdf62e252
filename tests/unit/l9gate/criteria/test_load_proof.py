"""Which answers of a load count: those that nothing shows to be somebody else's, or nobody's."""

from collections.abc import Callable

import pytest

from l9gate.criteria.excerpt import Excerpt
from l9gate.criteria.load_client import why_limited
from l9gate.criteria.load_samples import (
    rank_latency,
    read_calls,
    read_load_pace,
    tally_cached,
    tally_degraded,
    tally_error,
    tally_rejected,
)
from l9gate.evidence.load import CallEnd, ClientCheck, LoadBlock
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


def test_throughput_counts_the_time_in_which_calls_failed(
    load_block: Block, loaded: Loaded
) -> None:
    """An API that stops after half of the load has carried half of it."""
    ends = [CallEnd.OK] * 40 + [CallEnd.SERVER_ERROR] * 40
    pace = read_load_pace(loaded(load_block([1.0] * 80, ends=ends)))
    assert (pace.count, pace.window_s) == (40, 80.0)


def test_a_client_that_was_late_is_told_where_nothing_but_timeouts_came(
    load_block: Block, loaded: Loaded, client_check: Callable[..., ClientCheck]
) -> None:
    timeouts = load_block([3.0] * 20, ends=CallEnd.TIMED_OUT)
    late = why_limited(loaded(timeouts, client_check(loop_lag_s=1.0)))
    assert late is not None
    assert "1e+03 ms late" in late
    assert why_limited(loaded(timeouts, client_check())) is None

"""Shards of one schedule: nothing is lost when it is dealt, nothing averaged when put together."""

from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from l9gate.drive.arrivals import Arrivals, Closed, Constant, Poisson, Ramp, Recorded, count_planned
from l9gate.drive.plan import DriveEnd, Progress, Reason
from l9gate.drive.shards import ended_of, merge_ends, merge_standings, standing_of
from l9gate.evidence.load import CallEnd
from l9gate.measure.histogram import Histogram

SCHEDULES: tuple[Arrivals, ...] = (
    Constant(7.0, 3.0),
    Poisson(40.0, 2.0),
    Ramp(1.0, 20.0, 3.0),
    Recorded((0.0, 0.5, 0.5, 2.0, 9.0), 2.0),
)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(SCHEDULES), st.integers(0, 99), st.integers(1, 9))
def test_all_shards_together_send_what_one_process_would(
    arrivals: Arrivals, seed: int, shards: int
) -> None:
    """The union of their due times is the schedule itself, each call once."""
    whole = list(arrivals.offsets_s(seed))
    dealt = [list(islice(arrivals.offsets_s(seed), i, None, shards)) for i in range(shards)]
    assert sorted(offset_s for part in dealt for offset_s in part) == whole
    planned = [count_planned(arrivals, seed, shard, shards) for shard in range(shards)]
    assert planned == [len(part) for part in dealt]


def test_users_and_calls_of_a_closed_loop_are_dealt_without_a_rest() -> None:
    closed = Closed(8, calls=101, think_s=0.5)
    shares = [closed.share(shard, 3) for shard in range(3)]
    assert [share.users for share in shares] == [3, 3, 2]
    assert sum(share.calls or 0 for share in shares) == 101
    assert {share.think_s for share in shares} == {0.5}


def progress(latencies_s: list[float], lag_s: float = 0.001) -> Progress:
    counts = Histogram()
    counts.add_many(latencies_s)
    return Progress(
        at_s=10.0,
        elapsed_s=1.0,
        left_s=9.0,
        lag_s=lag_s,
        planned=50,
        sent=len(latencies_s) + 2,
        done=len(latencies_s),
        in_flight=2,
        ends={CallEnd.OK: len(latencies_s)},
        rate_per_s=5.0,
        latency_s=(),
        ttft_s=(),
        latency_counts=counts,
    )


def test_percentiles_of_shards_are_those_of_all_their_calls() -> None:
    """A slow shard beside a fast one: the mean of their medians would be 0.55 s."""
    fast, slow = [0.1] * 90, [1.0] * 10
    both = merge_standings([standing_of(progress(fast)), standing_of(progress(slow, lag_s=0.2))])
    whole = Histogram()
    whole.add_many(fast + slow)
    assert both.latency_counts == whole
    assert both.latency_s == tuple(whole.quantile(q) for q in (0.5, 0.95, 0.99))
    assert both.latency_s[0] == pytest.approx(0.1, rel=1e-3)
    assert (both.sent, both.done, both.planned, both.in_flight) == (104, 100, 100, 4)
    assert (both.rate_per_s, both.lag_s, both.ends) == (10.0, 0.2, {CallEnd.OK: 100})
    assert both.ttft_s == ()


def test_what_criteria_count_is_added_up() -> None:
    parts = [
        standing_of(progress([0.1]), {"p95": (10, 1), "errors": (12, 0)}),
        standing_of(progress([0.1]), {"p95": (5, 2)}),
        standing_of(progress([0.1])),
    ]
    assert merge_standings(parts).tally == {"p95": (15, 3), "errors": (12, 0)}


def test_what_never_came_stays_infinite_when_shards_are_merged() -> None:
    parts = [standing_of(progress([float("inf")] * 3)), standing_of(progress([0.1] * 3))]
    assert merge_standings(parts).latency_counts.infinite == 3


@pytest.mark.parametrize(
    ("reasons", "expected"),
    [
        ((Reason.COMPLETED, Reason.COMPLETED), Reason.COMPLETED),
        ((Reason.COMPLETED, Reason.EXHAUSTED), Reason.EXHAUSTED),
        ((Reason.NOT_PAID, Reason.STOPPED), Reason.NOT_PAID),
        ((), Reason.STOPPED),
    ],
)
def test_one_shard_that_ended_early_ended_the_load(
    reasons: tuple[Reason, ...], expected: Reason
) -> None:
    ends = [
        ended_of(DriveEnd(reason=reason, planned=5, sent=5, done=4, ends={CallEnd.OK: 4}))
        for reason in reasons
    ]
    whole = merge_ends(ends, 12)
    assert (whole.reason, whole.planned, whole.sent) == (expected, 12, 5 * len(reasons))
    assert whole.ends == ({CallEnd.OK: 4 * len(reasons)} if reasons else {})

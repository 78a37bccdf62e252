"""Token buckets."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from l9gate.measure.clock import ManualClock
from l9gate.simulator.limits import TIERS, Bucket, LimitExceeded, Limits, ModelLimits, Tier

NOW_S = 1_800_000_000.0
SMALL = Tier(requests_per_min=60, input_tokens_per_min=30_000, output_tokens_per_min=8_000)


def test_a_bucket_refills_continuously_and_never_over() -> None:
    bucket = Bucket(60, NOW_S)
    bucket.take(30, NOW_S)
    assert bucket.level(NOW_S + 10) == 40
    assert bucket.level(NOW_S + 1000) == 60


def test_a_clock_that_stands_refills_nothing() -> None:
    bucket = Bucket(60, NOW_S)
    bucket.take(60, NOW_S)
    assert bucket.level(NOW_S) == 0
    assert bucket.wait_s(1, NOW_S) == pytest.approx(1.0)


def test_what_no_clock_can_tell_from_nothing_is_no_wait() -> None:
    bucket = Bucket(60, NOW_S)
    bucket.take(59 + 1e-9, NOW_S)
    assert bucket.wait_s(1, NOW_S) == 0


def test_an_amount_above_the_capacity_waits_for_a_full_bucket() -> None:
    bucket = Bucket(60, NOW_S)
    assert bucket.wait_s(100, NOW_S) == 0


def test_a_bucket_of_nothing_never_has_anything() -> None:
    assert Bucket(0, NOW_S).wait_s(1, NOW_S) == float("inf")


def test_requests_are_refused_exactly_when_the_bucket_is_empty() -> None:
    limits = ModelLimits(SMALL, NOW_S)
    admitted = [limits.admit(1, NOW_S) for _ in range(61)]
    assert admitted[:60] == [None] * 60
    assert admitted[60] == LimitExceeded("requests", 60, 1)


def test_waiting_as_told_is_enough() -> None:
    limits = ModelLimits(SMALL, NOW_S)
    assert limits.admit(30_000, NOW_S) is None
    refused = limits.admit(10_000, NOW_S)
    assert refused == LimitExceeded("input tokens", 30_000, 20)
    assert limits.admit(10_000, NOW_S + refused.retry_after_s) is None


def test_output_is_charged_when_it_was_generated() -> None:
    limits = ModelLimits(SMALL, NOW_S)
    limits.charge_output(8_800, NOW_S)
    assert limits.admit(1, NOW_S) == LimitExceeded("output tokens", 8_000, 7)


def test_headers_are_the_recorded_ones() -> None:
    limits = ModelLimits(SMALL, NOW_S)
    limits.admit(1_900, NOW_S)
    headers = limits.headers(NOW_S)
    prefix = "anthropic-ratelimit-"
    assert {name.removeprefix(prefix): value for name, value in headers.items()} == {
        "requests-limit": "60",
        "requests-remaining": "59",
        "requests-reset": "2027-01-15T08:00:01Z",
        "input-tokens-limit": "30000",
        "input-tokens-remaining": "28000",
        "input-tokens-reset": "2027-01-15T08:00:04Z",
        "output-tokens-limit": "8000",
        "output-tokens-remaining": "8000",
        "output-tokens-reset": "2027-01-15T08:00:00Z",
        "tokens-limit": "38000",
        "tokens-remaining": "36000",
        "tokens-reset": "2027-01-15T08:00:04Z",
    }


def test_all_tokens_are_back_when_the_slower_of_both_buckets_is_full() -> None:
    limits = ModelLimits(SMALL, NOW_S)
    limits.admit(1_900, NOW_S)
    limits.charge_output(4_000, NOW_S)
    headers = limits.headers(NOW_S)
    assert headers["anthropic-ratelimit-input-tokens-reset"] == "2027-01-15T08:00:04Z"
    assert headers["anthropic-ratelimit-output-tokens-reset"] == "2027-01-15T08:00:30Z"
    assert headers["anthropic-ratelimit-tokens-reset"] == "2027-01-15T08:00:30Z"


def test_models_have_their_own_buckets() -> None:
    limits = Limits(SMALL)
    limits.of("a", NOW_S).admit(1, NOW_S)
    assert limits.of("a", NOW_S).headers(NOW_S)["anthropic-ratelimit-requests-remaining"] == "59"
    assert limits.of("b", NOW_S).headers(NOW_S)["anthropic-ratelimit-requests-remaining"] == "60"


def test_models_of_a_family_share_their_buckets() -> None:
    limits = Limits(SMALL)
    assert limits.of("claude-opus-4-8", NOW_S) is limits.of("claude-opus-4-6", NOW_S)
    assert limits.of("claude-opus-4-8", NOW_S) is not limits.of("claude-opus-5", NOW_S)
    assert limits.of("claude-sonnet-4-6", NOW_S) is limits.of("claude-sonnet-4-5-20250929", NOW_S)


def test_organisations_have_their_own_buckets_and_tiers() -> None:
    limits = Limits(SMALL)
    limits.of("a", NOW_S, "one").admit(1, NOW_S)
    prefix = "anthropic-ratelimit-requests-"
    assert limits.of("a", NOW_S, "two").headers(NOW_S)[f"{prefix}remaining"] == "60"
    large = limits.of("a", NOW_S, "three", Tier(requests_per_min=7))
    assert large.headers(NOW_S)[f"{prefix}limit"] == "7"


def test_fable_models_have_the_limits_of_their_line() -> None:
    limits = Limits(TIERS["start"])
    prefix = "anthropic-ratelimit-input-tokens-limit"
    assert limits.of("claude-fable-5", NOW_S).headers(NOW_S)[prefix] == "500000"
    assert limits.of("claude-opus-5", NOW_S).headers(NOW_S)[prefix] == "2000000"


def test_counting_and_batches_have_buckets_of_their_own() -> None:
    limits = Limits(Tier(counts_per_min=1, batch_calls_per_min=2, requests_per_min=0))
    taken = [limits.take_call(kind, NOW_S) for kind in ("count", "count", "batch", "batch")]
    assert taken == [None, LimitExceeded("requests", 1, 60), None, None]
    assert limits.take_call("batch", NOW_S) == LimitExceeded("requests", 2, 30)
    assert limits.take_call("count", NOW_S, "other") is None


@settings(max_examples=30, deadline=None)
@given(
    st.integers(1, 90),
    st.integers(1_000, 90_000_000),
    st.integers(1_000, 9_000),
    st.lists(st.tuples(st.floats(0, 40), st.integers(1, 40_000), st.integers(1, 9_000))),
)
def test_one_retry_after_the_time_told_is_enough(
    requests: int, inputs: int, outputs: int, asked: list[tuple[float, int, int]]
) -> None:
    """Invariant 11 of the sheet."""
    tier = Tier(
        requests_per_min=requests, input_tokens_per_min=inputs, output_tokens_per_min=outputs
    )
    clock = ManualClock(NOW_S)
    limits = ModelLimits(tier, clock.now_s())
    for wait_s, input_tokens, output_tokens in asked:
        clock.advance(wait_s)
        refused = limits.admit(input_tokens, clock.now_s())
        if refused is not None:
            assert refused.retry_after_s > 0
            clock.advance(refused.retry_after_s)
            assert limits.admit(input_tokens, clock.now_s()) is None
        limits.charge_output(output_tokens, clock.now_s())

"""Token buckets."""

import pytest

from l9gate.simulator.limits import Bucket, LimitExceeded, Limits, ModelLimits, Tier

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


def test_models_have_their_own_buckets() -> None:
    limits = Limits(SMALL)
    limits.of("a", NOW_S).admit(1, NOW_S)
    assert limits.of("a", NOW_S).headers(NOW_S)["anthropic-ratelimit-requests-remaining"] == "59"
    assert limits.of("b", NOW_S).headers(NOW_S)["anthropic-ratelimit-requests-remaining"] == "60"

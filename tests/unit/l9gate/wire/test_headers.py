"""Header names and values."""

import pytest

from l9gate.wire.headers import (
    API_VERSIONS,
    CURRENT_API_VERSION,
    parse_rate_limit,
    parse_retry_after,
    parse_trace_id,
)

NOW_S = 1_445_412_480.0  # Wed, 21 Oct 2015 07:28:00 GMT


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({"retry-after": "30"}, 30.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "30"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "3"}, 3.0),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:10 GMT"}, 10.0),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:10 -0000"}, 10.0),
        ({"retry-after": "Wed, 21 Oct 2015 07:27:00 GMT"}, 0.0),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "later"}, None),
        ({"retry-after": ""}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read_as_the_sdk_reads_it(
    headers: dict[str, str], wait_s: float | None
) -> None:
    assert parse_retry_after(headers, NOW_S) == wait_s


def test_rate_limit_loses_only_its_prefix() -> None:
    headers = {
        "Anthropic-RateLimit-Requests-Limit": "1000",
        "anthropic-ratelimit-tokens-remaining": "38000",
        "anthropic-organization-id": "o",
    }
    assert parse_rate_limit(headers) == {"requests-limit": "1000", "tokens-remaining": "38000"}


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", True),
        ("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-later-versions", True),
        ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01x", False),
        ("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", False),
        ("00-00000000000000000000000000000000-00f067aa0ba902b7-01", False),
        ("", False),
    ],
)
def test_a_trace_id_is_read_as_the_standard_writes_it(value: str, found: bool) -> None:
    trace_id = "4bf92f3577b34da6a3ce929d0e0e4736" if found else None
    assert parse_trace_id({"traceparent": value}) == trace_id
    assert parse_trace_id({}) is None


def test_the_current_version_is_one_of_the_versions() -> None:
    assert CURRENT_API_VERSION in API_VERSIONS

"""The API's errors."""

import msgspec
import pytest

from l9gate.wire.faults import (
    ERROR_TYPES,
    ApiFault,
    is_retryable,
    parse_fault,
    render_error_body,
    status_of,
    type_of,
)


@pytest.mark.parametrize("error_type", sorted(ERROR_TYPES))
def test_type_and_status_name_each_other(error_type: str) -> None:
    """L4-04."""
    status = status_of(error_type)
    assert status is not None
    assert type_of(status) == error_type


def test_an_unlisted_status_takes_the_type_of_its_class() -> None:
    assert (type_of(422), type_of(503)) == ("invalid_request_error", "api_error")
    assert status_of("new_error") is None


@pytest.mark.parametrize("code", [None, "ramp_limit_exceeded"])
def test_a_rendered_body_parses_to_its_fault(code: str | None) -> None:
    body = render_error_body("rate_limit_error", "slow down", "req_1", code)
    assert parse_fault(body) == ApiFault("rate_limit_error", code)
    assert msgspec.json.decode(body)["request_id"] == "req_1"


def test_details_of_null_are_no_code() -> None:
    body = b'{"type":"error","error":{"type":"overloaded_error","message":"m","details":null}}'
    assert parse_fault(body) == ApiFault("overloaded_error")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b'{"type":"message"}',
        b'{"error":{"type":"x"}}',
        b'{"type":"error"}',
        b"\xff",
    ],
)
def test_a_body_of_another_shape_is_no_fault(body: bytes) -> None:
    assert parse_fault(body) is None


def test_an_object_of_another_type_is_no_fault() -> None:
    assert parse_fault(b'{"type":"event","error":{"type":"x"}}') is None


@pytest.mark.parametrize(
    ("status", "header", "expected"),
    [
        (408, None, True),
        (409, None, True),
        (429, None, True),
        (500, None, True),
        (529, None, True),
        (400, None, False),
        (401, None, False),
        (400, "true", True),
        (500, "false", False),
        (500, "maybe", True),
    ],
)
def test_the_sdk_retries_what_it_says(status: int, header: str | None, *, expected: bool) -> None:
    assert is_retryable(status, header) is expected

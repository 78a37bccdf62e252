from collections.abc import Callable

import anthropic
import httpx2
import pytest

from neural_tools.errors import (
    AnswerError,
    BillingError,
    ConfigurationError,
    KeyRefusedError,
    ModelNotFoundError,
    RequestRefusedError,
)
from neural_tools.failure import REASONS, Circumstances, Failure, explain, parse_retry_after

REQUEST = httpx2.Request("POST", "http://api.test/v1/messages")
Refusal = Callable[..., httpx2.Response]


def seen(*, had_headers: bool = False) -> Circumstances:
    return Circumstances(
        model="claude-x",
        key_variables="STAGING_API_KEY or ANTHROPIC_API_KEY",
        api_key="sk-unit",
        wall_s=1_700_000_000.0,
        had_headers=had_headers,
    )


def status_error(response: httpx2.Response) -> anthropic.APIStatusError:
    response.request = REQUEST
    return anthropic.APIStatusError("refused", response=response, body=response.json())


def wrapped(cause: Exception) -> anthropic.APIConnectionError:
    error = anthropic.APIConnectionError(request=REQUEST)
    error.__cause__ = cause
    return error


def known(error: Exception, *, had_headers: bool = False) -> Failure:
    failure = explain(error, seen(had_headers=had_headers))
    assert isinstance(failure, Failure)
    assert failure.reason in REASONS
    return failure


@pytest.mark.parametrize(
    ("status", "kind", "error_class"),
    [
        pytest.param(
            401,
            "authentication_error",
            KeyRefusedError,
            marks=pytest.mark.scenario("authentication"),
        ),
        pytest.param(
            403, "permission_error", KeyRefusedError, marks=pytest.mark.scenario("authentication")
        ),
        (402, "billing_error", BillingError),
        (404, "not_found_error", ModelNotFoundError),
        (400, "invalid_request_error", RequestRefusedError),
        (413, "request_too_large", RequestRefusedError),
        (422, "invalid_request_error", RequestRefusedError),
    ],
)
def test_what_lasts_until_somebody_acts_is_a_configuration_error(
    refusal: Refusal, status: int, kind: str, error_class: type[ConfigurationError]
) -> None:
    """C-03, L1-04."""
    error = explain(status_error(refusal(status, kind)), seen())
    assert type(error) is error_class
    assert str(status) in str(error)
    assert "req_no" in str(error)


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [
        (429, "rate_limit_error", "rate_limited"),
        (529, "overloaded_error", "overloaded"),
        (500, "api_error", "server_error"),
        (503, "api_error", "server_error"),
        (504, "timeout_error", "server_error"),
        (409, "conflict_error", "server_error"),
        (408, "invalid_request_error", "timeout"),
    ],
)
def test_what_passes_by_itself_is_a_failure_with_a_reason(
    refusal: Refusal, status: int, kind: str, reason: str
) -> None:
    """C-03, L1-04."""
    failure = known(status_error(refusal(status, kind)))
    assert (failure.reason, failure.is_retryable, failure.status) == (reason, True, status)
    assert (failure.error_type, failure.request_id) == (kind, "req_no")


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("overloaded_error", "overloaded"),
        ("rate_limit_error", "rate_limited"),
        ("api_error", "server_error"),
        ("new_error", "server_error"),
    ],
)
def test_an_error_event_of_a_stream_is_named_by_its_type(
    refusal: Refusal, kind: str, reason: str
) -> None:
    assert known(status_error(refusal(200, kind))).reason == reason


def test_an_authentication_error_in_a_stream_is_a_configuration_error(refusal: Refusal) -> None:
    error = explain(status_error(refusal(200, "authentication_error")), seen())
    assert isinstance(error, KeyRefusedError)


@pytest.mark.scenario("malformed_answer")
def test_a_redirect_without_a_target_is_a_malformed_answer(refusal: Refusal) -> None:
    assert known(status_error(refusal(304, "x"))).reason == "malformed_answer"


@pytest.mark.parametrize("code", ["enforced_spend_limit_reached", "contract_spend_limit_reached"])
def test_a_spend_limit_is_not_worth_a_retry(refusal: Refusal, code: str) -> None:
    failure = known(status_error(refusal(429, "rate_limit_error", code)))
    assert not failure.is_retryable
    assert failure.error_code == code


def test_the_server_decides_about_retries(refusal: Refusal) -> None:
    told = refusal(529, "overloaded_error", x_should_retry="false")
    assert not known(status_error(told)).is_retryable
    told = refusal(429, "rate_limit_error", x_should_retry="true")
    assert known(status_error(told)).is_retryable


@pytest.mark.parametrize(
    ("cause", "before", "after"),
    [
        (httpx2.ConnectError("x"), "connection", "cut_stream"),
        (httpx2.ReadError("x"), "connection", "cut_stream"),
        (httpx2.RemoteProtocolError("x"), "connection", "cut_stream"),
        (ConnectionResetError("x"), "connection", "cut_stream"),
        (httpx2.ReadTimeout("x"), "timeout", "timeout"),
        (httpx2.ConnectTimeout("x"), "timeout", "timeout"),
        (httpx2.DecodingError("x"), "malformed_answer", "malformed_answer"),
    ],
)
def test_a_broken_connection_is_named_by_when_it_broke(
    cause: Exception, before: str, after: str
) -> None:
    """L1-04: with the SDK's wrapping and bare, as it comes out of a stream."""
    assert known(wrapped(cause)).reason == before
    assert known(wrapped(cause), had_headers=True).reason == after
    assert known(cause, had_headers=True).reason == after


def test_the_timeout_of_the_sdk_is_a_timeout() -> None:
    assert known(anthropic.APITimeoutError(request=REQUEST)).reason == "timeout"


@pytest.mark.parametrize(
    "cause",
    [
        httpx2.UnsupportedProtocol("x"),
        httpx2.LocalProtocolError("x"),
        httpx2.InvalidURL("x"),
        httpx2.TooManyRedirects("x"),
    ],
)
def test_a_request_that_cannot_be_sent_is_a_configuration_error(cause: Exception) -> None:
    assert isinstance(explain(wrapped(cause), seen()), RequestRefusedError)


@pytest.mark.parametrize("error", [ValueError("no JSON"), AnswerError("no ranking")])
def test_an_answer_that_cannot_be_parsed_is_malformed(error: Exception) -> None:
    failure = known(error)
    assert (failure.reason, failure.is_retryable) == ("malformed_answer", False)


def test_a_programming_error_is_nothing_that_degrades() -> None:
    assert explain(wrapped(RuntimeError("bug")), seen()) is None
    assert explain(anthropic.AnthropicError("?"), seen()) is None


def test_no_message_holds_the_key(refusal: Refusal) -> None:
    response = refusal(401, "authentication_error")
    told = {"type": "authentication_error", "message": "bad key sk-unit"}
    body = {"type": "error", "error": told, "request_id": "req_no"}
    response.request = REQUEST
    error = explain(anthropic.APIStatusError("x", response=response, body=body), seen())
    assert "sk-unit" not in str(error)
    assert "[key]" in str(error)


def test_a_refused_key_names_the_variables_of_the_environment(refusal: Refusal) -> None:
    error = explain(status_error(refusal(401, "authentication_error")), seen())
    assert isinstance(error, ConfigurationError)
    assert error.hint is not None
    assert "STAGING_API_KEY" in error.hint


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"retry-after": "30"}, 30.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "30"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "2"}, 2.0),
        ({"retry-after": "0"}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Tue, 14 Nov 2023 22:13:30 GMT"}, 10.0),
        ({"retry-after": "Tue, 14 Nov 2023 22:13:10 GMT"}, None),
    ],
)
def test_retry_after_is_seconds_milliseconds_or_a_date(
    headers: dict[str, str], expected: float | None
) -> None:
    """S-05."""
    assert parse_retry_after(headers, 1_700_000_000.0) == expected

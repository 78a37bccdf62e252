"""What can go wrong with one question to the API, and whose turn it is then.

A transient failure becomes a `Failure` and leads to the first-stage order. A failure that lasts
until somebody changes something becomes a `ConfigurationError`. Anything else is neither: it is
raised as it is.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime

import anthropic
import httpx2

from neural_tools.errors import (
    AnswerError,
    BillingError,
    ConfigurationError,
    KeyRefusedError,
    ModelNotFoundError,
    NeuralToolsError,
    RequestRefusedError,
)

REASONS = (
    "connection",
    "cut_stream",
    "malformed_answer",
    "max_tokens",
    "overloaded",
    "rate_limited",
    "refusal",
    "server_error",
    "timeout",
)
"""Every reason that a degraded result can state."""

_SPENT_CODES = frozenset({"enforced_spend_limit_reached", "contract_spend_limit_reached"})
_REASON_OF_TYPE = {
    "rate_limit_error": "rate_limited",
    "overloaded_error": "overloaded",
    "timeout_error": "server_error",
    "api_error": "server_error",
}
_CONFIGURATION_OF_STATUS: Mapping[int, type[ConfigurationError]] = {
    401: KeyRefusedError,
    402: BillingError,
    403: KeyRefusedError,
    404: ModelNotFoundError,
}
_STATUS_OF_TYPE = {
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "invalid_request_error": 400,
}
_MAX_MESSAGE_CHARS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A transient failure of one question; holds no prompt, answer or key."""

    reason: str  # one of REASONS
    is_retryable: bool = True
    status: int | None = None
    error_type: str | None = None  # the API's `error.type`
    error_code: str | None = None  # the API's `error.details.error_code`
    request_id: str | None = None
    retry_after_s: float | None = None
    attempts: int = 0  # made until it was given up

    def after(self, attempts: int) -> "Failure":
        """Return this failure with the number of attempts that were made."""
        return replace(self, attempts=attempts)


class AttemptFailedError(NeuralToolsError):
    """Carries a `Failure` from the place where it is seen to the one that decides."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.reason)
        self.failure = failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What must be known to name a failure, besides the error itself."""

    model: str
    key_variables: str
    api_key: str  # only to take it out of messages
    wall_s: float  # seconds since the epoch, for a `retry-after` that is a date
    had_headers: bool  # whether the response's headers had arrived


def explain(error: Exception, seen: Circumstances) -> Failure | ConfigurationError | None:
    """Return what an error of one attempt means; None if it is nothing that is known here."""
    if isinstance(error, AttemptFailedError):
        return error.failure
    if isinstance(error, anthropic.APIStatusError):
        return _explain_status(error, seen)
    if isinstance(error, anthropic.APITimeoutError):
        return Failure(reason="timeout")
    if isinstance(error, anthropic.APIConnectionError):
        return _explain_transport(error.__cause__, seen)
    if isinstance(error, AnswerError | anthropic.APIResponseValidationError | ValueError):
        return Failure(reason="malformed_answer", is_retryable=False)
    return _explain_transport(error, seen)


def _explain_transport(
    error: BaseException | None, seen: Circumstances
) -> Failure | ConfigurationError | None:
    """The SDK wraps whatever comes out of `send`, programming errors too; look inside."""
    if isinstance(error, httpx2.TimeoutException):
        return Failure(reason="timeout")
    if isinstance(error, httpx2.DecodingError):
        return Failure(reason="malformed_answer", is_retryable=False)
    if isinstance(
        error,
        httpx2.InvalidURL
        | httpx2.UnsupportedProtocol
        | httpx2.LocalProtocolError
        | httpx2.TooManyRedirects,
    ):
        return RequestRefusedError(
            f"the request cannot be sent: {type(error).__name__}",
            hint="check ANTHROPIC_BASE_URL and the proxy variables",
        )
    if isinstance(error, httpx2.TransportError | httpx2.StreamError | OSError):
        return Failure(reason="cut_stream" if seen.had_headers else "connection")
    return None


def _explain_status(
    error: anthropic.APIStatusError, seen: Circumstances
) -> Failure | ConfigurationError:
    # An `error` event in a stream has the status of the stream: 200. Its type tells.
    is_event = error.status_code < 300
    status = _STATUS_OF_TYPE.get(str(error.type), 500) if is_event else error.status_code
    reason = _REASON_OF_TYPE.get(str(error.type)) if is_event else _reason_of_status(status)
    if reason is None and 400 <= status < 500:
        return _configuration_error(error, status, seen)
    headers = error.response.headers
    return Failure(
        reason=reason or "server_error",
        is_retryable=_is_retryable(error, status),
        status=error.status_code,
        error_type=error.type,
        error_code=error.error_code,
        request_id=error.request_id,
        retry_after_s=parse_retry_after(headers, seen.wall_s),
    )


def _reason_of_status(status: int) -> str | None:
    if status == 429:
        return "rate_limited"
    if status == 529:
        return "overloaded"
    if status == 408:
        return "timeout"
    if status >= 500 or status == 409:
        return "server_error"
    return "malformed_answer" if status < 400 else None


def _is_retryable(error: anthropic.APIStatusError, status: int) -> bool:
    if error.error_code in _SPENT_CODES:
        return False  # stays so for days
    told = error.response.headers.get("x-should-retry")
    if told in {"true", "false"}:
        return bool(told == "true")
    return status >= 400


def _configuration_error(
    error: anthropic.APIStatusError, status: int, seen: Circumstances
) -> ConfigurationError:
    kind = _CONFIGURATION_OF_STATUS.get(status, RequestRefusedError)
    hints = {
        KeyRefusedError: f"check the key in {seen.key_variables}",
        BillingError: "check the billing of the organisation that owns the key",
        ModelNotFoundError: f"model `{seen.model}`: compare with what GET /v1/models lists, "
        "set NEURAL_TOOLS_MODEL, or check ANTHROPIC_BASE_URL",
        RequestRefusedError: "check model, thinking and effort with `neural-tools doctor`",
    }
    message = (error.api_message or "no message")[:_MAX_MESSAGE_CHARS]
    if seen.api_key:
        message = message.replace(seen.api_key, "[key]")
    return kind(
        f"the API refused the request: {status} {error.type or 'without a type'}: {message} "
        f"(request {error.request_id or 'without an id'})",
        hint=hints[kind],
    )


def parse_retry_after(headers: Mapping[str, str], wall_s: float) -> float | None:
    """Return the seconds that a server asks to wait; None if it asks for nothing sensible.

    `retry-after-ms` goes before `retry-after`, which is a number of seconds or a date.
    """
    milliseconds = _positive(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    text = headers.get("retry-after")
    seconds = _positive(text)
    if seconds is not None or text is None:
        return seconds
    try:
        wait_s = parsedate_to_datetime(text).timestamp() - wall_s
    except (ValueError, OverflowError):
        return None
    return wait_s if wait_s > 0 else None


def _positive(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if value > 0 and not math.isnan(value) else None

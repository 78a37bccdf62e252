"""Error types, their statuses, the error body, and what may be retried."""

import msgspec

from l9gate.wire.json import Json, JsonObject

_STATUS_OF = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "conflict_error": 409,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
_TYPE_OF = {status: kind for kind, status in _STATUS_OF.items()}
ERROR_TYPES = frozenset(_STATUS_OF)
RETRIED_STATUSES = frozenset({408, 409, 429})  # and every status from 500 on


class ApiFault(msgspec.Struct, frozen=True):
    """What kind of error the API reports; its message is not kept, it may quote the prompt."""

    type: str
    code: str | None = None


class _Details(msgspec.Struct, gc=False):
    error_code: str | None = None


class _Error(msgspec.Struct, gc=False):
    type: str
    details: _Details | None = None


class _Envelope(msgspec.Struct, gc=False):
    type: str
    error: _Error


_ENVELOPES = msgspec.json.Decoder(_Envelope)


def parse_fault(body: bytes) -> ApiFault | None:
    """Return the fault that an error body or an `error` event names.

    None if it is not the API's envelope, for instance the page of a gateway.
    """
    try:
        envelope = _ENVELOPES.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if envelope.type != "error":
        return None
    details = envelope.error.details
    return ApiFault(envelope.error.type, None if details is None else details.error_code)


def status_of(error_type: str) -> int | None:
    """Return the status that goes with an error type, None for one that is not documented."""
    return _STATUS_OF.get(error_type)


def type_of(status: int) -> str:
    """Return the error type that goes with a status from 400 on."""
    return _TYPE_OF.get(status, "api_error" if status >= 500 else "invalid_request_error")


def is_retryable(status: int, should_retry: str | None = None) -> bool:
    """Whether the SDK tries again; the header `x-should-retry`, if given, decides alone."""
    if should_retry in {"true", "false"}:
        return should_retry == "true"
    return status in RETRIED_STATUSES or status >= 500


def render_error_body(
    error_type: str,
    message: str,
    request_id: str | None,
    code: str | None = None,
    details: JsonObject | None = None,
) -> bytes:
    """Return the API's error envelope as JSON; `details` stand beside the code."""
    error: dict[str, Json] = {"type": error_type, "message": message}
    if code is not None:
        error["details"] = {"error_code": code, **(details or {})}
    return msgspec.json.encode({"type": "error", "error": error, "request_id": request_id})

"""A request that the API refuses, and how."""

import msgspec

from l9gate.wire.faults import status_of
from l9gate.wire.json import JsonObject


class Refusal(msgspec.Struct, frozen=True):
    """An error answer: its status, type, message and, for some, a code with details."""

    status: int
    error_type: str
    message: str
    code: str | None = None
    details: JsonObject | None = None  # what stands beside the code


def refuse(error_type: str, message: str, code: str | None = None) -> Refusal:
    """Return a refusal with the status that goes with a documented error type."""
    return Refusal(status_of(error_type) or 400, error_type, message, code)


def invalid(message: str, code: str | None = None, details: JsonObject | None = None) -> Refusal:
    """Return a 400."""
    return Refusal(400, "invalid_request_error", message, code, details)

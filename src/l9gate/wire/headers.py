"""Names of headers, and the values of those that say when to come back and what is left."""

import math
import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

ORIGIN = "x-l9gate-origin"  # response: `simulated`
EXCHANGE = "x-l9gate-exchange"  # request to the proxy: recorded where it was sent, under this id
UNSERVED = "x-l9gate-unserved"  # response of the proxy: nothing came from the API
TRACE_PARENT = "traceparent"
FAULT = "x-l9gate-fault"  # request: what the simulator shall do wrong
FAULT_MISSED = "x-l9gate-fault-missed"  # response: what of it changed nothing
REQUEST_ID = "request-id"
ORGANIZATION_ID = "anthropic-organization-id"
WORKSPACE_ID = "anthropic-workspace-id"
API_VERSION = "anthropic-version"
BETA = "anthropic-beta"
API_KEY = "x-api-key"
AUTHORIZATION = "authorization"
RETRY_AFTER = "retry-after"
RETRY_AFTER_MS = "retry-after-ms"
SHOULD_RETRY = "x-should-retry"
RETRY_COUNT = "x-stainless-retry-count"
USER_AGENT = "user-agent"
OWN_AGENT = "l9gate"  # what our own questions and loads call themselves
RATE_LIMIT_PREFIX = "anthropic-ratelimit-"

CURRENT_API_VERSION = "2026-10-21"
PREVIOUS_API_VERSION = "2023-06-01"
API_VERSIONS = frozenset({CURRENT_API_VERSION, PREVIOUS_API_VERSION})
_TRACE_PARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(?:-|$)")


def parse_retry_after(headers: Mapping[str, str], now_s: float) -> float | None:
    """Return how many seconds the answer asks to wait, as the SDK reads it.

    `retry-after-ms` comes before `retry-after`, which is a number of seconds or an HTTP date; a
    date in the past is 0. None if neither is there or can be read.

    Args:
        headers: names in lower case, or a mapping that ignores case.
        now_s: seconds since the epoch, to read a date against.
    """
    wait_ms = _number(headers.get(RETRY_AFTER_MS))
    if wait_ms is not None:
        return wait_ms / 1000
    text = headers.get(RETRY_AFTER)
    wait_s = _number(text)
    return _until(text, now_s) if wait_s is None and text else wait_s


def parse_rate_limit(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the `anthropic-ratelimit-*` headers without that prefix, in lower case."""
    cut = len(RATE_LIMIT_PREFIX)
    return {
        name[cut:].lower(): value
        for name, value in headers.items()
        if name[:cut].lower() == RATE_LIMIT_PREFIX
    }


def parse_trace_id(headers: Mapping[str, str]) -> str | None:
    """Return the trace id of a `traceparent` header, 32 hex digits; None if it has none.

    Source: W3C Trace Context, section 3.2.2.
    """
    text = headers.get(TRACE_PARENT)
    found = _TRACE_PARENT.match(text) if text else None
    return found[1] if found is not None and found[1].strip("0") else None


def _number(text: str | None) -> float | None:
    if not text:  # nearly every answer: an exception would cost more than all the rest
        return None
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _until(text: str, now_s: float) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:  # `-0000` means UTC, of unknown place
        moment = moment.replace(tzinfo=UTC)
    return max(moment.timestamp() - now_s, 0.0)

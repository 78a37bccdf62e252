"""The application's own OpenTelemetry, if it is loaded; it is never loaded for our sake."""

import sys
from types import ModuleType
from typing import Protocol

API = "opentelemetry.trace"


class SpanContext(Protocol):
    """What OpenTelemetry says of which span it is."""

    trace_id: int
    span_id: int


def key_of(trace_id: str, span_id: str) -> str:
    """Return what tells a span from every other one; both are given in hex."""
    return f"{trace_id}:{span_id}"


def hex_of(context: SpanContext) -> tuple[str, str]:
    """Return trace and span as text: 32 and 16 hex digits."""
    return f"{context.trace_id:032x}", f"{context.span_id:016x}"


def current_span_key() -> str | None:
    """Return which span of the application this happens in, None if it is in none."""
    api: ModuleType | None = sys.modules.get(API)
    current = getattr(api, "get_current_span", None)
    if current is None:
        return None
    context = current().get_span_context()
    return key_of(*hex_of(context)) if context.is_valid else None

"""What the application tells about itself: spans, metrics and one log record an operation.

Nothing here holds a query, code, an answer or a key. A quality gate wants to know of cache hits and
fallbacks, which no wire shows: the log record carries them in its field `l9gate`, for any handler
on the logger `neural_tools.signals`, and the span in attributes that begin with `l9gate.`, for
whoever collects spans. The application needs no import for either; the gate counts both once.
"""

import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeAlias

from opentelemetry import metrics, trace

Signal: TypeAlias = dict[str, str | bool | int | float | None]
SIGNAL_LOGGER = "neural_tools.signals"

_signals = logging.getLogger(SIGNAL_LOGGER)
# Set explicitly, so that the records exist for a handler that is attached later, whatever level the
# root has; the null handler keeps `logging`'s handler of last resort from printing them.
_signals.setLevel(logging.INFO)
_signals.addHandler(logging.NullHandler())

_tracer = trace.get_tracer("neural_tools")
_meter = metrics.get_meter("neural_tools")
_operations = _meter.create_counter("neural_tools.operations", unit="{operation}")
_lookups = _meter.create_counter("neural_tools.cache.lookups", unit="{lookup}")
_fallbacks = _meter.create_counter("neural_tools.fallbacks", unit="{fallback}")
_avoided = _meter.create_counter("neural_tools.tokens.avoided", unit="{token}")
_duration = _meter.create_histogram("neural_tools.operation.duration", unit="s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation that gave a result, without its content."""

    name: str  # "rerank" or "search"
    duration_s: float
    cache: str = "off"  # "hit", "miss" or "off"
    fallback: str | None = None
    mock: bool = False
    avoided_input_tokens: int = 0
    avoided_output_tokens: int = 0
    age_s: float | None = None  # of the remembered answer, if it was one
    ttl_s: float | None = None  # how long answers are remembered
    candidates: int = 0
    model: str | None = None
    request_id: str | None = None


@dataclass(slots=True)
class Enclosing:
    """An operation that is made of others, while it goes on."""

    name: str
    inner: Operation | None = None  # what was reported last inside of it


_enclosing: ContextVar[Enclosing | None] = ContextVar("neural_tools_enclosing", default=None)


@contextmanager
def enclose(name: str) -> Iterator[Enclosing]:
    """Begin an operation that others are part of, in a span of its own."""
    enclosing = Enclosing(name)
    token = _enclosing.set(enclosing)
    try:
        with start_span(name):
            yield enclosing
    finally:
        _enclosing.reset(token)


def start_span(name: str) -> AbstractContextManager[trace.Span]:
    """Return a context in which a span of that name is the current one; errors end up in it."""
    return _tracer.start_as_current_span(name)


def report(operation: Operation) -> None:
    """Put an operation into the current span, the metrics and the log.

    One that is part of another says so: whoever counts users' operations counts only the outer one.
    """
    enclosing = _enclosing.get()
    within = None
    if enclosing is not None and enclosing.name != operation.name:
        enclosing.inner, within = operation, enclosing.name
    signal: Signal = {
        "operation": operation.name,
        "within": within,
        "duration_s": operation.duration_s,
        "cache": operation.cache,
        "fallback": operation.fallback,
        "mock": operation.mock,
        "avoided_input_tokens": operation.avoided_input_tokens,
        "avoided_output_tokens": operation.avoided_output_tokens,
        "age_s": operation.age_s,
        "ttl_s": operation.ttl_s,
        "model": operation.model,
    }
    _annotate(trace.get_current_span(), operation, signal)
    _measure(operation)
    if _signals.isEnabledFor(logging.INFO):
        _signals.info(operation.name, extra={"l9gate": signal})


def _annotate(span: trace.Span, operation: Operation, signal: Signal) -> None:
    if not span.is_recording():
        return
    span.set_attributes(
        {f"l9gate.{name}": value for name, value in signal.items() if value is not None}
    )
    span.set_attributes(
        {
            "neural_tools.cache": operation.cache,
            "neural_tools.degraded": operation.fallback is not None,
            "neural_tools.mock": operation.mock,
            "neural_tools.candidates": operation.candidates,
        }
    )
    optional: dict[str, str | None] = {
        "neural_tools.fallback": operation.fallback,
        "gen_ai.request.model": operation.model,
        "neural_tools.request_id": operation.request_id,
    }
    span.set_attributes({key: value for key, value in optional.items() if value is not None})


def _measure(operation: Operation) -> None:
    kind: dict[str, str | bool] = {"neural_tools.operation": operation.name}
    degraded = {**kind, "neural_tools.degraded": operation.fallback is not None}
    _operations.add(1, {**kind, "neural_tools.mock": operation.mock})
    _duration.record(operation.duration_s, {**degraded, "neural_tools.cache": operation.cache})
    if operation.cache != "off":
        _lookups.add(1, {"neural_tools.cache": operation.cache})
    if operation.fallback is not None:
        _fallbacks.add(1, {"neural_tools.fallback": operation.fallback})
    avoided = (
        ("input", operation.avoided_input_tokens),
        ("output", operation.avoided_output_tokens),
    )
    for kind_of_token, tokens in avoided:
        if tokens:
            _avoided.add(tokens, {"gen_ai.token.type": kind_of_token})

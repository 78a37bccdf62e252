"""Listens to the spans of the application in this process, whenever it sets OpenTelemetry up."""

import sys
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Protocol

from l9gate.measure.clock import Clock
from l9gate.observe.attribution import current_owner
from l9gate.observe.imports import ImportWatch
from l9gate.observe.recorder import Outbox
from l9gate.observe.spans import PREFIX, Attribute, SpanFacts, signal_of
from l9gate.observe.tracing import API, SpanContext, hex_of

SDK = "opentelemetry.sdk.trace"
_NANO = 1e-9


class _Span(Protocol):
    """A span that has ended, as the SDK gives it to its processors."""

    name: str
    context: SpanContext
    start_time: int | None
    end_time: int | None
    attributes: Mapping[str, Attribute] | None


class SpanWatch:
    """Gives every tracer provider of the process a processor that puts signals.

    The calls that spans tell of are seen at the seam, which knows more of them.
    """

    def __init__(self, outbox: Outbox, clock: Clock) -> None:
        self._outbox = outbox
        self._clock = clock
        self._imports = ImportWatch((SDK,), self._begin)
        self._sdk: ModuleType | None = None
        self._original: Callable[..., None] | None = None
        self._is_on = False

    def attach(self) -> None:
        """Listen from now on, also to providers that are made later."""
        self._is_on = True
        module = sys.modules.get(SDK)
        if module is None:
            self._imports.start()
        else:
            self._begin(module)

    def detach(self) -> None:
        """Listen no longer; processors cannot be taken back, so they stay and do nothing."""
        self._is_on = False
        self._imports.stop()
        if self._sdk is not None and self._original is not None:
            self._sdk.TracerProvider.__init__ = self._original
            self._sdk = self._original = None

    def ended(self, span: _Span) -> None:
        """Put the signal that a span carries, if it carries one."""
        attributes = span.attributes or {}
        if not self._is_on or not any(name.startswith(PREFIX) for name in attributes):
            return
        with self._outbox.guarded("observe.spans"):
            trace_id, span_id = hex_of(span.context)
            facts = SpanFacts(
                name=span.name,
                trace_id=trace_id,
                span_id=span_id,
                started_s=(span.start_time or 0) * _NANO,
                ended_s=(span.end_time or 0) * _NANO,
                attributes=attributes,
            )
            signal = signal_of(facts, current_owner(), self._clock.now_s())
            if signal is not None:
                self._outbox.put(signal)

    def _begin(self, sdk: ModuleType) -> None:
        with self._outbox.guarded("observe.spans"):
            processor = self._make_processor(sdk)
            api = sys.modules.get(API)
            provider = None if api is None else api.get_tracer_provider()
            if isinstance(provider, sdk.TracerProvider):
                provider.add_span_processor(processor)
            self._sdk, self._original = sdk, sdk.TracerProvider.__init__
            sdk.TracerProvider.__init__ = _patched(sdk.TracerProvider.__init__, processor)

    def _make_processor(self, sdk: ModuleType) -> object:
        def on_end(_: object, span: _Span) -> None:
            self.ended(span)

        return type("SignalSpanProcessor", (sdk.SpanProcessor,), {"on_end": on_end})()


def _patched(original: Callable[..., None], processor: object) -> Callable[..., None]:
    def __init__(provider: object, *arguments: object, **options: object) -> None:  # noqa: N807 - it takes that place
        original(provider, *arguments, **options)
        add: Callable[[object], None] = getattr(provider, "add_span_processor")  # noqa: B009 - of a library not imported
        add(processor)

    return __init__

"""What no wire shows, cache hits and fallbacks: log records with agreed fields.

The application needs no import of ours. It logs, at any level that its logger lets pass:

    logging.getLogger("my.signals").info("search", extra={"l9gate": {
        "operation": "search", "duration_s": 0.41, "cache": "miss", "fallback": None}})
"""

import logging
from typing import Literal

import msgspec

from l9gate.evidence.records import CacheState, Signal
from l9gate.measure.clock import Clock
from l9gate.observe.attribution import current_owner
from l9gate.observe.recorder import Outbox
from l9gate.observe.tracing import current_span_key

ATTRIBUTE = "l9gate"


class SignalFields(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the dictionary of a log record may hold."""

    operation: str
    within: str | None = None
    duration_s: float
    cache: Literal["hit", "miss", "off"] = "off"
    fallback: str | None = None
    mock: bool = False
    avoided_input_tokens: int = 0
    avoided_output_tokens: int = 0


class SignalHandler(logging.Handler):
    """Turns log records that carry the agreed fields into `Signal` records."""

    def __init__(self, outbox: Outbox, clock: Clock) -> None:
        super().__init__(logging.NOTSET)
        self._outbox = outbox
        self._clock = clock

    def attach(self) -> None:
        """Listen at the root logger; to be repeated, since `dictConfig` throws handlers out."""
        root = logging.getLogger()
        if self not in root.handlers:
            root.addHandler(self)

    def detach(self) -> None:
        """Stop listening."""
        logging.getLogger().removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Put a signal if the record carries one; what is malformed becomes a `Fault`."""
        fields = record.__dict__.get(ATTRIBUTE)
        if fields is None:
            return
        with self._outbox.guarded("observe.signals"):
            self._outbox.put(self._build(msgspec.convert(fields, SignalFields)))

    def _build(self, fields: SignalFields) -> Signal:
        owner = current_owner()
        return Signal(
            at_s=self._clock.now_s(),
            operation=fields.operation,
            within=fields.within,
            owner=None if owner is None else owner.id,
            layer=None if owner is None else owner.layer,
            duration_s=fields.duration_s,
            cache=CacheState(fields.cache),
            fallback=fields.fallback,
            mock=fields.mock,
            avoided_input_tokens=fields.avoided_input_tokens,
            avoided_output_tokens=fields.avoided_output_tokens,
            span_id=current_span_key(),
        )

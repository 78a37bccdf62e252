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
from l9gate.observe.attribution import Owner, current_owner
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
    age_s: float | None = None
    ttl_s: float | None = None
    model: str | None = None

    def signal(self, owner: Owner | None, now_s: float) -> Signal:
        """Return the record of it."""
        return Signal(
            at_s=now_s,
            operation=self.operation,
            within=self.within,
            owner=None if owner is None else owner.id,
            layer=None if owner is None else owner.layer,
            duration_s=self.duration_s,
            cache=CacheState(self.cache),
            fallback=self.fallback,
            mock=self.mock,
            avoided_input_tokens=self.avoided_input_tokens,
            avoided_output_tokens=self.avoided_output_tokens,
            age_s=self.age_s,
            ttl_s=self.ttl_s,
            model=self.model,
        )


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
            given = msgspec.convert(fields, SignalFields)
            told = given.signal(current_owner(), self._clock.now_s())
            self._outbox.put(msgspec.structs.replace(told, span_id=current_span_key()))

"""What the simulator is told to do wrong: a text of tokens, separated by commas or semicolons.

`TOKENS` declares them all; the parser, the reference and the refusal of a wrong one come from it.
"""

import math
import re
from collections.abc import Callable
from functools import lru_cache, partial
from typing import TypeAlias

import msgspec

from l9gate.errors import PlanError
from l9gate.simulator.drift import (
    EventChange,
    EventDrift,
    FieldChange,
    FieldDrift,
    parse_field,
    parse_spot,
)
from l9gate.wire.faults import ERROR_TYPES

STOP_REASONS = (
    "end_turn", "max_tokens", "model_context_window_exceeded", "pause_turn", "refusal",
)  # fmt: skip
ERROR_SHAPES: dict[str, tuple[str, bytes]] = {
    "html": ("text/html", b"<html><body><h1>502 Bad Gateway</h1></body></html>"),
    "text": ("text/plain", b"upstream connect error"),
    "empty": ("application/json", b""),
    "openai": (
        "application/json",
        b'{"error":{"message":"Simulated","type":"server_error","param":null,"code":"503"}}',
    ),
    "aws": ("application/json", b'{"message":"Simulated"}'),
    "bare": ("application/json", b'{"type":"api_error","message":"Simulated"}'),
}
_MAX_TEXT = 500
_NAME = re.compile(r"[A-Za-z0-9-]{1,64}")


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One thing, or several, to do wrong; every field is described by the token of its name."""

    status: int | None = None
    error_code: str | None = None
    error_shape: str | None = None
    error_event: str | None = None
    retry_after: float | None = None
    should_retry: str | None = None
    delay_s: float = 0.0
    first_token_delay_s: float = 0.0
    event_delay_s: float = 0.0
    stall_s: float = 0.0
    stall_at_event: int | None = None
    cut_after_events: int | None = None
    close_after_events: int | None = None
    reset_after_events: int | None = None
    cut_inside_event: int | None = None
    cut_body: bool = False
    malformed: bool = False
    done_event: bool = False
    content_type: str | None = None
    drop_headers: tuple[str, ...] = ()
    set_headers: tuple[tuple[str, str], ...] = ()
    fields: tuple[FieldDrift, ...] = ()
    events: tuple[EventDrift, ...] = ()
    empty: bool = False
    stop_reason: str | None = None
    invalid_json_text: bool = False

    @property
    def cuts_body(self) -> bool:
        """Whether it ends a body before its end, as a client can see."""
        places = (self.cut_after_events, self.close_after_events, self.reset_after_events)
        return self.cut_body or self.cut_inside_event is not None or places != (None, None, None)


NO_FAULT = Fault()
Value: TypeAlias = str | int | float | bool | tuple[str, str] | FieldDrift | EventDrift


class Token(msgspec.Struct, frozen=True):
    """One word of the language of faults."""

    name: str
    form: str  # what follows the equals sign; empty for a flag
    about: str
    parse: Callable[[str], Value]
    field: str = ""  # of `Fault`, if it is not the name
    repeats: bool = False  # may stand several times; the field is a tuple


def parse_fault_text(text: str) -> Fault:
    """Return the fault that a text describes; an empty text is no fault.

    Raises:
        PlanError: a token is unknown or its value cannot be meant; the message names it.
    """
    if len(text) > _MAX_TEXT:
        raise PlanError(f"fault: more than {_MAX_TEXT} characters")
    fault = NO_FAULT
    for token in re.split(r"[,;]", text):
        if token.strip():
            fault = _add_token(fault, token.strip())
    if fault.stall_at_event is not None and not fault.stall_s:
        raise _bad_token(f"stall_at_event={fault.stall_at_event}", "it needs `stall_s` beside it")
    return fault


@lru_cache(maxsize=256)
def label_of(fault: Fault) -> str:
    """Return the names of what a fault does, without their values; "" for none."""
    names = [f for f in Fault.__struct_fields__ if getattr(fault, f) != getattr(NO_FAULT, f)]
    changes = {f"{drift.change}_field" for drift in fault.fields}
    changes |= {f"{drift.change}_event" for drift in fault.events}
    return ",".join(sorted({*names, *changes} - {"fields", "events"}))


def _add_token(fault: Fault, text: str) -> Fault:
    name, equals, value_text = text.partition("=")
    token = _BY_NAME.get(name.strip().lower().replace("-", "_"))
    if token is None:
        raise _bad_token(text, f"there is no fault `{name[:40]}`")
    if equals and not token.form:
        raise _bad_token(text, "it takes no value")
    try:
        value = token.parse(value_text.strip())
    except ValueError as error:
        raise _bad_token(text, str(error)) from None
    field = token.field or token.name
    values = (*getattr(fault, field), value) if token.repeats else value
    return msgspec.structs.replace(fault, **{field: values})


def _bad_token(token: str, why: str) -> PlanError:
    return PlanError(
        f"fault `{token[:60]}`: {why}", hint=f"known faults: {', '.join(sorted(_BY_NAME))}"
    )


def _flag(text: str) -> bool:
    return not text


def _status(text: str) -> int:
    status = int(text) if text.isdecimal() else 0
    if not 400 <= status <= 599:
        raise ValueError("a status from 400 to 599 is expected")
    return status


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < 1e7:
        raise ValueError("seconds are expected")
    return seconds


def _count(text: str) -> int:
    if not text.isdecimal() or len(text) > 9:
        raise ValueError("a whole number is expected")
    return int(text)


def _word(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9_]{1,64}", text):
        raise ValueError("a lower-case word is expected")
    return text


def _header_name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError("the name of a header is expected")
    return text.lower()


def _header(text: str) -> tuple[str, str]:
    name, _, value = text.partition(":")
    return _header_name(name.strip()), _printable(value.strip())


def _printable(text: str) -> str:
    if not (text and text.isascii() and text.isprintable()):
        raise ValueError("a value of printable characters is expected")
    return text


def _one_of(*words: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(f"expected {' or '.join(words)}")
        return text

    return parse


def _event(name: str, change: EventChange, about: str) -> Token:
    def parse(text: str) -> EventDrift:
        return EventDrift(change, parse_spot(text))

    return Token(name, "K", about, parse, "events", repeats=True)


def _field(change: FieldChange, form: str, about: str) -> Token:
    parse = partial(parse_field, change)
    return Token(f"{change}_field", form, about, parse, "fields", repeats=True)


TOKENS: tuple[Token, ...] = (
    Token("status", "N", "answer with this error, 400 to 599", _status),
    Token("error_code", "CODE", "the error carries this `details.error_code`", _word),
    Token(
        "error_shape", "|".join(ERROR_SHAPES),
        "the error's body is not the API's envelope but that of somebody else",
        _one_of(*ERROR_SHAPES),
    ),
    Token("retry_after", "SECONDS", "the answer carries `retry-after`", _seconds),
    Token(
        "should_retry", "true|false", "the answer carries `x-should-retry`",
        _one_of("true", "false"),
    ),
    Token("delay_s", "SECONDS", "wait before the headers, besides the usual pace", _seconds),
    Token("first_token_delay_s", "SECONDS", "wait before the first content", _seconds),
    Token("event_delay_s", "SECONDS", "wait before every event of a stream", _seconds),
    Token("stall_s", "SECONDS", "fall silent for so long in the middle of the body", _seconds),
    Token("stall_at_event", "N", "fall silent before event N instead of in the middle", _count),
    Token(
        "cut_after_events", "N", "end the stream after N events, as if it were whole", _count,
    ),
    Token("close_after_events", "N", "close the connection after N events", _count),
    Token("reset_after_events", "N", "reset the connection after N events", _count),
    Token("cut_inside_event", "N", "close the connection in the middle of event N", _count),
    Token("cut_body", "", "close the connection in the middle of the body", _flag),
    Token("malformed", "", "a body, or events, that are no JSON", _flag),
    _event("malformed_event", "malform", "event K is no JSON"),
    _event("duplicate_event", "duplicate", "event K comes twice, e.g. `message_start`"),
    _event("drop_event", "drop", "event K is left out, e.g. `message_stop`"),
    _event("swap_event", "swap", "event K comes after the next one"),
    _event("wrong_index", "misnumber", "event K carries the index of the next block"),
    _event("unknown_event", "precede", "an event that nobody knows comes before event K"),
    Token("done_event", "", "the stream ends with `data: [DONE]`", _flag),
    Token(
        "error_event", "TYPE", "an `error` event in the middle of the stream ends it",
        _one_of(*sorted(ERROR_TYPES)),
    ),
    Token("content_type", "TYPE", "the answer carries this `content-type`", _printable),
    Token(
        "drop_header", "NAME", "the answer lacks this header", _header_name, "drop_headers",
        repeats=True,
    ),
    Token(
        "set_header", "NAME:VALUE", "the answer carries this header", _header, "set_headers",
        repeats=True,
    ),
    _field("remove", "PATH[@K]", "a field is missing, e.g. `usage.output_tokens`"),
    _field("retype", "PATH[:TYPE][@K]", "a field has another type, e.g. `usage:null`"),
    _field("add", "PATH[@K]", "there is a field that nobody knows"),
    _field("rename", "PATH:NAME[@K]", "a field has another name"),
    _field("set", "PATH:VALUE[@K]", "a field has another value, e.g. `stop_reason:tired`"),
    Token("empty", "", "a message without content", _flag),
    Token(
        "stop_reason", "|".join(STOP_REASONS), "the message ends for this reason",
        _one_of(*STOP_REASONS),
    ),
    Token("invalid_json_text", "", "the text is not the JSON that was asked for", _flag),
)  # fmt: skip
_BY_NAME = {token.name: token for token in TOKENS}

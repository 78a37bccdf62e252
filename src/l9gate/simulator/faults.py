"""What the simulator is told to do wrong.

A fault is a text of tokens, separated by commas or semicolons:

    status=529            answer with this error (400 to 599)
    error_code=CODE       the error carries this `details.error_code`
    retry-after=30        the answer carries this header, in seconds
    should_retry=false    the answer carries `x-should-retry`
    delay_s=2             wait before the headers, besides the usual pace
    stall_s=5             fall silent for so long in the middle of the body
    cut_after_events=3    end the stream after so many events, the body well formed
    reset_after_events=3  reset the connection after so many events
    cut_body              close the connection in the middle of the body
    malformed             a body that is no JSON
    empty                 a message without content
    stop_reason=refusal   or max_tokens
    error_event=TYPE      an `error` event in the middle of the stream, e.g. overloaded_error
    invalid_json_text     the answer's text is not the JSON that was asked for
"""

import math
import re
from collections.abc import Callable

import msgspec

from l9gate.errors import PlanError
from l9gate.wire.faults import ERROR_TYPES

_STOP_REASONS = frozenset({"refusal", "max_tokens"})
_MAX_TEXT = 500


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One thing, or several, to do wrong; as tokens in the module's description."""

    status: int | None = None
    error_code: str | None = None
    retry_after: float | None = None
    should_retry: str | None = None
    delay_s: float = 0.0
    stall_s: float = 0.0
    cut_after_events: int | None = None
    reset_after_events: int | None = None
    cut_body: bool = False
    malformed: bool = False
    empty: bool = False
    stop_reason: str | None = None
    error_event: str | None = None
    invalid_json_text: bool = False


NO_FAULT = Fault()


class FaultRule(msgspec.Struct, frozen=True, kw_only=True):
    """Which requests a fault hits: those that match, of them the nth or every so many.

    Without `nth` and `every` it hits every matching request.
    """

    fault: str
    nth: int | None = None  # counts from 1
    every: int | None = None
    path: str | None = None
    model: str | None = None

    def __post_init__(self) -> None:
        """Refuse a rule that cannot be meant."""
        parse_fault_text(self.fault)
        if (self.nth is not None and self.nth < 1) or (self.every is not None and self.every < 1):
            raise PlanError("fault rule: `nth` and `every` count from 1")


class FaultPlan:
    """Decides which fault a request meets: its own, else the one that was set, else a rule's."""

    def __init__(self, rules: tuple[FaultRule, ...] = ()) -> None:
        self._rules = [(rule, parse_fault_text(rule.fault)) for rule in rules]
        self._matched = [0] * len(rules)
        self.current = NO_FAULT

    def fault_for(self, path: str, model: str | None) -> Fault:
        """Return the fault for the next request; rules count the requests that match them."""
        hit = NO_FAULT
        for index, (rule, fault) in enumerate(self._rules):
            if rule.path not in {None, path} or rule.model not in {None, model}:
                continue
            self._matched[index] += 1
            count = self._matched[index]
            is_hit = (rule.nth is None or count == rule.nth) and (
                rule.every is None or count % rule.every == 0
            )
            hit = fault if is_hit and hit is NO_FAULT else hit
        return hit if self.current is NO_FAULT else self.current


def parse_fault_text(text: str) -> Fault:
    """Return the fault that a text describes; an empty text is no fault.

    Raises:
        PlanError: a token is unknown or its value cannot be meant; the message names it.
    """
    if len(text) > _MAX_TEXT:
        raise PlanError(f"fault: more than {_MAX_TEXT} characters")
    values: dict[str, str | int | float | bool] = {}
    for token in re.split(r"[,;]", text):
        if token.strip():
            name, value = _parse_token(token.strip())
            values[name] = value
    return msgspec.convert(values, Fault) if values else NO_FAULT


def _parse_token(token: str) -> tuple[str, str | int | float | bool]:
    name, equals, text = token.partition("=")
    name = name.strip().lower().replace("-", "_")
    parse = _PARSERS.get(name)
    if parse is None:
        raise _bad_token(token, f"there is no fault `{name[:40]}`")
    if parse is _flag and equals:
        raise _bad_token(token, "it takes no value")
    try:
        return name, parse(text.strip())
    except ValueError as error:
        raise _bad_token(token, str(error)) from None


def _bad_token(token: str, why: str) -> PlanError:
    return PlanError(
        f"fault `{token[:60]}`: {why}", hint=f"known faults: {', '.join(sorted(_PARSERS))}"
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


def _one_of(*words: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(f"expected {' or '.join(words)}")
        return text

    return parse


_PARSERS: dict[str, Callable[[str], str | int | float | bool]] = {
    "status": _status,
    "error_code": _word,
    "retry_after": _seconds,
    "should_retry": _one_of("true", "false"),
    "delay_s": _seconds,
    "stall_s": _seconds,
    "cut_after_events": _count,
    "reset_after_events": _count,
    "cut_body": _flag,
    "malformed": _flag,
    "empty": _flag,
    "stop_reason": _one_of(*sorted(_STOP_REASONS)),
    "error_event": _one_of(*sorted(ERROR_TYPES)),
    "invalid_json_text": _flag,
}

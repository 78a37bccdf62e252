"""Which requests meet a fault, or an answer of their own."""

from collections.abc import Callable
from typing import cast

import msgspec

from l9gate.errors import PlanError
from l9gate.simulator.chance import digest
from l9gate.simulator.faults import NO_FAULT, Fault, parse_fault_text
from l9gate.simulator.turns import blocks_of, objects_of
from l9gate.wire.json import Json, JsonObject, parse_object

_CHANCES = 2**128
KEYS = {
    "fault": "the fault that requests meet, as tokens",
    "text": "the answer is this text",
    "tool": "the answer calls this tool",
    "input": "a table: the input of that call",
    "status": "short for the fault `status=N`",
    "stop_reason": "short for the fault `stop_reason=REASON`",
    "nth": "only the nth of the requests that match, counted from 1",
    "every": "only every so many of them",
    "first": "only so many from the beginning",
    "share": "only a share of them, 0 to 1, drawn with the seed",
    "seed": "of that draw",
    "path": "matches requests for this path",
    "model": "matches requests for this model",
    "key": "matches requests with this API key",
    "contains": "matches requests whose last user message has these words in it",
}


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What rules look at; the texts are read only if a rule asks for them."""

    path: str
    model: str | None = None
    key: str | None = None
    body: bytes = b""


class FaultRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which requests to treat in a special way, and how.

    `path`, `model`, `key` and `contains` choose requests; of these, `nth`, `every`, `first` and
    `share` choose some. Without them every request is hit. Of several rules the first one counts.
    `KEYS` says what each field means.
    """

    fault: str = ""
    text: str | None = None
    tool: str | None = None
    input: dict[str, object] | None = None
    status: int | None = None
    stop_reason: str | None = None
    nth: int | None = None
    every: int | None = None
    first: int | None = None
    share: float | None = None
    seed: int = 0
    path: str | None = None
    model: str | None = None
    key: str | None = None
    contains: str | None = None

    def __post_init__(self) -> None:
        """Refuse a rule that cannot be meant."""
        fault_of(self)
        counts = (self.nth, self.every, self.first)
        if any(count is not None and count < 1 for count in counts):
            raise PlanError("fault rule: `nth`, `every` and `first` count from 1")
        if self.share is not None and not 0 <= self.share <= 1:
            raise PlanError(f"fault rule: `share` {self.share}, expected 0 to 1")
        if self.text is not None and self.tool is not None:
            raise PlanError("fault rule: `text` and `tool` exclude each other")
        if self.input is not None and self.tool is None:
            raise PlanError("fault rule: `input` needs `tool`")
        what = (self.fault, self.text, self.tool, self.status, self.stop_reason)
        if all(value in {None, ""} for value in what):
            raise PlanError(
                "fault rule: it does nothing",
                hint="give it `fault`, `status`, `stop_reason`, `text` or `tool`",
            )

    def __repr__(self) -> str:
        """Leave out the key."""
        return f"FaultRule(fault={self.fault!r})"


class Hit(msgspec.Struct, frozen=True):
    """What a request meets."""

    fault: Fault = NO_FAULT
    rule: FaultRule | None = None

    def content(self, make_tool_id: Callable[[int], str]) -> Json:
        """Return the content of the answer, None to leave it to the simulator."""
        rule = self.rule
        if rule is None or rule.tool is None:
            return None if rule is None else rule.text
        call: JsonObject = {
            "type": "tool_use",
            "id": make_tool_id(0),
            "name": rule.tool,
            "input": cast("JsonObject", rule.input or {}),
            "caller": {"type": "direct"},
            "toolset_name": None,
        }
        return [call]


MISS = Hit()


class FaultPlan:
    """Decides what a request meets: the fault that was set, else that of the first rule hit."""

    def __init__(self, rules: tuple[FaultRule, ...] = ()) -> None:
        self._rules = [(rule, Hit(fault_of(rule), rule)) for rule in rules]
        self._matched = [0] * len(rules)
        self.current = NO_FAULT

    def hit_for(self, asked: Asked) -> Hit:
        """Return what the next request meets; rules count the requests that match them."""
        found = MISS
        for index, (rule, hit) in enumerate(self._rules):
            if not _matches(rule, asked):
                continue
            self._matched[index] += 1
            if found is MISS and _is_due(rule, self._matched[index], index):
                found = hit
        return found if self.current is NO_FAULT else Hit(self.current, found.rule)


def fault_of(rule: FaultRule) -> Fault:
    """Return the fault that a rule asks for.

    Raises:
        PlanError: it names no fault.
    """
    short = (
        "" if rule.status is None else f"status={rule.status}",
        "" if rule.stop_reason is None else f"stop_reason={rule.stop_reason}",
    )
    return parse_fault_text(",".join((rule.fault, *short)))


def _matches(rule: FaultRule, asked: Asked) -> bool:
    return (
        rule.path in {None, asked.path}
        and rule.model in {None, asked.model}
        and rule.key in {None, asked.key}
        and (rule.contains is None or rule.contains in _last_text(asked.body))
    )


def _is_due(rule: FaultRule, count: int, index: int) -> bool:
    return (
        (rule.nth is None or count == rule.nth)
        and (rule.every is None or count % rule.every == 0)
        and (rule.first is None or count <= rule.first)
        and (rule.share is None or digest(rule.seed, index, count) < rule.share * _CHANCES)
    )


def _last_text(body: bytes) -> str:
    """Return the text of the last user message; "" if there is none that can be read."""
    messages = objects_of((parse_object(body) or {}).get("messages"))
    asked = [message for message in messages if message.get("role") == "user"]
    if not asked or not isinstance(asked[-1].get("content"), str | list):
        return ""
    return "\n".join(str(block.get("text", "")) for block in blocks_of(asked[-1]))

"""One difference from the contract, and how much of an answer may be shown of it."""

import re
from collections.abc import Iterable, Iterator

import msgspec

from l9gate.contract.rules import Aspect, Impact, Rule, rule_of
from l9gate.contract.schema import kind_of
from l9gate.wire.json import Json

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,63}")
_MAX_EXCERPT = 160
_MAX_DEPTH = 3
_MAX_KEPT = 256
_OPEN = frozenset({"input"})  # what is below was written by a model: not even its keys are shown
_ORDER = tuple(Impact)


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """One difference: where, what was expected, what was found.

    It holds names and types, never what a prompt or an answer says.
    """

    code: str
    impact: Impact
    path: str  # JSON pointer, `header NAME`, `event N` or `event N /pointer`
    expected: str
    found: str
    excerpt: str = ""  # the offending place, redacted

    @property
    def rule(self) -> Rule:
        """The rule that tells it."""
        return rule_of(self.code)

    @property
    def aspect(self) -> Aspect:
        """Which part of the contract it concerns."""
        return self.rule.aspect

    @property
    def is_grave(self) -> bool:
        """Whether somebody has to look: it is breaking or a warning."""
        return self.impact in {Impact.BREAKING, Impact.WARNING}


class Firsts:
    """Keeps the first of those that differ only in their event and what was found there.

    A stream may be wrong in every event; no more than a bounded number is kept.
    """

    def __init__(self, drifts: Iterable[Drift] = ()) -> None:
        self._kept: dict[tuple[str, str, str], Drift] = {}
        self.extend(drifts)

    def __iter__(self) -> Iterator[Drift]:
        """Yield them in the order in which they came."""
        return iter(self._kept.values())

    def add(self, drift: Drift) -> None:
        """Take in one."""
        is_event = drift.path.startswith("event ")
        pointer = drift.path.partition(" /")[2] if is_event else drift.path
        if len(self._kept) < _MAX_KEPT:
            self._kept.setdefault((drift.code, pointer, drift.expected), drift)

    def extend(self, drifts: Iterable[Drift]) -> None:
        """Take in several."""
        for drift in drifts:
            self.add(drift)


def tell(
    code: str,
    path: str,
    expected: str,
    found: str,
    excerpt: str = "",
    impact: Impact | None = None,
) -> Drift:
    """Return a difference; its impact is the rule's unless another is given."""
    return Drift(
        code=code,
        impact=rule_of(code).impact if impact is None else impact,
        path=path,
        expected=expected,
        found=found,
        excerpt=excerpt,
    )


def distinct(drifts: Iterable[Drift]) -> list[Drift]:
    """Return them without repetitions, gravest first, else in the order of their aspects."""
    aspects = tuple(Aspect)
    return sorted(
        dict.fromkeys(drifts),
        key=lambda drift: (_ORDER.index(drift.impact), aspects.index(drift.aspect)),
    )


def name_of(value: Json) -> str:
    """Return a value of an enumeration as it may be shown: if it is no name, only its type."""
    return f"`{value}`" if isinstance(value, str) and _NAME.fullmatch(value) else kind_of(value)


def sketch(value: Json) -> str:
    """Return names and types of JSON, cut to a length that fits a line."""
    text = _sketch(value, _MAX_DEPTH)
    return text if len(text) <= _MAX_EXCERPT else text[: _MAX_EXCERPT - 1] + "…"


def sketch_bytes(body: bytes) -> str:
    """Return what bytes look like that are no JSON object."""
    head = body[:64].strip().lower()
    if not body:
        return "empty"
    for start, what in ((b"<", "markup"), (b"[", "an array"), (b"{", "an object cut off")):
        if head.startswith(start):
            return f"{what}, {len(body)} bytes"
    return f"text, {len(body)} bytes"


def _sketch(value: Json, depth: int) -> str:
    if isinstance(value, dict) and depth:
        parts = (_sketch_field(key, inner, depth) for key, inner in value.items())
        return "{" + ", ".join(parts) + "}"
    if isinstance(value, list) and value and depth:
        return f"[{_sketch(value[0], depth - 1)}{', …' if len(value) > 1 else ''}]"
    return kind_of(value)


def _sketch_field(key: str, value: Json, depth: int) -> str:
    name = key if _NAME.fullmatch(key) else "…"
    if key == "type":
        return f"{name}: {name_of(value)}"
    return f"{name}: {kind_of(value) if key in _OPEN else _sketch(value, depth - 1)}"

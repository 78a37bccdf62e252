"""What one application relies on, beyond what everybody is promised."""

import re
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from l9gate.contract.drift import Drift, name_of, tell
from l9gate.contract.rules import Impact, rule_of
from l9gate.wire.json import Json, JsonObject

_LISTS = ("stop_reasons", "block_types", "events", "models", "headers", "fields")
_EVENT = "stream.unknown_event"
_UNKNOWN = frozenset({"shape.value", "shape.variant", "shape.unhandled", _EVENT})


class Reliance(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Declared, or taken from traffic; an empty tuple means that nothing is said about it."""

    stop_reasons: tuple[str, ...] = ()  # that it has a branch for
    block_types: tuple[str, ...] = ()  # the same
    events: tuple[str, ...] = ()  # of streams, beyond the documented ones: the same
    survives_unknown: bool = True  # it has a branch for those and for values it does not know
    models: tuple[str, ...] = ()  # that it names
    headers: tuple[str, ...] = ()  # that it reads from messages
    fields: tuple[str, ...] = ()  # that it reads: paths in the document `message`

    def with_models(self, names: Iterable[str]) -> "Reliance":
        """Return the same, with the models that its own traffic asks for.

        Which reasons and blocks it handles is not learnt: meeting one is not handling it.
        """
        return msgspec.structs.replace(self, models=tuple(sorted({*self.models, *names})))

    def impact_of(self, value: str) -> Impact:
        """Return what a value of an enumeration does to it that nobody promises."""
        is_handled = value in self.stop_reasons or value in self.block_types
        return Impact.COMPATIBLE if self.survives_unknown or is_handled else Impact.BREAKING

    def weigh(self, drift: Drift) -> Drift:
        """Return a difference of a stream's events with its impact on the application."""
        handled = map(name_of, self.events)
        if drift.code != _EVENT or self.survives_unknown or drift.found in handled:
            return drift
        return msgspec.structs.replace(drift, impact=Impact.BREAKING)

    def find_unhandled(self, message: JsonObject) -> Iterator[Drift]:
        """Yield what of a message it does not say that it handles."""
        impact = None if self.survives_unknown else Impact.BREAKING
        reason = message.get("stop_reason")
        if self.stop_reasons and isinstance(reason, str) and reason not in self.stop_reasons:
            expected = ", ".join(self.stop_reasons)
            yield tell("shape.unhandled", "/stop_reason", expected, name_of(reason), impact=impact)
        content = message.get("content") if self.block_types else None
        for number, block in enumerate(content if isinstance(content, list) else []):
            kind: Json = block.get("type") if isinstance(block, dict) else None
            if isinstance(kind, str) and kind not in self.block_types:
                path = f"/content/{number}/type"
                expected = ", ".join(self.block_types)
                yield tell("shape.unhandled", path, expected, name_of(kind), impact=impact)


def merge_reliances(parts: Iterable[Reliance]) -> Reliance:
    """Return what an application relies on by any of several words."""
    found = list(parts)
    names = {
        field: tuple(sorted({name for one in found for name in getattr(one, field)}))
        for field in _LISTS
    }
    return Reliance(**names, survives_unknown=all(one.survives_unknown for one in found))


def find_reason(drift: Drift, parts: Mapping[str, Reliance]) -> str | None:
    """Return what of an application a difference concerns, and who says so.

    Args:
        drift: the difference.
        parts: what the application relies on, by who says it.
    """
    for source, part in parts.items():
        words = _reason_in(drift, part)
        if words is not None:
            return f"{words} ({source})"
    return None


def _reason_in(drift: Drift, part: Reliance) -> str | None:
    if drift.code.startswith("model."):
        told = f"{drift.expected} {drift.found}"
        named = (name for name in part.models if f"`{name}`" in told)
        return next((f"it names the model `{name}`" for name in named), None)
    if drift.path.startswith("header "):
        read = (name for name in part.headers if drift.path == f"header {name.lower()}")
        return next((f"it reads the header `{name}`" for name in read), None)
    if drift.code in {"shape.gone", "shape.missing"}:
        read = (path for path in part.fields if _is_at(path, drift.path))
        return next((f"it reads the field `{path}`" for path in read), None)
    is_raised = drift.impact is Impact.BREAKING and rule_of(drift.code).impact is not drift.impact
    if is_raised and drift.code in _UNKNOWN and not part.survives_unknown:
        return "it has no branch for what it does not know"
    return None


def _is_at(path: str, pointer: str) -> bool:
    """Whether a pointer is at a path, which may leave open the number of an item."""
    steps = (re.escape(step.partition("=")[0]) for step in path.split("/"))
    return re.fullmatch("/".join(steps).replace(re.escape("*"), r"\d+"), pointer) is not None

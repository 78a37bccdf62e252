"""What one application relies on, beyond what everybody is promised."""

from collections.abc import Iterable, Iterator

import msgspec

from l9gate.contract.drift import Drift, name_of, tell
from l9gate.contract.observed import Observed
from l9gate.contract.rules import Impact
from l9gate.wire.json import Json, JsonObject
from l9gate.wire.messages import as_text


class Reliance(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Declared by the policy; an empty tuple means that nothing is said about it."""

    stop_reasons: tuple[str, ...] = ()  # that it has a branch for
    block_types: tuple[str, ...] = ()  # the same
    survives_unknown: bool = True  # it has a branch for reasons, types and values it does not know
    models: tuple[str, ...] = ()  # that it names
    headers: tuple[str, ...] = ()  # that it reads from messages
    fields: tuple[str, ...] = ()  # that it reads: paths in the document `message`

    def with_models_of(self, exchanges: Iterable[Observed]) -> "Reliance":
        """Return the same, with the models that its own traffic asks for.

        Which reasons and blocks it handles is not learnt: meeting one is not handling it.
        """
        asked = {as_text(exchange.asked.body.get("model")) for exchange in exchanges}
        names = {*self.models, *(name for name in asked if name is not None)}
        return msgspec.structs.replace(self, models=tuple(sorted(names)))

    @property
    def unknown_impact(self) -> Impact:
        """What a new value of an enumeration does to it."""
        return Impact.COMPATIBLE if self.survives_unknown else Impact.BREAKING

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

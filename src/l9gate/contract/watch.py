"""Follows one stream through its events: their shape, their order, and what they add up to."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeAlias

from l9gate.contract.baseline import Probe
from l9gate.contract.documents import ERROR, EVENT
from l9gate.contract.drift import Drift, Firsts, distinct, tell
from l9gate.contract.observed import Asked
from l9gate.contract.reliance import Reliance
from l9gate.contract.shape import Comparison
from l9gate.contract.streams import KNOWN_EVENTS, State, StreamGrammar
from l9gate.wire.json import Json, JsonObject, parse_object
from l9gate.wire.sse import SseEvent

Accepts: TypeAlias = Callable[[bytes], bool]
DOCUMENTS = {name: ERROR if name == "error" else f"{EVENT}{name}" for name in KNOWN_EVENTS}


class Judge(Protocol):
    """What a stream is compared with: a contract, as far as streams need it."""

    def compare(self, document: str, value: Json, asked: Comparison) -> list[Drift]:
        """Return how a document differs from its shape."""

    def find_message_drifts(self, asked: Asked, message: JsonObject) -> list[Drift]:
        """Return what in a whole message does not fit together."""

    @property
    def reliance(self) -> Reliance:
        """What the application relies on."""


class StreamWatch:
    """Takes the events of one stream, then says what was wrong with it.

    With `accepts`, which say by the name of an event whether its shape is as promised, it looks
    only for what is grave. It keeps no text unless the request asked for a format.
    """

    def __init__(
        self,
        judge: Judge,
        asked: Asked,
        *,
        probe: Probe | None = None,
        before: Sequence[Drift] = (),
        accepts: Mapping[str, Accepts] | None = None,
    ) -> None:
        self._judge = judge
        self._asked = asked
        self._probe = probe
        self._accepts = accepts
        self._grammar = StreamGrammar(keeps_text="output_config" in asked.body)
        self._drifts = Firsts(before)

    def feed(self, event: SseEvent) -> None:
        """Take in the next event."""
        name, data = event.event, event.data
        body = parse_object(data)
        self._grammar.feed(name, data, body)
        if body is None or name not in DOCUMENTS:
            return
        if self._accepts is None or not self._accepts[name](data):
            self._compare(name, body)

    def finish(self, *, was_cut: bool = False) -> list[Drift]:
        """Return what was found, gravest first; once, at the end of the body.

        Args:
            was_cut: the body ended inside an event.
        """
        grammar = self._grammar
        grammar.finish(was_cut=was_cut)
        drifts: list[Drift] = [*self._drifts, *map(self._judge.reliance.weigh, grammar.drifts)]
        if grammar.state is State.DONE:
            drifts += self._judge.find_message_drifts(self._asked, grammar.message)
        elif grammar.state is State.FAILED and self._probe is not None and self._probe.statuses:
            drifts.append(tell("status.transient", grammar.place, "an answer", "an `error` event"))
        if not drifts:
            return []
        found = distinct(drifts)
        return found if self._accepts is None else [drift for drift in found if drift.is_grave]

    def _compare(self, name: str, body: JsonObject) -> None:
        document = DOCUMENTS[name]
        usual = () if self._probe is None else self._probe.usual.get(document, ())
        comparison = Comparison(
            place=f"{self._grammar.place} ", usual=frozenset(usual), reliance=self._judge.reliance
        )
        self._drifts.extend(self._judge.compare(document, body, comparison))

"""Follows one stream through its events: their shape, their order, and what they add up to."""

from collections.abc import Sequence
from typing import Protocol

from l9gate.contract.baseline import Probe
from l9gate.contract.decoders import ShapeDecoder
from l9gate.contract.documents import ERROR, EVENT
from l9gate.contract.drift import Drift, distinct, tell
from l9gate.contract.observed import Asked
from l9gate.contract.reliance import Reliance
from l9gate.contract.shape import Comparison
from l9gate.contract.streams import KNOWN_EVENTS, State, StreamGrammar
from l9gate.wire.json import Json, JsonObject, parse_object
from l9gate.wire.sse import SseEvent

_DOCUMENTS = {name: ERROR if name == "error" else f"{EVENT}{name}" for name in KNOWN_EVENTS}


class Judge(Protocol):
    """What a stream is compared with: a contract, as far as streams need it."""

    def compare(self, document: str, value: Json, asked: Comparison) -> list[Drift]:
        """Return how a document differs from its shape."""

    def decoder_of(self, document: str) -> ShapeDecoder:
        """Return the fast decoder of a document."""

    def find_message_drifts(self, asked: Asked, message: JsonObject) -> list[Drift]:
        """Return what in a whole message does not fit together."""

    @property
    def reliance(self) -> Reliance:
        """What the application relies on."""


class StreamWatch:
    """Takes the events of one stream, then says what was wrong with it.

    Fast, it looks only for what is grave, and keeps no text unless the request asked for a format.
    """

    def __init__(
        self,
        judge: Judge,
        asked: Asked,
        *,
        probe: Probe | None = None,
        before: Sequence[Drift] = (),
        is_fast: bool = False,
    ) -> None:
        self._judge = judge
        self._asked = asked
        self._probe = probe
        self._is_fast = is_fast
        self._grammar = StreamGrammar(keeps_text="output_config" in asked.body)
        self._drifts = list(before)
        self._accepts = (
            {name: judge.decoder_of(document).accepts for name, document in _DOCUMENTS.items()}
            if is_fast
            else {}
        )

    def feed(self, event: SseEvent) -> None:
        """Take in the next event."""
        name, data = event.event, event.data
        body = parse_object(data)
        self._grammar.feed(name, data, body)
        if name in _DOCUMENTS and body is not None:
            if self._is_fast and self._accepts[name](data):
                return
            self._compare(name, body)

    def finish(self, *, was_cut: bool = False) -> list[Drift]:
        """Return what was found, gravest first; once, at the end of the body.

        Args:
            was_cut: the body ended inside an event.
        """
        grammar = self._grammar
        grammar.finish(was_cut=was_cut)
        drifts = [*self._drifts, *grammar.drifts]
        if grammar.state is State.DONE:
            drifts += self._judge.find_message_drifts(self._asked, grammar.message)
        elif grammar.state is State.FAILED and self._probe is not None and self._probe.statuses:
            drifts.append(tell("status.transient", grammar.place, "an answer", "an `error` event"))
        found = distinct(_first_of_each(drifts))
        return [drift for drift in found if drift.is_grave] if self._is_fast else found

    def _compare(self, name: str, body: JsonObject) -> None:
        document = _DOCUMENTS[name]
        usual = () if self._probe is None else self._probe.usual.get(document, ())
        comparison = Comparison(
            place=f"{self._grammar.place} ", usual=frozenset(usual), reliance=self._judge.reliance
        )
        self._drifts += self._judge.compare(document, body, comparison)


def _first_of_each(drifts: Sequence[Drift]) -> list[Drift]:
    """Return the first of those that differ only in their event and what was found there."""
    seen: dict[tuple[str, str, str], Drift] = {}
    for drift in drifts:
        pointer = drift.path.partition(" /")[2] if drift.path.startswith("event ") else drift.path
        seen.setdefault((drift.code, pointer, drift.expected), drift)
    return list(seen.values())

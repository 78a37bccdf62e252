"""What stays of a request once its exchange has ended, as far as its record needs it.

Nothing of an HTTP library stays: the record may be made later, and the application's own objects
are not kept alive for it.
"""

from dataclasses import dataclass

import msgspec

from l9gate.observe.answer import content_of
from l9gate.observe.asking import parse_asking
from l9gate.observe.own import OwnRequest
from l9gate.observe.paths import ApiPath
from l9gate.observe.relayed import RelayedRequest
from l9gate.observe.watch import HttpRequest
from l9gate.wire import headers as names
from l9gate.wire.breakpoints import longest_lifetime_s
from l9gate.wire.json import JsonObject
from l9gate.wire.messages import RequestFacts, as_count, as_text

_NO_FACTS = RequestFacts(model=None, stream=False, tools=False, max_tokens=None)
_FORMAT = "output_config"


@dataclass(slots=True)
class Sent:
    """One request; of one that was passed on, what was noted while it passed."""

    method: str
    api_version: str | None
    trace_id: str | None
    body: bytes | None  # None if it is not at hand
    size_bytes: int
    probe: str  # which question of the gate's own; empty for a call of the application
    relayed: RelayedRequest | None
    is_beta: bool  # it asks for what is not promised
    asked: JsonObject  # what the answer depends on, once `facts` were asked for

    def facts(self, known: ApiPath) -> RequestFacts:
        """Return what body and path say."""
        facts = _NO_FACTS
        if self.relayed is not None:
            facts = self.relayed.facts or facts
        elif self.body:
            self.asked = asked = parse_asking(self.body)
            facts = RequestFacts(
                model=as_text(asked.get("model")),
                stream=asked.get("stream") is True,
                tools=asked.get("tools") not in (None, []),
                max_tokens=as_count(asked.get("max_tokens")),
                cache_ttl_s=longest_lifetime_s(self.body),
            )
        if known.model is None and not known.stream:
            return facts
        return msgspec.structs.replace(
            facts, model=facts.model or known.model, stream=facts.stream or known.stream
        )


def note_sent(request: HttpRequest) -> Sent:
    """Return what stays of a request; its headers may have been added to until now."""
    headers, body = request.headers, content_of(request)
    relayed = request if isinstance(request, RelayedRequest) else None
    return Sent(
        request.method,
        headers.get(names.API_VERSION),
        names.parse_trace_id(headers),
        body,
        len(body or b"") if relayed is None else relayed.size_bytes,
        request.probe if isinstance(request, OwnRequest) else "",
        relayed,
        names.BETA in headers,
        {} if relayed is None else relayed.asked,
    )


def asks_for_format(request: HttpRequest) -> bool:
    """Whether the text of the answer may have to be JSON of a schema."""
    if isinstance(request, RelayedRequest):
        return request.facts is None or _FORMAT in request.asked
    return f'"{_FORMAT}"'.encode() in (content_of(request) or b"")

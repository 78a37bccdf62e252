"""Which tests a call was made for, by the ids that the service under test told them."""

from collections.abc import Iterable, Iterator

from l9gate.evidence.records import Exchange, Mention, ReportedCall, Witness

_SKEW_S = 2.0  # between the clocks of a service elsewhere and of the tests


class Claims:
    """What tests were told, found by id.

    An id proves nothing by itself: it must be one that the evidence of a proxy, or a span of the
    service, holds as well.
    """

    def __init__(self, mentions: Iterable[Mention]) -> None:
        self._by_request: dict[str, list[Mention]] = {}
        self._by_trace: dict[str, list[Mention]] = {}
        for mention in mentions:
            if mention.request_id is not None:
                self._by_request.setdefault(mention.request_id, []).append(mention)
            if mention.trace_id is not None:
                self._by_trace.setdefault(mention.trace_id, []).append(mention)

    def owners_of(self, call: Exchange | ReportedCall) -> list[str]:
        """Return the owners who were told of a call, each once.

        What the seam saw has an owner already, and nobody else is given it.
        """
        if isinstance(call, ReportedCall):
            sent_s, skew_s = call.started_s, _SKEW_S
        elif call.witness is Witness.PROXY:
            sent_s, skew_s = call.sent_s, 0.0
        else:
            return []
        found = dict.fromkeys(one.owner for one in self._by_request.get(call.request_id or "", ()))
        found |= dict.fromkeys(self._owners_by_trace(call.trace_id, sent_s, skew_s))
        return list(found)

    def _owners_by_trace(self, trace_id: str | None, sent_s: float, skew_s: float) -> Iterator[str]:
        """Yield who was told of a trace while the call was made: a trace may span many tests."""
        for one in self._by_trace.get(trace_id or "", ()):
            if one.since_s is None or one.since_s - skew_s <= sent_s <= one.at_s + skew_s:
                yield one.owner

"""Ids that a service under test tells a test, by which the service's own calls are found.

A test of a deployed service makes no call of the API itself. What the service answers may carry the
`request-id` of the API's answer, or the trace that its call was part of.
"""

from l9gate.evidence.records import Mention
from l9gate.measure.clock import Clock
from l9gate.observe.attribution import Owner, current_owner
from l9gate.observe.origins import Target
from l9gate.observe.recorder import Outbox
from l9gate.observe.watch import HttpRequest, HttpResponse, Stop, Watch
from l9gate.wire import headers as names

_REQUEST_IDS = (names.REQUEST_ID, "x-request-id")


class MentionHandler:
    """Takes note of the ids in answers of anything but the API."""

    def __init__(self, outbox: Outbox, clock: Clock, target: Target) -> None:
        self._outbox = outbox
        self._clock = clock
        self._api = {target.host, target.proxy}
        self._names = tuple(dict.fromkeys((target.proof_header, *_REQUEST_IDS)))

    def begin(self, request: HttpRequest) -> Watch | None:
        """Start to follow a request of a test to a service."""
        owner = current_owner()
        if owner is None or request.url.netloc.decode("ascii", "replace") in self._api:
            return None
        return _MentionWatch(self, owner, self._clock.now_s())

    def note(self, owner: Owner, request_id: str | None, trace_id: str | None) -> None:
        """Take note of what a test says that it was told."""
        self._put(owner, request_id, trace_id, None)

    def answered(self, owner: Owner, response: HttpResponse, since_s: float) -> None:
        """Take note of the ids in the headers of an answer."""
        with self._outbox.guarded("observe.mentions"):
            found = (response.headers.get(name) for name in self._names)
            request_id = next((one for one in found if one), None)
            trace_id = names.parse_trace_id(response.headers)
            if request_id is not None or trace_id is not None:
                self._put(owner, request_id, trace_id, since_s)

    def _put(
        self, owner: Owner, request_id: str | None, trace_id: str | None, since_s: float | None
    ) -> None:
        self._outbox.put(
            Mention(
                at_s=self._clock.now_s(),
                owner=owner.id,
                layer=owner.layer,
                request_id=request_id,
                trace_id=trace_id,
                since_s=since_s,
            )
        )


class _MentionWatch:
    """Waits for one answer."""

    def __init__(self, handler: MentionHandler, owner: Owner, since_s: float) -> None:
        self._handler = handler
        self._owner = owner
        self._since_s = since_s

    def answered(self, response: HttpResponse) -> None:
        self._handler.answered(self._owner, response, self._since_s)

    def received(self, chunk: bytes) -> None:  # noqa: ARG002 - the body is nobody's business
        return

    def ended(self, stop: Stop) -> None:  # noqa: ARG002 - the same
        return

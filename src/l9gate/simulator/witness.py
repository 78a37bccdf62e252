"""Sees every request and the end of every answer, for the journal and the metrics."""

from bisect import bisect_right
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from functools import partial

from l9gate.measure.clock import Clock
from l9gate.net.http import Body, Cut, Ending, HttpRequest, HttpResponse, Timetable
from l9gate.simulator.call import Call
from l9gate.simulator.conduct import ClientConduct, render_conduct
from l9gate.simulator.faults import NO_FAULT
from l9gate.simulator.journal import Client, Journal, Visit, VisitEnd, render_visits
from l9gate.simulator.metrics import Metrics, route_of
from l9gate.simulator.past import Past
from l9gate.wire.headers import RATE_LIMIT_PREFIX
from l9gate.wire.json import JsonObject

_LIMITED = f"{RATE_LIMIT_PREFIX}requests-remaining"
_WHOLE_MESSAGE = ("/v1/messages", 200, "")  # as the metrics count it


class Witness:
    """Notes what passes; decides nothing."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.journal = Journal(forget=self._forget)
        self.metrics = Metrics()
        self._past = Past()

    def see_request(self, call: Call) -> Visit:
        """Note a request that came."""
        self.metrics.received_bytes += len(call.request.body)
        return self.journal.open(call.request, call.ordinal, self._clock.now_s())

    def see_whole(
        self, request: HttpRequest, client: Client, number: int, at_s: float, response: HttpResponse
    ) -> None:
        """Note a request and its answer, a message that it got whole and at once."""
        metrics = self.metrics
        metrics.received_bytes += len(request.body)
        if isinstance(response.body, bytes):
            metrics.sent_bytes += len(response.body)
        metrics.requests[_WHOLE_MESSAGE] += 1
        metrics.limits = response.headers
        self.journal.note(request, client, number, at_s, self._clock.now_s())

    def see_answer(self, visit: Visit, call: Call, response: HttpResponse) -> HttpResponse:
        """Note an answer whose head goes out now; its end is noted when it comes."""
        now_s = self._clock.now_s()
        self.journal.answer(visit, response.status, response.headers, now_s)
        if call.fault is not NO_FAULT:
            has_length = "content-length" in response.headers
            is_stream = not (has_length or isinstance(response.body, bytes))
            self.journal.afflict(visit, call.fault, call.cut_text, is_stream=is_stream)
        self.metrics.requests[route_of(visit.path), response.status, visit.fault] += 1
        if _LIMITED in response.headers:
            self.metrics.limits = response.headers
        if isinstance(response.body, bytes):
            self.metrics.sent_bytes += len(response.body)
            visit.end, visit.ended_s = VisitEnd.WHOLE, now_s  # the usual end, without a look-up
        else:
            self.metrics.streams_open += 1
            response.on_end = partial(self._see_end, visit, response.body, response.on_end)
            if not isinstance(response.body, Timetable):
                response.body = self._count(response.body)
        return response

    def see_leave(self, visit: Visit) -> None:
        """Note a client that went away before there was an answer."""
        self.journal.end(visit, Ending.GONE, self._clock.now_s())
        self.metrics.left[route_of(visit.path)] += 1

    def conduct(self) -> list[ClientConduct]:
        """Return what every client did, and what it did wrong."""
        return self._past.conduct(self.journal.visits)

    def render(self) -> JsonObject:
        """Return the journal and the conduct of the clients as JSON."""
        return {
            "seen": self.journal.seen,
            "forgotten": self.journal.forgotten,
            "lost": self._past.lost,
            "clients": [render_conduct(one) for one in self.conduct()],
            "visits": render_visits(self.journal),
        }

    def _forget(self, visits: list[Visit]) -> None:
        self._past.take(visits)
        self.metrics.visits_forgotten += len(visits)

    async def _count(
        self, body: AsyncGenerator[bytes | Cut, None]
    ) -> AsyncGenerator[bytes | Cut, None]:
        """Yield the pieces of a body and count their bytes."""
        async with aclosing(body) as pieces:
            async for piece in pieces:
                self.metrics.sent_bytes += len(piece) if isinstance(piece, bytes) else 0
                yield piece

    def _see_end(
        self, visit: Visit, body: Body, settle: Callable[[Ending], None] | None, how: Ending
    ) -> None:
        if settle is not None:
            settle(how)
        self.metrics.streams_open -= 1
        if isinstance(body, Timetable):
            is_whole = how is Ending.WHOLE
            end = None if is_whole else bisect_right(body.due_s, body.elapsed_s())
            self.metrics.sent_bytes += sum(map(len, body.pieces[:end]))
        self.journal.end(visit, how, self._clock.now_s())
        if how is Ending.GONE:
            self.metrics.left[route_of(visit.path)] += 1

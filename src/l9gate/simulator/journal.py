"""What each client did: requests, answers, retries, how long it waited; never what it said.

Keys, bodies and texts are kept as hashes of this process only, so that equal ones can be told.
"""

from collections import deque
from collections.abc import Callable
from enum import StrEnum

import msgspec

from l9gate.net.http import Ending, HttpRequest
from l9gate.simulator.bodies import readable_body
from l9gate.simulator.credentials import key_of
from l9gate.simulator.faults import Fault, label_of
from l9gate.simulator.turns import blocks_of, objects_of
from l9gate.wire.headers import (
    API_KEY,
    API_VERSION,
    AUTHORIZATION,
    BETA,
    RETRY_AFTER,
    RETRY_AFTER_MS,
    RETRY_COUNT,
    SHOULD_RETRY,
    parse_retry_after,
)
from l9gate.wire.json import Json, JsonObject, parse_object

CAPACITY = 20_000  # visits that are remembered; of older ones sums and misconduct are, see `past`
_STEPS = 40  # in which a full journal forgets as many visits as it holds
_SHOWN = 1_000
_MASK = 2**64 - 1
_MAX_CUT_TEXTS = 10_000
_MAX_CLIENTS = 1_000  # whose hash is at hand


class VisitEnd(StrEnum):
    """How an answer ended."""

    OPEN = "open"  # it has not
    WHOLE = "whole"
    BROKEN = "broken"  # we broke it off, as a fault said
    LEFT = "left"  # the client went away first


_ENDS = {
    Ending.WHOLE: VisitEnd.WHOLE, Ending.CUT: VisitEnd.BROKEN, Ending.GONE: VisitEnd.LEFT,
}  # fmt: skip


class Client(msgspec.Struct, frozen=True, gc=False):
    """What the headers of a request say of who sent it."""

    number: int  # hash of key and user agent
    user_agent: str
    attempt: int | None  # as the SDK counts it, 0 for the first; None if it does not say


class Visit(msgspec.Struct, kw_only=True, gc=False):
    """One request and what became of it; times in seconds since the epoch."""

    number: int
    connection: int
    client: int  # hash of key and user agent
    user_agent: str
    path: str
    body: int  # hash, with the headers that say how to read it
    attempt: int | None  # as the SDK counts it, 0 for the first; None if it does not say
    at_s: float
    answered_s: float | None = None  # when the headers went out
    ended_s: float | None = None
    end: VisitEnd = VisitEnd.OPEN
    status: int | None = None
    retry_after_s: float | None = None
    should_retry: str | None = None
    fault: str = ""
    silence_s: float = 0.0  # the longest that a fault had the client wait for the next byte
    is_silent_in_body: bool = False
    cut_text: int | None = None  # hash of what a stream said that was broken off
    repeats_cut_text: bool = False  # sends such a text back as a whole answer

    @property
    def is_failure(self) -> bool:
        """Whether the client got no whole answer of success."""
        return self.status is None or self.status >= 400 or self.end is VisitEnd.BROKEN


class Journal:
    """Remembers the visits of all clients, the last ones first to be asked for.

    Args:
        capacity: how many; those that have not ended are remembered besides.
        forget: takes visits that are remembered no more.
    """

    def __init__(
        self, capacity: int = CAPACITY, forget: Callable[[list[Visit]], None] | None = None
    ) -> None:
        self._capacity = capacity
        self._forget = forget
        self._visits: deque[Visit] = deque()
        self._late: list[Visit] = []  # older than all of these, but not at their end
        self._cut_texts: set[int] = set()
        self._clients: dict[tuple[str | None, str | None, str], int] = {}
        self.seen = 0

    @property
    def visits(self) -> list[Visit]:
        """All visits that are remembered, in the order of their arrival."""
        return [*self._late, *self._visits]

    @property
    def forgotten(self) -> int:
        """How many visits are remembered no more."""
        return self.seen - len(self._visits) - len(self._late)

    def open(self, request: HttpRequest, number: int, now_s: float) -> Visit:
        """Note a request that came."""
        client = self.meet(request.headers)
        body = readable_body(request)
        visit = Visit(
            number=number,
            connection=request.connection,
            client=client.number,
            user_agent=client.user_agent,
            path=request.path,
            body=_hash_of(request, body),
            attempt=client.attempt,
            at_s=now_s,
        )
        if self._cut_texts:
            visit.repeats_cut_text = not self._cut_texts.isdisjoint(_said(body))
        self._visits.append(visit)
        self.seen += 1
        if len(self._visits) > self._capacity:
            self._make_room()
        return visit

    @property
    def knows_cut_texts(self) -> bool:
        """Whether a body may repeat what a stream said that was broken off."""
        return bool(self._cut_texts)

    def note(
        self, request: HttpRequest, client: Client, number: int, at_s: float, answered_s: float
    ) -> None:
        """Note a request that came and got its whole answer, a 200, at once."""
        self._visits.append(
            Visit(
                number=number,
                connection=request.connection,
                client=client.number,
                user_agent=client.user_agent,
                path=request.path,
                body=_hash_of(request, request.body),
                attempt=client.attempt,
                at_s=at_s,
                answered_s=answered_s,
                ended_s=answered_s,
                end=VisitEnd.WHOLE,
                status=200,
            )
        )
        self.seen += 1
        if len(self._visits) > self._capacity:
            self._make_room()

    def _make_room(self) -> None:
        """Forget the oldest visits that have ended."""
        count = max(1, self._capacity // _STEPS)
        oldest = [*self._late, *(self._visits.popleft() for _ in range(count))]
        self._late = [visit for visit in oldest if visit.end is VisitEnd.OPEN]
        if self._forget is not None:
            self._forget([visit for visit in oldest if visit.end is not VisitEnd.OPEN])

    def meet(self, headers: dict[str, str]) -> Client:
        """Return who sends these headers."""
        who = (headers.get(API_KEY), headers.get(AUTHORIZATION), headers.get("user-agent", ""))
        number = self._clients.get(who)
        if number is None:
            if len(self._clients) >= _MAX_CLIENTS:
                self._clients.clear()
            number = self._clients[who] = hash((key_of(headers), who[2])) & _MASK
        attempt = headers.get(RETRY_COUNT)
        told = attempt is not None and attempt.isdecimal()
        return Client(number, who[2], int(attempt) if attempt and told else None)

    def answer(self, visit: Visit, status: int, headers: dict[str, str], now_s: float) -> None:
        """Note the head of an answer."""
        visit.status = status
        visit.answered_s = now_s
        if RETRY_AFTER in headers or RETRY_AFTER_MS in headers:
            visit.retry_after_s = parse_retry_after(headers, now_s)
        if SHOULD_RETRY in headers:
            visit.should_retry = headers[SHOULD_RETRY]

    def afflict(self, visit: Visit, fault: Fault, cut_text: str | None, *, is_stream: bool) -> None:
        """Note the fault that an answer has."""
        visit.fault = label_of(fault)
        in_body = max(
            fault.stall_s, fault.event_delay_s, fault.first_token_delay_s if is_stream else 0.0
        )
        before = fault.delay_s + (0.0 if is_stream else fault.first_token_delay_s)
        visit.silence_s = max(in_body, before)
        visit.is_silent_in_body = in_body > before
        if cut_text and cut_text.strip() and len(self._cut_texts) < _MAX_CUT_TEXTS:
            visit.cut_text = _hash_text(cut_text)
            self._cut_texts.add(visit.cut_text)

    def end(self, visit: Visit, how: Ending, now_s: float) -> None:
        """Note how an answer ended."""
        visit.end = _ENDS[how]
        visit.ended_s = now_s


def render_visit(visit: Visit) -> JsonObject:
    """Return a visit as JSON, hashes as hexadecimal digits."""
    shown: JsonObject = msgspec.to_builtins(visit)
    for name in ("client", "body", "cut_text"):
        value = shown[name]
        shown[name] = f"{value:016x}" if isinstance(value, int) else None
    return shown


def render_visits(journal: Journal) -> list[Json]:
    """Return the last visits as JSON."""
    return [render_visit(visit) for visit in journal.visits[-_SHOWN:]]


def _hash_of(request: HttpRequest, body: bytes) -> int:
    """Return what tells one request from another: the same body under another version is one."""
    headers = request.headers
    return hash((body, headers.get(API_VERSION), headers.get(BETA))) & _MASK


def _said(body: bytes) -> set[int]:
    """Return the hashes of what the assistant said in a conversation."""
    messages = objects_of((parse_object(body) or {}).get("messages"))
    said = set()
    for message in messages:
        if message.get("role") == "assistant" and isinstance(message.get("content"), str | list):
            texts = [block.get("text") for block in blocks_of(message)]
            said.add(_hash_text("".join(text for text in texts if isinstance(text, str))))
    return said


def _hash_text(text: str) -> int:
    return hash(text.strip()) & _MASK

"""One answer of the API that has ended, with what it answers."""

from collections.abc import Mapping
from dataclasses import dataclass

from l9gate.evidence.records import Origin
from l9gate.observe.attribution import Owner
from l9gate.observe.watch import HttpRequest, HttpResponse
from l9gate.wire.json import JsonObject
from l9gate.wire.sse import SseEvent


@dataclass(slots=True, kw_only=True)  # not frozen: it is made for every answer, and that costs
class Answer:
    """One answer and what it answers: nothing of an HTTP library, as it may wait to be judged."""

    exchange_id: str
    owner: Owner | None
    origin: Origin
    host: str
    method: str
    path: str
    api_version: str | None  # of the request
    sent: bytes | None  # the request's body; None if it is not at hand
    asked: JsonObject  # the same without its messages, or what else is known of it
    is_beta: bool  # the request asked for what is not promised
    is_on_purpose: bool  # the request told a simulator to do wrong
    probe: str  # which question of the gate's own it answers; empty for a call of the application
    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes | None  # content encoding removed; None for a stream, or if it is not at hand
    value: JsonObject | None  # the same as JSON
    events: list[SseEvent] | None  # of a stream: those that tell of something; None: not at hand
    was_cut: bool  # it stopped inside an event
    is_stream: bool
    is_whole: bool  # the server ended the body as HTTP asks for


def headers_of(message: HttpRequest | HttpResponse) -> dict[str, str]:
    """Return the headers with names in lower case; what came several times is joined by commas."""
    raw = getattr(message.headers, "raw", None)  # of httpx, which decodes them as this does
    if raw:
        try:
            found = {name.decode().lower(): text.decode() for name, text in raw}
        except UnicodeDecodeError:
            found = {}
        if len(found) == len(raw):
            return found
    return {name.lower(): text for name, text in message.headers.items()}


def content_of(message: HttpRequest | HttpResponse) -> bytes | None:
    """Return a body that is at hand, None for one that is sent or received as a stream."""
    try:
        return message.content
    except RuntimeError:
        return None

"""One answer of the API that has ended, with what it answers."""

from collections.abc import Mapping
from dataclasses import dataclass

from l9gate.evidence.records import Origin
from l9gate.observe.attribution import Owner
from l9gate.observe.own import OwnRequest
from l9gate.observe.watch import HttpRequest, HttpResponse


@dataclass(slots=True, kw_only=True)  # not frozen: it is made for every answer, and that costs
class Answer:
    """One answer and what it answers."""

    exchange_id: str
    owner: Owner | None
    origin: Origin
    host: str
    request: HttpRequest
    path: str
    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes | None  # content encoding removed; None if it is not at hand
    is_stream: bool
    is_whole: bool  # the server ended the body as HTTP asks for

    @property
    def probe(self) -> str:
        """Which question of the gate's own it answers; empty for a call of the application."""
        return self.request.probe if isinstance(self.request, OwnRequest) else ""


def headers_of(message: HttpRequest | HttpResponse) -> dict[str, str]:
    """Return the headers with names in lower case; what came several times is joined by commas."""
    raw = getattr(message.headers, "raw", None)  # httpx decodes them anew for each look
    if raw:
        try:
            found = {str(name, "ascii").lower(): str(text, "ascii") for name, text in raw}
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

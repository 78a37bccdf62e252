"""One exchange as it was on the wire, in parts that can be compared."""

from collections.abc import Mapping

import msgspec

from l9gate.errors import SseFormatError
from l9gate.wire.headers import API_VERSION
from l9gate.wire.json import JsonObject, parse_object
from l9gate.wire.sse import SseEvent, SseParser

EVENT_STREAM = "text/event-stream"


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked: as much of the request as the answer depends on."""

    method: str = "POST"
    path: str = "/v1/messages"  # without the query
    api_version: str | None = None
    body: JsonObject = {}  # empty if there is none, or it is no JSON object

    @property
    def wants_stream(self) -> bool:
        """Whether a stream was asked for."""
        return self.body.get("stream") is True


class Observed(msgspec.Struct, frozen=True, kw_only=True):
    """One exchange: a request and its whole answer."""

    asked: Asked
    status: int
    headers: dict[str, str]  # names in lower case
    body: bytes = b""  # of an answer that is no stream
    events: tuple[SseEvent, ...] | None = None  # of one that is
    was_cut: bool = False  # the stream ended inside an event
    probe: str | None = None  # the question of a baseline that this repeats


def parse_asked(
    method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b""
) -> Asked:
    """Return what a request asks for; a body that is no JSON object counts as none."""
    version = {name.lower(): value for name, value in (headers or {}).items()}.get(API_VERSION)
    return Asked(
        method=method.upper(),
        path=path.partition("?")[0],
        api_version=version,
        body=parse_object(body) or {},
    )


def parse_observed(
    asked: Asked, status: int, headers: Mapping[str, str], body: bytes, probe: str | None = None
) -> Observed:
    """Return an exchange from the bytes of its answer, content encoding removed."""
    names = {name.lower(): value for name, value in headers.items()}
    if not names.get("content-type", "").lower().startswith(EVENT_STREAM):
        return Observed(asked=asked, status=status, headers=names, body=body, probe=probe)
    parser = SseParser()
    try:
        events = tuple(parser.feed(body))
        was_cut = parser.has_partial_event
    except SseFormatError:
        events, was_cut = (), True
    return Observed(
        asked=asked, status=status, headers=names, events=events, was_cut=was_cut, probe=probe
    )

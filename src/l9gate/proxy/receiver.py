"""Takes the spans that services in other processes export: OTLP over HTTP, on loopback."""

import zlib

from msgspec import ValidationError

from l9gate.errors import MalformedBodyError
from l9gate.measure.clock import Clock
from l9gate.net.http import HttpRequest, HttpResponse
from l9gate.observe.encoding import UnknownEncodingError, make_decoder
from l9gate.observe.origins import Target
from l9gate.observe.otlp import JSON, PROTOBUF, parse_spans
from l9gate.observe.recorder import Outbox
from l9gate.observe.spans import SpanFacts, call_of, signal_of

TRACES = "/v1/traces"
_UNREAD = frozenset({"/v1/metrics", "/v1/logs"})
_MAX_BODY_BYTES = 64 << 20  # inflated; an exporter's batch is a hundredth of it
_DONE = {JSON: b"{}", PROTOBUF: b""}


class Receiver:
    """Turns exported spans into records; nothing of a span's content is kept.

    They belong to no test: a service does not know for whom it works.
    """

    def __init__(self, outbox: Outbox, clock: Clock, target: Target) -> None:
        self._outbox = outbox
        self._clock = clock
        self._target = target

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Take one export."""
        content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if request.method != "POST" or request.path not in {TRACES, *_UNREAD}:
            return self.refuse(404, f"there is only POST {TRACES}")
        if content_type not in _DONE:
            return self.refuse(415, f"expected {PROTOBUF} or {JSON}")
        if request.path == TRACES:
            try:
                body = _inflated(request)
                spans = parse_spans(body, content_type)
            except (MalformedBodyError, UnknownEncodingError, zlib.error) as error:
                return self.refuse(400, str(error))
            for span in spans:
                self._put(span)
        headers = {"content-type": content_type}
        return HttpResponse(status=200, headers=headers, body=_DONE[content_type])

    def refuse(self, status: int, reason: str) -> HttpResponse:
        """Return the answer to what is no export."""
        headers = {"content-type": "text/plain; charset=utf-8"}
        return HttpResponse(status=status, headers=headers, body=f"{reason}\n".encode())

    def _put(self, span: SpanFacts) -> None:
        now_s = self._clock.now_s()
        call = call_of(span, self._target, now_s)
        if call is not None:
            self._outbox.put(call)
        try:
            signal = signal_of(span, None, now_s)
        except ValidationError as error:
            self._outbox.put_fault("proxy.receiver", error)
            return
        if signal is not None:
            self._outbox.put(signal)


def _inflated(request: HttpRequest) -> bytes:
    body = bytearray()
    for piece in make_decoder(request.headers.get("content-encoding"))(request.body):
        body += piece
        if len(body) > _MAX_BODY_BYTES:
            raise MalformedBodyError(f"the body has more than {_MAX_BODY_BYTES} bytes")
    return bytes(body)

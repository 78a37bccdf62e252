"""Facts of an answer, read from a copy of its body while the application reads it."""

import zlib
from itertools import pairwise

import msgspec

from l9gate.errors import SseFormatError
from l9gate.observe.encoding import UnknownEncodingError, make_decoder
from l9gate.wire.faults import ApiFault, parse_fault
from l9gate.wire.frames import FRAMES, FrameParser
from l9gate.wire.messages import Usage, parse_response_facts
from l9gate.wire.sse import SseParser
from l9gate.wire.stream import StreamEventKind, StreamFolder

MAX_BODY_BYTES = 8 << 20  # beyond it a JSON body is counted but no longer copied
MAX_GAPS = 200_000
EVENT_STREAM = "text/event-stream"


class BodyFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a body says about the call; none of its content."""

    has_ended: bool  # a JSON document is whole, a stream reached `message_stop`
    is_malformed: bool = False
    fault: ApiFault | None = None
    served_model: str | None = None
    stop_reason: str | None = None
    usage: Usage | None = None
    first_token_s: float | None = None
    gaps_s: tuple[float, ...] = ()


class BodyReader:
    """Takes the chunks of one body as they come, and the time of each."""

    def __init__(self, content_type: str, content_encoding: str | None) -> None:
        kind = content_type.strip().lower()
        is_framed = kind.startswith(FRAMES)
        self.is_stream = is_framed or kind.startswith(EVENT_STREAM)
        self.size_bytes = 0
        self._is_readable = True
        self._is_too_large = False
        self._copy = bytearray()
        self._parser: FrameParser | SseParser = FrameParser() if is_framed else SseParser()
        self._folder = StreamFolder(strict=False)
        self._deltas_s: list[float] = []
        try:
            self._decode = make_decoder(content_encoding)
        except UnknownEncodingError:
            self._is_readable = False

    def feed(self, chunk: bytes, at_s: float) -> None:
        """Take in bytes as they came from the wire."""
        self.size_bytes += len(chunk)
        if not self._is_readable:
            return
        try:
            for piece in self._decode(chunk):
                self._take(piece, at_s)
        except (zlib.error, SseFormatError):
            self._give_up()

    def finish(self, *, is_whole: bool, expects_json: bool) -> BodyFacts:
        """Return what was found.

        Args:
            is_whole: the server ended the body as HTTP asks for.
            expects_json: something that is not JSON cannot be right here.
        """
        if self.is_stream:
            return self._stream_facts(is_whole=is_whole)
        if not is_whole or self._is_too_large:
            return BodyFacts(has_ended=is_whole)
        if not self._is_readable:
            return BodyFacts(has_ended=True, is_malformed=expects_json)
        body = bytes(self._copy)
        facts = parse_response_facts(body)
        if facts is None:
            return BodyFacts(has_ended=True, is_malformed=expects_json)
        return BodyFacts(
            has_ended=True,
            fault=parse_fault(body),
            served_model=facts.model,
            stop_reason=facts.stop_reason,
            usage=facts.usage,
        )

    def _take(self, piece: bytes, at_s: float) -> None:
        if not self.is_stream:
            self._copy += piece
            if len(self._copy) > MAX_BODY_BYTES:
                self._is_too_large = True
                self._give_up()
            return
        for event in self._parser.feed(piece):
            kind = self._folder.feed(event)
            if kind is StreamEventKind.CONTENT_DELTA and len(self._deltas_s) < MAX_GAPS:
                self._deltas_s.append(at_s)

    def _give_up(self) -> None:
        self._is_readable = False
        self._copy.clear()

    def _stream_facts(self, *, is_whole: bool) -> BodyFacts:
        folder, deltas_s = self._folder, self._deltas_s
        return BodyFacts(
            has_ended=folder.has_ended,
            is_malformed=is_whole and not self._is_readable,
            fault=folder.fault,
            served_model=folder.model,
            stop_reason=folder.stop_reason,
            usage=folder.usage,
            first_token_s=deltas_s[0] if deltas_s else None,
            gaps_s=tuple(b - a for a, b in pairwise(deltas_s)),
        )

"""Facts of an answer, read from a copy of its body while the application reads it."""

import zlib
from itertools import pairwise

import msgspec

from l9gate.errors import SseFormatError
from l9gate.observe.encoding import UnknownEncodingError, make_decoder
from l9gate.observe.skimming import Skim
from l9gate.wire.faults import ApiFault, parse_fault
from l9gate.wire.frames import FRAMES, FrameParser
from l9gate.wire.json import JsonObject, parse_object
from l9gate.wire.messages import Usage, as_text, usage_of
from l9gate.wire.sse import SseEvent
from l9gate.wire.stream import StreamEventKind, StreamFolder

MAX_BODY_BYTES = 8 << 20  # beyond it a body is counted but no longer copied
UNREAD_BYTES = 64 << 10  # so many may come before they are read: one by one costs several times it
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

    def __init__(
        self, content_type: str, content_encoding: str | None, *, keeps_text: bool = False
    ) -> None:
        """Begin.

        Args:
            content_type: the header.
            content_encoding: the header.
            keeps_text: whether `events` of a stream have to have all of its text.
        """
        kind = content_type.strip().lower()
        is_framed = kind.startswith(FRAMES)
        self.is_stream = is_framed or kind.startswith(EVENT_STREAM)
        self.size_bytes = 0
        self._is_readable = True
        self._is_too_large = False
        self.value: JsonObject | None = None  # the whole body, if it is JSON
        self._pieces: list[bytes] = []  # of a body that is no stream, decoded
        self._kept_bytes = 0
        self._chunks: list[bytes] = []  # not yet read, with the time of each
        self._times_s: list[float] = []
        self._due_bytes = UNREAD_BYTES
        self._events = _EventReader(keeps_text, is_framed=is_framed) if self.is_stream else None
        self._decode = None
        if content_encoding is not None:
            try:
                self._decode = make_decoder(content_encoding)
            except UnknownEncodingError:
                self._is_readable = False

    def feed(self, chunk: bytes, at_s: float) -> None:
        """Take in bytes as they came from the wire; they are read later, many at once."""
        self.size_bytes += len(chunk)
        self._chunks.append(chunk)
        self._times_s.append(at_s)
        if self.size_bytes >= self._due_bytes:
            self.catch_up()

    def catch_up(self) -> None:
        """Read what came since the last time."""
        chunks, times_s = self._chunks, self._times_s
        self._chunks, self._times_s = [], []
        self._due_bytes = self.size_bytes + UNREAD_BYTES
        decode = self._decode
        try:
            for chunk, at_s in zip(chunks, times_s, strict=True):
                if not self._is_readable:
                    return
                if decode is None:
                    self._take(chunk, at_s)
                else:
                    for piece in decode(chunk):
                        self._take(piece, at_s)
        except (zlib.error, SseFormatError):
            self._give_up()

    @property
    def content(self) -> bytes | None:
        """The body, decoded; None for a stream, and if it cannot be read or is too long."""
        return b"".join(self._pieces) if self._is_at_hand and self._events is None else None

    @property
    def events(self) -> list[SseEvent] | None:
        """The events of a stream that tell of something; None for what is none, or unreadable."""
        return self._events.kept if self._is_at_hand and self._events is not None else None

    @property
    def is_inside_event(self) -> bool:
        """Whether a stream stopped inside an event."""
        return self._events is not None and self._events.is_inside

    @property
    def _is_at_hand(self) -> bool:
        return self._is_readable and not self._is_too_large

    def finish(self, *, is_whole: bool, expects_json: bool) -> BodyFacts:
        """Return what was found.

        Args:
            is_whole: the server ended the body as HTTP asks for.
            expects_json: something that is not JSON cannot be right here.
        """
        self.catch_up()
        if self._events is not None:
            return self._events.finish(is_malformed=is_whole and not self._is_readable)
        if not is_whole or self._is_too_large:
            return BodyFacts(has_ended=is_whole)
        if not self._is_readable:
            return BodyFacts(has_ended=True, is_malformed=expects_json)
        body = b"".join(self._pieces)
        self.value = value = parse_object(body)
        if value is None:
            return BodyFacts(has_ended=True, is_malformed=expects_json)
        usage = usage_of(value.get("usage"))
        return BodyFacts(
            has_ended=True,
            fault=None if usage is not None else parse_fault(body),  # a message is no error
            served_model=as_text(value.get("model")),
            stop_reason=as_text(value.get("stop_reason")),
            usage=usage,
        )

    def _take(self, piece: bytes, at_s: float) -> None:
        if self._events is not None:
            self._kept_bytes += self._events.feed(piece, at_s, keeps=not self._is_too_large)
        elif not self._is_too_large:
            self._pieces.append(piece)
            self._kept_bytes += len(piece)
        if self._kept_bytes > MAX_BODY_BYTES and not self._is_too_large:
            self._is_too_large = True
            self._is_readable = self.is_stream
            self._forget()

    def _give_up(self) -> None:
        self._is_readable = False
        self._forget()

    def _forget(self) -> None:
        self._pieces.clear()
        if self._events is not None:
            self._events.kept.clear()


class _EventReader:
    """Reads the events of a stream; it parses only those that say more than that a token came."""

    def __init__(self, keeps_text: bool, *, is_framed: bool) -> None:
        self._frames = FrameParser() if is_framed else None
        self._skim = Skim(keeps_text=keeps_text)
        self.kept: list[SseEvent] = []
        self._folder = StreamFolder(strict=False)
        self._deltas_s: list[float] = []
        self._is_over = False  # what follows an end belongs to nothing

    @property
    def is_inside(self) -> bool:
        """Whether it stopped inside an event."""
        return self._skim.is_inside

    def feed(self, piece: bytes, at_s: float, *, keeps: bool) -> int:
        """Take in decoded bytes; return how many of them were kept.

        Raises:
            SseFormatError: they are no event stream.
        """
        if self._frames is not None:
            for framed in self._frames.feed(piece):
                self._fold(framed, at_s)
            return 0
        kept_bytes = 0
        for event in self._skim.feed(piece):
            if event is None:
                if not self._is_over:
                    self._note_delta(at_s)
                continue
            self._fold(event, at_s)
            if keeps:
                self.kept.append(event)
                kept_bytes += len(event.data)
        return kept_bytes

    def finish(self, *, is_malformed: bool) -> BodyFacts:
        """Return what was found."""
        folder, deltas_s = self._folder, self._deltas_s
        return BodyFacts(
            has_ended=folder.has_ended,
            is_malformed=is_malformed,
            fault=folder.fault,
            served_model=folder.model,
            stop_reason=folder.stop_reason,
            usage=folder.usage,
            first_token_s=deltas_s[0] if deltas_s else None,
            gaps_s=tuple(b - a for a, b in pairwise(deltas_s)),
        )

    def _fold(self, event: SseEvent, at_s: float) -> None:
        kind = self._folder.feed(event)
        if kind is StreamEventKind.CONTENT_DELTA:
            self._note_delta(at_s)
        elif kind in (StreamEventKind.STOP, StreamEventKind.ERROR):
            self._is_over = True

    def _note_delta(self, at_s: float) -> None:
        if len(self._deltas_s) < MAX_GAPS:
            self._deltas_s.append(at_s)

r"""Hears a stream of the Messages API: when content came and how it ended.

Every event is looked at, cheaply: content deltas are counted where they stand, only what begins,
ends or fails a message is decoded. That is exact: a line end inside JSON is always escaped, so
`\nevent: ` begins a line and nothing else.
"""

import math
from array import array

import msgspec

from l9gate.errors import SseFormatError
from l9gate.wire.messages import Usage, as_text, usage_of
from l9gate.wire.sse import SseParser

_DELTA = b"event: content_block_delta\n"
_NEXT_DELTA = b"\n" + _DELTA
_END = b"\n\n"
_MAX_EVENT_BYTES = 8 * 1024 * 1024
_TEXT, _THINKING, _TOOL = "text_delta", "thinking_delta", "input_json_delta"


class _DeltaType(msgspec.Struct, frozen=True, gc=False):
    type: object = None


class _Delta(msgspec.Struct, frozen=True, gc=False):
    delta: _DeltaType = _DeltaType()


class _Message(msgspec.Struct, frozen=True, gc=False):
    model: object = None
    usage: object = None


class _Start(msgspec.Struct, frozen=True, gc=False):
    message: _Message = _Message()


class _Type(msgspec.Struct, frozen=True, gc=False):
    type: object = None


_DELTAS = msgspec.json.Decoder(_Delta)
_STARTS = msgspec.json.Decoder(_Start)
_MESSAGES = msgspec.json.Decoder(_Message)
_TYPES = msgspec.json.Decoder(_Type)
_FAULTS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class StreamEar:
    """Takes the body of one stream in pieces cut anywhere; times are seconds since the epoch."""

    __slots__ = (
        "_awaits_kind",
        "_last_s",
        "_parser",
        "_tail",
        "events",
        "first_text_s",
        "first_thinking_s",
        "first_token_s",
        "first_tool_s",
        "gaps_s",
        "has_failed",
        "is_malformed",
        "model",
        "stopped_s",
        "usage",
    )

    def __init__(self) -> None:
        self._tail = b""  # of an event that is not whole
        self._parser: SseParser | None = None  # for streams with other line ends than ours
        self._awaits_kind = True  # a block began, and what its deltas are is not known
        self._last_s = math.nan
        self.events = 0
        self.first_token_s = math.nan  # of any kind
        self.first_text_s = math.nan
        self.first_thinking_s = math.nan
        self.first_tool_s = math.nan
        self.gaps_s = array("f")  # between consecutive content deltas
        self.stopped_s = math.nan  # `message_stop`
        self.has_failed = False  # an `error` event
        self.is_malformed = False
        self.model: str | None = None
        self.usage: Usage | None = None

    def feed(self, data: bytes, at_s: float) -> None:
        """Take a piece that came at a time."""
        if self._parser is not None or b"\r" in data:
            self._feed_parser(data, at_s)
            return
        if self._tail:
            data = self._tail + data
        end = data.rfind(_END) + 2
        if end < 2:
            self._tail = data
            self.is_malformed = self.is_malformed or len(data) > _MAX_EVENT_BYTES
            return
        self._tail = data[end:]
        deltas = data.count(_NEXT_DELTA, 0, end) + data.startswith(_DELTA)
        if not self._awaits_kind and deltas == data.count(_END, 0, end):
            self._count(deltas, at_s)
            return
        for block in data[: end - 2].split(_END):
            self._take_block(block, at_s)

    def _feed_parser(self, data: bytes, at_s: float) -> None:
        """Read by all rules of the standard, from the beginning of an event on."""
        if self._parser is None:
            self._parser = SseParser()
            data, self._tail = self._tail + data, b""
        try:
            for event in self._parser.feed(data):
                self._take(event.event, event.data, at_s)
        except SseFormatError:
            self.is_malformed = True

    def _take_block(self, block: bytes, at_s: float) -> None:
        """Take one event, of whose lines the usual two are told apart at once."""
        if not self._awaits_kind and block.startswith(_DELTA):
            self._count(1, at_s)
            return
        first, _, rest = block.partition(b"\n")
        if first.startswith(b"event: ") and rest.startswith(b"data: ") and b"\n" not in rest:
            self._take(first[7:].decode("utf-8", "replace"), rest[6:], at_s)
            return
        for event in SseParser().feed(block + _END):
            self._take(event.event, event.data, at_s)

    def _take(self, name: str, data: bytes, at_s: float) -> None:
        try:
            if name == "message":  # no `event:` line: the data says what it is
                name = as_text(_TYPES.decode(data).type) or name
            if name == "content_block_delta":
                if self._awaits_kind:
                    self._note_kind(_DELTAS.decode(data).delta.type, at_s)
                self._count(1, at_s)
                return
            self.events += 1
            if name == "content_block_start":
                self._awaits_kind = True
            elif name == "message_start":
                message = _STARTS.decode(data).message
                self.model, self.usage = as_text(message.model), usage_of(message.usage)
            elif name == "message_delta":
                self.usage = usage_of(_MESSAGES.decode(data).usage, self.usage)
            elif name == "message_stop":
                self.stopped_s = at_s
            elif name == "error":
                self.has_failed = True
        except _FAULTS:
            self.is_malformed = True

    def _note_kind(self, kind: object, at_s: float) -> None:
        """Remember the first of each kind; a block of another kind is looked at further."""
        if kind == _TEXT:
            self._awaits_kind = False
            self.first_text_s = at_s if math.isnan(self.first_text_s) else self.first_text_s
        elif kind == _THINKING:
            self._awaits_kind = False
            if math.isnan(self.first_thinking_s):
                self.first_thinking_s = at_s
        elif kind == _TOOL:
            self._awaits_kind = False
            self.first_tool_s = at_s if math.isnan(self.first_tool_s) else self.first_tool_s

    def _count(self, deltas: int, at_s: float) -> None:
        """Note content deltas that one read brought: no time is known to lie between them."""
        self.events += deltas
        last_s = self._last_s
        if last_s == last_s:  # noqa: PLR0124 - not NaN, in the hottest line
            self.gaps_s.append(at_s - last_s)
        else:
            self.first_token_s = at_s
        self._last_s = at_s
        if deltas > 1:
            self.gaps_s.extend([0.0] * (deltas - 1))

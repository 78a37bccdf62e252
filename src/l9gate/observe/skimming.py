"""The events of a stream as they come, without those that only go on with the text before.

Nearly all events of a stream are deltas of text, each written as the one before it. Such a one can
tell of no difference that the first did not, so it need not be taken apart.
"""

import re
from collections.abc import Sequence
from typing import TypeAlias

from l9gate.wire.sse import SseEvent, SseParser

Skimmed: TypeAlias = SseEvent | None  # None: it goes on with the text before

_EVENT = re.compile(rb"event: ([a-z_]+)\ndata: ([^\n]*)\n\n")
_END = b"\n\n"
_FRAME_BYTES = 16  # of an event besides its name and data
_DELTA = b"content_block_delta"
_DELTA_EVENT = b"event: content_block_delta\ndata: "
# No backslash before it, so that it is no part of a text.
_HEAD = re.compile(rb'\{[^\\]*"(?:text|thinking)_delta", ?"(?:text|thinking)": ?"')
_REST = rb'(?:[^"\\\x00-\x1f]++|\\["\\/bfnrt])*+"\}\}'
_goes_on = re.compile(_REST).fullmatch
_goes_on_alone = re.compile(_REST + _END).fullmatch  # one event, to its end
_ONE_LEFT_OUT = (None,)
_MAX_TAIL_BYTES = 1 << 20  # of an event that is not complete; the parser takes what is longer


class Skim:
    """Takes the bytes of one stream, cut anywhere."""

    def __init__(self, *, keeps_text: bool) -> None:
        """Begin; with `keeps_text` no event is left out."""
        self._keeps_text = keeps_text
        self._head: bytes | None = None  # how the data of the last event begins, if it is a text's
        self._start: bytes | None = None  # the same of the whole event
        self._tail = b""
        self._parser: SseParser | None = None  # once something is written in another way

    @property
    def is_inside(self) -> bool:
        """Whether bytes of an event came that is not complete."""
        if self._parser is not None:
            return self._parser.has_partial_event
        parser = SseParser()
        parser.feed(self._tail)
        return parser.has_partial_event

    def feed(self, piece: bytes) -> Sequence[Skimmed]:
        """Return the events that a piece completes.

        Raises:
            SseFormatError: a line or an event is longer than allowed.
        """
        start = self._start
        if (
            start is not None
            and not self._tail
            and piece.startswith(start)
            and _goes_on_alone(piece, len(start))
            and _is_text(piece)
        ):
            return _ONE_LEFT_OUT
        if self._parser is not None:
            return self._parser.feed(piece)
        return self._split(self._tail + piece)

    def _split(self, data: bytes) -> Sequence[Skimmed]:
        end = data.rfind(_END) + len(_END)
        if end < len(_END):
            end = 0
        found = _EVENT.findall(data, 0, end)
        size = sum(len(name) + len(text) for name, text in found) + _FRAME_BYTES * len(found)
        if size != end or len(data) - end > _MAX_TAIL_BYTES or b"\r" in data:
            self._start, self._tail = None, b""
            self._parser = SseParser()
            return self._parser.feed(data)
        self._tail = data[end:]
        return [self._take(name, text) for name, text in found]

    def _take(self, name: bytes, data: bytes) -> Skimmed:
        if name != _DELTA or self._keeps_text:
            self._head = self._start = None
            return SseEvent(name.decode(), data)
        head = self._head
        if head and data.startswith(head) and _goes_on(data, len(head)) and _is_text(data):
            return None
        found = _HEAD.match(data)
        self._head = None if found is None else found[0]
        self._start = None if found is None else _DELTA_EVENT + found[0]
        return SseEvent(name.decode(), data)


def _is_text(data: bytes) -> bool:
    if data.isascii():
        return True
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True

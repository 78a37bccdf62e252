"""The events of a stream that has ended, without those that only go on with the text before.

Nearly all events of a stream are deltas of text, each written as the one before it. Such a one can
tell of no difference that the first did not, so it need not be taken apart.
"""

import re
from collections.abc import Iterator

from l9gate.errors import SseFormatError
from l9gate.wire.sse import SseEvent, SseParser

_EVENT = re.compile(rb"event: ([a-z_]+)\ndata: ([^\n]*)\n\n")
_FRAME_BYTES = 16  # of an event besides its name and data
_DELTA = b"content_block_delta"
# No backslash before it, so that it is no part of a text.
_HEAD = re.compile(rb'\{[^\\]*"(?:text|thinking)_delta", ?"(?:text|thinking)": ?"')
_REST = re.compile(rb'(?:[^"\\\x00-\x1f]|\\["\\/bfnrt])*+"\}\}')


class Skim:
    """The events of one body."""

    def __init__(self, body: bytes, *, keeps_text: bool) -> None:
        """Split it.

        Args:
            body: content encoding removed.
            keeps_text: every event is wanted.
        """
        self._parsed: list[SseEvent] = []
        self.was_cut = False  # it ended inside an event
        found = _EVENT.findall(body)
        size = sum(len(name) + len(data) for name, data in found) + _FRAME_BYTES * len(found)
        self._split: list[tuple[bytes, bytes]] = found if size == len(body) else []
        self._keeps_text = keeps_text or not _is_text(body)
        if self._split or not body:
            return
        parser = SseParser()
        try:
            self._parsed = parser.feed(body)
            self.was_cut = parser.has_partial_event
        except SseFormatError:
            self.was_cut = True

    def __iter__(self) -> Iterator[SseEvent]:
        """Yield them in their order."""
        yield from self._parsed
        before = None
        for name, data in self._split:
            is_delta = name == _DELTA and not self._keeps_text
            if (
                is_delta
                and before
                and data.startswith(before)
                and _REST.fullmatch(data, len(before))
            ):
                continue
            yield SseEvent(name.decode(), data)
            head = _HEAD.match(data) if is_delta else None
            before = None if head is None else head[0]


def _is_text(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True

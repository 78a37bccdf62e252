"""Server-sent events: bytes to lines to events, bounded, after the WHATWG rules."""

import msgspec

from l9gate.errors import SseFormatError

_BOM = b"\xef\xbb\xbf"
DEFAULT_EVENT = "message"  # the name of an event without an `event:` line


class SseEvent(msgspec.Struct, frozen=True, gc=False):
    """One event: its name and its data, not decoded."""

    event: str
    data: bytes


class SseParser:
    """Takes bytes cut anywhere and returns the events that they complete.

    Lines end with LF, CR or CRLF. An event that no empty line closes is never returned: at the end
    of a stream it was cut off.
    """

    def __init__(
        self, *, max_line_bytes: int = 8 * 1024 * 1024, max_event_bytes: int = 32 * 1024 * 1024
    ) -> None:
        self._max_line_bytes = max_line_bytes
        self._max_event_bytes = max_event_bytes
        self._tail = bytearray()  # the line that has not ended yet
        self._skips_lf = False  # the last byte was a CR, so a LF belongs to it
        self._is_first_line = True
        self._name = ""
        self._data: list[bytes] = []
        self._event_bytes = 0

    @property
    def has_partial_event(self) -> bool:
        """Whether bytes of an event arrived that is not complete."""
        return bool(self._tail or self._data or self._name)

    def feed(self, chunk: bytes) -> list[SseEvent]:
        """Return the events that the chunk completes.

        Raises:
            SseFormatError: a line or an event is longer than allowed.
        """
        events: list[SseEvent] = []
        if not chunk:
            return events
        lines = self._unified(chunk).split(b"\n")
        for line in lines[:-1]:
            if self._tail:
                self._tail += line
                line = bytes(self._tail)  # noqa: PLW2901 - the line began in an earlier chunk
                self._tail.clear()
            event = self._take_line(line)
            if event is not None:
                events.append(event)
        self._tail += lines[-1]
        self._check(len(self._tail), self._max_line_bytes, "line")
        return events

    def _unified(self, chunk: bytes) -> bytes:
        """Return the chunk with LF as the only line end."""
        if self._skips_lf and chunk[0] == 0x0A:
            chunk = chunk[1:]
        self._skips_lf = False
        if b"\r" in chunk:
            self._skips_lf = chunk.endswith(b"\r")
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        return chunk

    def _take_line(self, line: bytes) -> SseEvent | None:
        self._check(len(line), self._max_line_bytes, "line")
        if self._is_first_line:
            self._is_first_line = False
            line = line.removeprefix(_BOM)
        if not line:
            return self._end_event()
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            self._data.append(value)
            self._event_bytes += len(value) + 1
            self._check(self._event_bytes, self._max_event_bytes, "event")
        elif field == b"event":
            self._name = value.decode("utf-8", "replace")
        return None  # a comment, `id`, `retry` or an unknown field

    def _end_event(self) -> SseEvent | None:
        name, data = self._name, self._data
        self._name, self._data, self._event_bytes = "", [], 0
        if not data:
            return None
        return SseEvent(name or DEFAULT_EVENT, data[0] if len(data) == 1 else b"\n".join(data))

    @staticmethod
    def _check(size_bytes: int, limit_bytes: int, what: str) -> None:
        if size_bytes > limit_bytes:
            raise SseFormatError(
                f"event stream: a {what} has more than {limit_bytes} bytes",
                hint="the body is probably no event stream of the Messages API",
            )


def render_event(name: str, data: bytes) -> bytes:
    """Return one event as bytes; data that spans lines gets one `data:` line for each."""
    lines = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\ndata: ")
    return b"event: %b\ndata: %b\n\n" % (name.encode(), lines)

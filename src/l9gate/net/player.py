"""Writes a timetable: each piece when it is due, all that are due in one write."""

from bisect import bisect_right
from collections.abc import Callable

from l9gate.net.http import LAST_CHUNK, Timetable, render_chunk
from l9gate.net.wheel import Appointments

_BLOCK_PIECES = 512  # written at once, before a look at whether the client keeps up


class Player:
    """Plays one timetable, without a task and without drift.

    Args:
        body: what to write.
        start_s: when it began, in the time of the loop.
        wheel: wakes the player when a piece is due.
        write: takes framed bytes; may hold the player.
        end: called after the last piece, if that was not written by the caller's own `turn`.
    """

    __slots__ = ("_at", "_body", "_end", "_is_booked", "_start_s", "_wheel", "_write", "waits")

    def __init__(
        self,
        body: Timetable,
        start_s: float,
        wheel: Appointments,
        write: Callable[[bytes], None],
        end: Callable[[], None],
    ) -> None:
        self._body = body
        self._start_s = start_s
        self._wheel = wheel
        self._write = write
        self._end = end
        self._at = 0
        self._is_booked = False  # whether the wheel will wake it
        self.waits = False  # the client reads more slowly than we write, or is gone

    def turn(self, now_s: float) -> bool:
        """Write what is due, see to it that the rest follows, and say whether that was all."""
        due_s, size = self._body.due_s, len(self._body.due_s)
        end = bisect_right(due_s, now_s - self._start_s, self._at)
        while self._at < end and self._may_write():
            self._write_block(end, is_last=end == size)
        if self._may_write() and self._at < size and not self._is_booked:
            self._is_booked = True
            self._wheel.call_at(self._start_s + due_s[self._at], self._wake)
        return self._at >= size

    def _may_write(self) -> bool:
        return not self.waits

    def _wake(self, now_s: float) -> None:
        self._is_booked = False
        if self.waits:
            return
        due_s, after = self._body.due_s, self._at + 1
        if after < len(due_s) and due_s[after] > now_s - self._start_s:  # one piece, as usual
            data = self._body.pieces[self._at]
            self._at = after
            self._is_booked = True
            self._wheel.call_at(self._start_s + due_s[after], self._wake)
            self._write(render_chunk(data))
        elif self.turn(now_s):
            self._end()

    def _write_block(self, end: int, *, is_last: bool) -> None:
        """Write pieces up to an end as one chunk, not too many."""
        start, pieces = self._at, self._body.pieces
        self._at = at = min(end, start + _BLOCK_PIECES)
        data = pieces[start] if at == start + 1 else b"".join(pieces[start:at])
        last = LAST_CHUNK if is_last and at == end else b""
        self._write(render_chunk(data) + last)

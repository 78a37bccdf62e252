"""A text that matches a regular expression, the shortest that is easy to find.

It knows what the API allows in a schema: no look-around and no references back.
"""

import re
import string

_MAX_CHARS = 1_000
_CANDIDATES = (
    string.ascii_lowercase
    + string.digits
    + string.ascii_uppercase
    + " _-"
    + (string.punctuation + "\t\né€")
)
_ESCAPES = {"d": "0", "w": "a", "s": " ", "D": "a", "W": "-", "S": "a", "b": "", "B": ""}
_CONTROLS = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v"}
_COUNTS = re.compile(r"\{(\d{1,4})(?:,\d{0,9})?\}")
_GROUPS = re.compile(r"\?(?::|P?<[A-Za-z_]\w*>)")
_CLASSES = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)


def text_matching(pattern: str) -> str | None:
    """Return a text in which the pattern is found, None for a pattern that is not understood."""
    try:
        text = _Reader(pattern).read()
        return text if re.search(pattern, text) else None
    except (ValueError, RecursionError, re.error):
        return None


class _Reader:
    """Reads a pattern from left to right and writes what it asks for."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0

    def read(self) -> str:
        """Return a text for the whole pattern."""
        text = self._alternatives()
        if self._at < len(self._pattern):
            raise ValueError("a bracket that was never opened")
        return text

    def _alternatives(self) -> str:
        """Return a text for the first of several alternatives."""
        first = self._sequence()
        while self._take("|"):
            self._sequence()
        return first

    def _sequence(self) -> str:
        text = ""
        while self._at < len(self._pattern) and self._pattern[self._at] not in "|)":
            text += self._atom() * self._least()
            if len(text) > _MAX_CHARS:
                raise ValueError("too long")
        return text

    def _atom(self) -> str:
        if self._take("("):
            group = _GROUPS.match(self._pattern, self._at)
            self._at = self._at if group is None else group.end()
            inner = self._alternatives()
            if not self._take(")"):
                raise ValueError("a bracket that is never closed")
            return inner
        if self._pattern[self._at] == "[":
            return self._member()
        char = self._next()
        if char == "\\":
            return self._escape()
        if char == "?":
            raise ValueError("look-around, or nothing to repeat")
        return {".": "a", "^": "", "$": ""}.get(char, char)

    def _member(self) -> str:
        found = _CLASSES.match(self._pattern, self._at)
        if found is None:
            raise ValueError("a class that is never closed")
        self._at = found.end()
        members = re.compile(found[0])
        return next((char for char in _CANDIDATES if members.match(char)), found[0][1])

    def _escape(self) -> str:
        char = self._next()
        if char in "xu":
            digits = self._pattern[self._at : self._at + (2 if char == "x" else 4)]
            self._at += len(digits)
            return chr(int(digits, 16))
        if char.isdigit():
            raise ValueError("a reference back")
        return _ESCAPES.get(char, _CONTROLS.get(char, char))

    def _least(self) -> int:
        """Return how often the last atom is needed."""
        least = 1
        counts = _COUNTS.match(self._pattern, self._at)
        if counts is not None:
            least, self._at = int(counts[1]), counts.end()
        elif self._take("*") or self._take("?"):
            least = 0
        elif not self._take("+"):
            return least
        if not self._take("?"):  # as few as possible, or without going back
            self._take("+")
        return least

    def _take(self, char: str) -> bool:
        is_next = self._pattern.startswith(char, self._at)
        self._at += is_next
        return is_next

    def _next(self) -> str:
        if self._at >= len(self._pattern):
            raise ValueError("an escape of nothing")
        self._at += 1
        return self._pattern[self._at - 1]

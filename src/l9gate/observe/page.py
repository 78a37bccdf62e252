"""One page in a file: what the process that runs the tests lets its children know.

Child processes read this file from where it lies; see `border.py`.
"""

from __future__ import annotations

import binascii
import os

SIZE_BYTES = 4096
PAGE = "page"  # what goes on now
FACTS = "facts"  # of the run that children record into; absent if there is none
REFUSED = "refused"  # a line for each time that a child was refused
_TRIES = 20


class Page:
    """Written by one process, read by any number; a reader never sees half of a change."""

    def __init__(self, path: str) -> None:
        """Create it."""
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._written = b""

    def write(self, fields: dict[str, str]) -> None:
        """Replace what is there; what does not fit is cut off."""
        body = format_line(fields)[: SIZE_BYTES - 9]
        if body != self._written:
            os.pwrite(self._descriptor, b"%08x%b\0" % (binascii.crc32(body), body), 0)
            self._written = body

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._descriptor)


def read_page(path: str) -> dict[str, str] | None:
    """Return what is there; None if the page is gone, as after the session, or empty."""
    for _ in range(_TRIES):
        try:
            # Opened each time: a daemon closes descriptors that it does not know.
            with open(path, "rb") as file:  # noqa: PTH123 - pathlib is slow to load
                raw = file.read(SIZE_BYTES)
        except OSError:
            return None
        body = raw[8:].partition(b"\0")[0]
        if body and raw[:8] == b"%08x" % binascii.crc32(body):
            return parse_line(body)
    return None


def append_line(path: str, fields: dict[str, str]) -> None:
    """Add a line to a file that exists, whole or not at all.

    Raises:
        OSError: the file is gone.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
    try:
        os.write(descriptor, format_line(fields) + b"\n")
    finally:
        os.close(descriptor)


def format_line(fields: dict[str, str]) -> bytes:
    """Return names and values, separated by tabs; json would take longer than a child's start."""
    words = (word for pair in fields.items() for word in pair)
    return "\t".join(_printable(word) for word in words).encode("utf-8", "surrogateescape")


def parse_line(line: bytes) -> dict[str, str]:
    """Return the fields of a line; a value that was cut off with its tab is missing."""
    words = line.decode("utf-8", "surrogateescape").rstrip("\n").split("\t")
    return dict(zip(words[::2], words[1::2]))  # noqa: B905 - see above


def _printable(word: str) -> str:
    return word.translate({0: " ", 9: " ", 10: " "})

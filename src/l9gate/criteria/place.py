"""Where in a policy's text a table or a key stands, so that an error can name the line."""

import re
from collections.abc import Sequence

Path = Sequence[str | int]


def line_of(text: str, path: Path) -> int | None:
    """Return the 1-based line of a place such as `("criterion", 3, "role")`.

    A key that cannot be found gives the line of its table; None if that is not found either.
    """
    lines = text.splitlines()
    start, path = _table(lines, path)
    if start is None:
        return None
    for key in path:
        if isinstance(key, str):
            found = _key(lines, start, key)
            return start if found is None else found
    return start


def _table(lines: list[str], path: Path) -> tuple[int | None, Path]:
    """Return the line where the table of a path begins, and the rest of the path."""
    if not path or not isinstance(path[0], str):
        return None, path
    name = path[0]
    if len(path) > 1 and isinstance(path[1], int):
        heads = _heads(lines, rf"\[\[\s*{re.escape(name)}\s*\]\]")
        return (heads[path[1]] if path[1] < len(heads) else None), path[2:]
    heads = _heads(lines, rf"\[\s*{re.escape(name)}\s*\]|\[\[\s*{re.escape(name)}\s*\]\]")
    return (heads[0], path[1:]) if heads else (_top_key(lines, name), ())


def _heads(lines: list[str], pattern: str) -> list[int]:
    head = re.compile(rf"\s*(?:{pattern})\s*(?:#.*)?")
    return [number for number, line in enumerate(lines, 1) if head.fullmatch(line)]


def _top_key(lines: list[str], name: str) -> int | None:
    """Return the line of a key before the first table."""
    return _key(["", *lines], 1, name, offset=-1)


def _key(lines: list[str], start: int, name: str, *, offset: int = 0) -> int | None:
    """Return the line of `name = …` between a table's head and the next one."""
    key = re.compile(rf"""(?:^|[\s{{,.])["']?{re.escape(name)}["']?\s*[=.]""")
    for number, line in enumerate(lines[start:], start + 1):
        if re.match(r"\s*\[\[?\s*[\w.\"' -]+\s*\]\]?\s*(#.*)?$", line):
            return None
        if key.search(line):
            return number + offset
    return None

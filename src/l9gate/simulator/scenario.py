"""A script: rules in a TOML file that say which requests are answered in a special way.

    [[rule]]
    contains = "weather"
    text = "It rains."

    [[rule]]
    model = "claude-haiku-5-5"
    every = 10
    fault = "status=529,retry_after=2"

The keys of a rule are the fields of `l9gate.simulator.rules.FaultRule`.
"""

import difflib
import re
import tomllib
from pathlib import Path

import msgspec

from l9gate.errors import PlanError
from l9gate.simulator.rules import FaultRule
from l9gate.wire.json import Json, JsonObject

_TABLE = "rule"
_HEADER = re.compile(r"^\s*\[\[\s*rule\s*\]\]")


def read_rules(path: Path) -> tuple[FaultRule, ...]:
    """Return the rules of a script.

    Raises:
        PlanError: the file cannot be read, or says something that cannot be meant.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PlanError(f"script {path} cannot be read: {error}") from error
    return parse_rules(text, str(path))


def parse_rules(text: str, place: str = "script") -> tuple[FaultRule, ...]:
    """Return the rules that a text of TOML holds.

    Args:
        text: the script.
        place: where it is from, for messages.

    Raises:
        PlanError: it is no TOML, has an unknown key, or a rule cannot be meant; the message names
            line and key.
    """
    try:
        tables: JsonObject = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PlanError(f"{place}: not TOML: {error}") from error
    for name in tables:
        if name != _TABLE:
            line = _line_of(text.splitlines(), 0, name)
            raise PlanError(f"{place}{line}: `{name}`: no such table", hint="write `[[rule]]`")
    rules = tables.get(_TABLE, [])
    if not isinstance(rules, list) or not rules:
        raise PlanError(f"{place}: no rule in it", hint="begin each rule with `[[rule]]`")
    return tuple(_rule(text, place, index, table) for index, table in enumerate(rules))


def _rule(text: str, place: str, index: int, table: Json) -> FaultRule:
    lines = text.splitlines()
    starts = [number for number, line in enumerate(lines) if _HEADER.match(line)]
    start = starts[index] if index < len(starts) else 0
    known = FaultRule.__struct_fields__
    for key in table if isinstance(table, dict) else ():
        if key not in known:
            close = difflib.get_close_matches(key, known, 1)
            hint = f"did you mean `{close[0]}`?" if close else f"there are: {', '.join(known)}"
            line = _line_of(lines, start, key)
            raise PlanError(f"{place}{line}: `{key}`: no such key", hint=hint)
    try:
        return msgspec.convert(table, FaultRule)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `$.")
        key = where.rstrip("`")
        line = _line_of(lines, start, key)
        raise PlanError(f"{place}{line}: {f'`{key}`: ' if key else ''}{what}") from error
    except PlanError as error:
        line = _line_of(lines, start, "")
        raise PlanError(f"{place}{line}: {error}", hint=error.hint) from error


def _line_of(lines: list[str], start: int, key: str) -> str:
    """Return where a key stands, from a line on; that line itself if it is nowhere."""
    written = re.compile(rf"\s*\[*\s*[\"']?{re.escape(key)}[\"']?\s*[=\].]")
    for number in range(start, len(lines)):
        if key and written.match(lines[number]):
            return f" line {number + 1}"
    return f" line {start + 1}"

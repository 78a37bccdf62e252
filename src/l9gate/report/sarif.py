"""Results with a place as SARIF 2.1.0, which code hosts and editors show beside the line."""

import json
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import quote

import msgspec

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


class SarifResult(msgspec.Struct, frozen=True, kw_only=True):
    """One result of one rule."""

    rule: str
    level: str  # "error", "warning" or "note"
    text: str
    file: str | None = None  # relative to the project, or a URI
    line: int | None = None  # counted from 1
    justification: str | None = None  # of whoever answers for it


def split_place(place: str) -> tuple[str, int | None]:
    """Return file and line of `file:line`; a place may have no line."""
    file, _, line = place.rpartition(":")
    return (file, int(line)) if file and line.isdecimal() and int(line) else (place, None)


def render_sarif_log(
    results: Sequence[SarifResult], rules: Mapping[str, str], notes: Iterable[str] = ()
) -> str:
    """Return the document, indented.

    Args:
        results: in the order in which they are shown.
        rules: what each of the rules that are used asks, in words.
        notes: what is to be known besides.
    """
    used = {result.rule: None for result in results}
    described = [{"id": rule, **_help(rules.get(rule))} for rule in used]
    order = {rule: number for number, rule in enumerate(used)}
    run: dict[str, object] = {
        "tool": {"driver": {"name": "l9gate", "rules": described}},
        "results": [_render(result, order) for result in results],
    }
    told = [{"level": "note", "message": {"text": note}} for note in notes]
    if told:
        run["invocations"] = [{"executionSuccessful": True, "toolExecutionNotifications": told}]
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _help(text: str | None) -> dict[str, object]:
    if text is None:
        return {}
    return {"fullDescription": {"text": text}, "help": {"text": text}}


def _render(result: SarifResult, order: Mapping[str, int]) -> dict[str, object]:
    found: dict[str, object] = {
        "ruleId": result.rule,
        "ruleIndex": order[result.rule],
        "level": result.level,
        "message": {"text": result.text},
    }
    if result.file is not None:
        region = {} if result.line is None else {"region": {"startLine": result.line}}
        place = {"artifactLocation": {"uri": quote(result.file, safe="/:@!$&'()*+,;=~")}, **region}
        found["locations"] = [{"physicalLocation": place}]
    if result.justification is not None:
        found["suppressions"] = [{"kind": "external", "justification": result.justification}]
    return found

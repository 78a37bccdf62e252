"""Differences from a contract as text, as JSON and as SARIF."""

import json
from collections.abc import Iterator, Sequence
from itertools import groupby

import msgspec

from l9gate.contract import RULES, Drift, Impact, find_rule
from l9gate.errors import ExitCode
from l9gate.report.sarif import SarifResult, render_sarif_log

_MAX_HEADLINE = 100
_MAX_NAMED = 6
_WIDTH = 11
_GRAVE = (Impact.BREAKING, Impact.WARNING)
_LEVELS = {Impact.BREAKING: "error", Impact.WARNING: "warning"}
TRANSIENT = "status.transient"


class ContractLine(msgspec.Struct, frozen=True, kw_only=True):
    """One difference, what it was found in, and who answers for it."""

    subject: str  # a probe, a document of a baseline, or a request
    drift: Drift
    waiver: str | None = None  # owner, reason and last day, if it is waived
    concerns: str | None = None  # what of the application, and who says so
    file: str | None = None
    line: int | None = None  # counted from 1


class ContractReport(msgspec.Struct, frozen=True, kw_only=True):
    """What one command found."""

    what: str  # was looked at, in words
    count: int  # probes, documents or requests that were compared
    unit: str  # what is counted, in the plural
    lines: tuple[ContractLine, ...] = ()
    unproven: tuple[str, ...] = ()  # what could not be told, and why
    remarks: tuple[str, ...] = ()
    is_rehearsal: bool = False

    def open_lines(self, *impacts: Impact) -> list[ContractLine]:
        """Return the differences of some impacts that nobody answers for."""
        return [line for line in self.lines if not line.waiver and line.drift.impact in impacts]

    @property
    def exit_code(self) -> ExitCode:
        """Not ready if anything is breaking, unproven if anything could not be told."""
        if self.open_lines(Impact.BREAKING):
            return ExitCode.NOT_READY
        is_told = self.count and not self.unproven
        return ExitCode.READY if is_told else ExitCode.UNPROVEN


def render_contract_text(report: ContractReport, *, shows_all: bool = False) -> str:
    """Return the text: what is grave first, equal differences together.

    Args:
        report: what was found.
        shows_all: also what is compatible or ignorable.
    """
    blocks = [_headline(report)]
    shown = tuple(Impact) if shows_all else _GRAVE
    for impact in shown:
        blocks += _groups(report.open_lines(impact))
    for line in report.lines:
        if line.waiver is not None:
            what = f"{line.drift.code}  {line.drift.path}  in {line.subject}"
            blocks.append(f"{'waived':<{_WIDTH}}{what}\n{'':<{_WIDTH}}{line.waiver}")
    blocks += [f"{'unproven':<{_WIDTH}}{why}" for why in report.unproven]
    blocks += [f"{'note':<{_WIDTH}}{remark}" for remark in report.remarks]
    hidden = [] if shows_all else report.open_lines(Impact.COMPATIBLE, Impact.IGNORABLE)
    if hidden:
        blocks.append(f"{'not shown':<{_WIDTH}}{len(hidden)} compatible or ignorable (`--all`)")
    grave = report.open_lines(*_GRAVE)
    if grave:
        blocks.append(f"{'next':<{_WIDTH}}l9gate explain {grave[0].drift.code}")
    return "\n".join(blocks) + "\n"


def render_contract_json(report: ContractReport) -> str:
    """Return the JSON document, indented."""
    document = {
        "headline": _headline(report),
        "exit_code": int(report.exit_code),
        **msgspec.to_builtins(report),
    }
    return json.dumps(document, indent=2) + "\n"


def render_contract_sarif(report: ContractReport) -> str:
    """Return SARIF 2.1.0; a difference without a file has no location."""
    rules = {rule.code: rule.text for rule in RULES}
    return render_sarif_log([_result(line) for line in report.lines], rules)


def _headline(report: ContractReport) -> str:
    breaking, warnings = (len(report.open_lines(impact)) for impact in _GRAVE)
    found = f"{breaking} breaking, {warnings} warning" if breaking or warnings else "no difference"
    open_ends = f", {len(report.unproven)} unproven" if report.unproven else ""
    start = "rehearsal: " if report.is_rehearsal else ""
    text = f"{start}{found}{open_ends} in {report.count} {report.unit} · {report.what}"
    return text if len(text) <= _MAX_HEADLINE else text[: _MAX_HEADLINE - 1] + "…"


def _groups(lines: Sequence[ContractLine]) -> Iterator[str]:
    """Yield one block for all differences that are alike."""
    for drift, alike in groupby(sorted(lines, key=_order), key=lambda line: line.drift):
        members = list(alike)
        yield f"{drift.impact:<{_WIDTH}}{drift.code}  {drift.path or '(whole)'}"
        yield f"{'':<{_WIDTH}}expected {drift.expected}, found {drift.found}"
        if drift.excerpt:
            yield f"{'':<{_WIDTH}}{drift.excerpt}"
        if members[0].concerns:
            yield f"{'':<{_WIDTH}}concerns you: {members[0].concerns}"
        yield f"{'':<{_WIDTH}}in {_named(members)}"


def _order(line: ContractLine) -> tuple[str, ...]:
    drift = line.drift
    return (drift.code, drift.path, drift.expected, drift.found, drift.excerpt, drift.impact)


def _named(lines: Sequence[ContractLine]) -> str:
    names = list(dict.fromkeys(_place(line) for line in lines))
    more = f" and {len(names) - _MAX_NAMED} more" if len(names) > _MAX_NAMED else ""
    return ", ".join(names[:_MAX_NAMED]) + more


def _place(line: ContractLine) -> str:
    return line.subject if line.line is None else f"{line.subject} ({line.file}:{line.line})"


def _result(line: ContractLine) -> SarifResult:
    drift = line.drift
    rule = find_rule(drift.code)
    text = f"{line.subject}: {drift.path}: expected {drift.expected}, found {drift.found}"
    if line.concerns:
        text += f"; {line.concerns}"
    return SarifResult(
        rule=drift.code,
        level=_LEVELS.get(drift.impact, "note"),
        text=f"{text}. {rule.text}" if rule else text,
        file=line.file,
        line=line.line,
        justification=line.waiver,
    )

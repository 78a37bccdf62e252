"""The report for a terminal: plain text that needs no colour to be understood."""

import textwrap
from collections.abc import Iterator, Sequence

from l9gate.criteria.confidence import StatedConfidence
from l9gate.criteria.criterion import Finding, Interval, Role, State
from l9gate.report.document import Document, LayerSummary
from l9gate.report.health import render_health
from l9gate.report.load import render_load
from l9gate.report.money import render_money
from l9gate.report.quantity import operator_of, render_pair, render_quantity, subject_of
from l9gate.report.soak import render_soak

GROUPS = (
    (Role.BLOCKER, "Blockers: one that is broken stops the release"),
    (Role.EXIT, "Exit criteria: all must be kept"),
    (Role.ADVICE, "Advice: never decides"),
)
_ORDER = (State.BROKEN, State.UNPROVEN, State.KEPT)
_COLOURS = {State.BROKEN: "31", State.UNPROVEN: "33", State.KEPT: "32"}
_STATE_WIDTH = len("unproven")
_INDENT = "  "
_MIN_WIDTH = 40
_MAX_LISTED = 20


def render_text(
    document: Document,
    width: int,
    color: bool,
    files: Sequence[str] = (),
) -> str:
    """Return the whole report; its first line is the headline, whatever the width.

    `width` is in characters, `files` are the places where reports of other formats were written.
    """
    width = max(width, _MIN_WIDTH)
    blocks = [
        [document.headline],
        *_findings(document.findings, width, color=color),
        _layers(document.layers) if document.scope.layers else [],
        _list("Passed in pytest, counted as failed", _void(document), width),
        _list("Run live only, not in a rehearsal", document.live_only_tests, width),
        _list("Declared offline, exempt from proof", document.offline_tests, width),
        [] if document.load is None else ["Load", *_indented(render_load(document.load))],
        [] if document.soak is None else ["Soak", *_indented(render_soak(document.soak))],
        _provenance(document),
        ["Health", *_indented(_health(document))] if _has_exchanges(document) else [],
        [] if document.budget is None else _list("Budget", render_money(document.budget), width),
        _confidence(document.confidence, width) if document.scope.layers else [],
        _list("Notes", document.notes, width),
        _list("Report files", files, width),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def render_finding(finding: Finding) -> tuple[str, str]:
    """Return a finding as `name number limit (what it rests on)`, and why or what would decide."""
    parts = [finding.criterion, f"{_measured(finding)} ({describe_basis(finding)})"]
    if finding.where:
        parts.append(" ".join(f"{key}={value}" for key, value in sorted(finding.where.items())))
    if finding.requirements:
        parts.append(f"[{' '.join(finding.requirements)}]")
    why = [] if finding.reason is None else [finding.reason]
    if finding.decides is not None:
        why.append(f"would be decided by: {finding.decides}")
    return "  ".join(parts), "; ".join(why)


def _findings(findings: Sequence[Finding], width: int, *, color: bool) -> Iterator[list[str]]:
    waived = [finding for finding in findings if finding.waived]
    asked = [finding for finding in findings if not finding.waived]
    groups = [("Declared not applicable", waived)]
    for role, title in GROUPS:
        of_role = [finding for finding in asked if finding.role is role]
        groups.append((title, sorted(of_role, key=lambda one: _ORDER.index(one.state))))
    for title, members in groups:
        if members:
            lines = [_finding_lines(finding, width, color=color) for finding in members]
            yield [title, *(line for block in lines for line in block)]


def _finding_lines(finding: Finding, width: int, *, color: bool) -> list[str]:
    what, why = render_finding(finding)
    state = "waived" if finding.waived else str(finding.state)
    room = width - len(_INDENT) - _STATE_WIDTH - len(_INDENT)
    one_line = f"{what}  → {why}" if why else what
    texts = [one_line] if len(one_line) <= room else [what, *([f"→ {why}"] if why else [])]
    texts += [f"- {name}" for name in finding.evidence]
    lines = [line for text in texts for line in _wrap(text, room)]
    margin = " " * (len(_INDENT) * 2 + _STATE_WIDTH)
    first = f"{_INDENT}{_painted(state, finding.state, color=color)}{_INDENT}{lines[0]}"
    return [first, *(margin + line for line in lines[1:])]


def _painted(word: str, state: State, *, color: bool) -> str:
    padded = f"{word:<{_STATE_WIDTH}}"
    return f"\x1b[{_COLOURS[state]}m{padded}\x1b[0m" if color else padded


def _measured(finding: Finding) -> str:
    operator, limit = operator_of(finding.condition), finding.limit
    if operator is None or limit is None:
        return finding.condition
    subject = subject_of(finding.condition)
    if finding.observed is None:
        return f"{subject} no value {operator} {render_quantity(limit, finding.unit)}"
    observed, beside = render_pair(finding.observed, limit, finding.unit)
    return f"{subject} {observed} {operator} {beside}"


def describe_basis(finding: Finding) -> str:
    """Return what a number rests on, with its bounds."""
    text = f"{finding.n:,} {finding.basis}"
    if finding.interval is not None:
        text += f", {_bounds(finding.interval, finding)}"
    return text


def _bounds(interval: Interval, finding: Finding) -> str:
    """Return the bounds, with as many digits as it takes to tell them from the limit."""
    low, high = (
        None if side is None else render_pair(side, _limit(finding, side), finding.unit)[0]
        for side in (interval.low, interval.high)
    )
    percent = render_quantity(interval.confidence, "%")
    if low is not None and high is not None:
        return f"{percent} bounds {low} … {high}"
    if low is None and high is None:
        return f"no {percent} bound yet"
    return f"{percent} bound {f'≤ {high}' if low is None else f'≥ {low}'}"


def _limit(finding: Finding, default: float) -> float:
    return default if finding.limit is None else finding.limit


def _layers(layers: Sequence[LayerSummary]) -> list[str]:
    head = ("layer", "tests", "passed", "failed", "errors", "void", "skipped", "xfail", "runtime")
    rows = [head, *(_layer_row(layer) for layer in layers)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    return ["Layers", *(_INDENT + _row(row, widths) for row in rows)]


def _layer_row(layer: LayerSummary) -> tuple[str, ...]:
    counts = (
        layer.tests, layer.passed, layer.failed, layer.errors,
        layer.void, layer.skipped, layer.expected_failures,
    )  # fmt: skip
    if not layer.asked:
        return (layer.layer, *("-" for _ in counts), "not asked for")
    runtime = "did not end" if layer.runtime_s is None else render_quantity(layer.runtime_s, "s")
    return (layer.layer, *(f"{count:,}" for count in counts), runtime)


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    name, *numbers = cells
    right = [f"{cell:>{width}}" for cell, width in zip(numbers, widths[1:], strict=True)]
    return "  ".join([f"{name:<{widths[0]}}", *right])


def _has_exchanges(document: Document) -> bool:
    """Whether there may be exchanges: a load alone has calls in columns, of which it tells."""
    return bool(document.scope.layers or document.health.calls or document.health.operations)


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"{_INDENT}{line}".rstrip() for line in lines]


def _void(document: Document) -> list[str]:
    return [f"{test.node_id}: {test.reason}" for test in document.void_tests]


def _health(document: Document) -> list[str]:
    return render_health(document.health, is_rehearsal=document.is_rehearsal)


def _provenance(document: Document) -> list[str]:
    total = sum(one.exchanges for one in document.provenance)
    lines = [
        f"{one.origin}: {one.exchanges:,} exchanges ({one.exchanges / total:.0%} of all), "
        f"{one.answered:,} answered"
        for one in document.provenance
    ]
    lines = lines or ["no exchange was seen"]
    lines.append(f"only {document.scope.kind} exchanges count in this run")
    if document.tests_not_gated:
        lines.append(f"{document.tests_not_gated:,} tests belong to no layer: not gated")
    return ["Provenance", *(_INDENT + line for line in lines)]


def _confidence(confidence: Sequence[StatedConfidence], width: int) -> list[str]:
    claims = [line for one in confidence for line in _claim(one)]
    lines = [line for claim in claims for line in _wrap(claim, width - len(_INDENT))]
    return ["Confidence, as the policy states it", *(_INDENT + line for line in lines)]


def _claim(stated: StatedConfidence) -> list[str]:
    claim = stated.claim
    name = f"{claim.requirement}  {claim.layer or 'overall'}"
    if not stated.established:
        value = f"not established: {stated.reason or 'no reason given'}"
    else:
        value = render_quantity(claim.value, "%")
    lines = [f"{name}  {value}  (assumes: {claim.assumption})"]
    return lines if stated.note is None else [*lines, f"      {stated.note}"]


def _list(title: str, entries: Sequence[str], width: int) -> list[str]:
    if not entries:
        return []
    shown = [line for entry in entries[:_MAX_LISTED] for line in _wrap(entry, width - 2)]
    if len(entries) > _MAX_LISTED:
        shown.append(f"… and {len(entries) - _MAX_LISTED} more")
    return [title, *(_INDENT + line for line in shown)]


def _wrap(text: str, width: int) -> list[str]:
    return textwrap.wrap(
        text, width, subsequent_indent=_INDENT, break_long_words=False, break_on_hyphens=False
    ) or [""]

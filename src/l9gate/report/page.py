"""The report as one HTML file: no network, no scripts, light and dark."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources

from l9gate.criteria.criterion import Finding, State
from l9gate.criteria.soak_summary import Course, trace_soak
from l9gate.evidence.log import EvidenceLog
from l9gate.report.charts import Series, draw_distribution, draw_latency, draw_rate
from l9gate.report.document import Document
from l9gate.report.health import render_health
from l9gate.report.load import load_table, render_asides, render_span
from l9gate.report.money import render_money
from l9gate.report.quantity import operator_of, render_pair, render_quantity, subject_of
from l9gate.report.series import (
    OF_CALLS,
    OF_LOAD,
    limits_on,
    limits_on_gauge,
    series_of_calls,
    series_of_load,
)
from l9gate.report.soak import NAMES, render_doubts, soak_table
from l9gate.report.soak_charts import draw_gauge
from l9gate.report.text import GROUPS, describe_basis

TEMPLATE = "page.html.j2"
MAX_LISTED = 200  # tests in one list, so that the page stays small
_MARKS = {State.KEPT: "✓", State.BROKEN: "✗", State.UNPROVEN: "?"}
_ORDER = (State.BROKEN, State.UNPROVEN, State.KEPT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A finding as a row of a table."""

    state: str
    mark: str
    name: str
    asks: str
    observed: str
    limit: str
    basis: str
    why: str
    decides: str
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """Charts of one kind of calls, with what their colours mean."""

    title: str
    names: tuple[str, ...]
    charts: tuple[tuple[str, str], ...]  # caption and SVG


def render_page(document: Document, log: EvidenceLog) -> bytes:
    """Return the whole report as one HTML file that needs nothing else."""
    from jinja2 import Environment, StrictUndefined

    text = resources.files("l9gate.report").joinpath(TEMPLATE).read_text("utf-8")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    load, soak = document.load, document.soak
    page = environment.from_string(text).render(
        document=document,
        manifest=document.manifests[0],
        most=MAX_LISTED,
        tone=_tone(document),
        groups=[(title, rows) for title, rows in _groups(document.findings) if rows],
        plots=_plots(document, log),
        spans=[] if load is None else [line for one in load.spans for line in render_span(one)],
        arms=[] if load is None else load_table(load.arms),
        asides=[] if load is None else render_asides(load.arms),
        soak=[] if soak is None else soak_table(soak),
        doubts=[] if soak is None else render_doubts(soak),
        gauges=_gauges(document, log),
        health=render_health(document.health, is_rehearsal=document.is_rehearsal)
        if document.scope.layers
        else [],
        money=[] if document.budget is None else render_money(document.budget),
    )
    return page.encode()


def _tone(document: Document) -> str:
    return {0: "kept", 1: "broken"}.get(document.exit_code, "unproven")


def _groups(findings: Sequence[Finding]) -> list[tuple[str, list[Row]]]:
    waived = [one for one in findings if one.waived]
    groups = [("Declared not applicable", [_row(one) for one in waived])]
    for role, title in GROUPS:
        asked = [one for one in findings if one.role is role and not one.waived]
        asked.sort(key=lambda one: _ORDER.index(one.state))
        groups.append((title, [_row(one) for one in asked]))
    return groups


def _row(finding: Finding) -> Row:
    operator, limit = operator_of(finding.condition), ""
    observed = "no value"
    if operator is not None and finding.limit is not None:
        limit = f"{operator} {render_quantity(finding.limit, finding.unit)}"
        if finding.observed is not None:
            observed, beside = render_pair(finding.observed, finding.limit, finding.unit)
            limit = f"{operator} {beside}"
    else:
        observed = ""
    where = " ".join(f"{key}={value}" for key, value in sorted(finding.where.items()))
    return Row(
        state="waived" if finding.waived else str(finding.state),
        mark=_MARKS[finding.state],
        name=finding.criterion,
        asks=" ".join(part for part in (subject_of(finding.condition), where) if part),
        observed=observed,
        limit=limit,
        basis=describe_basis(finding),
        why=finding.reason or "",
        decides=finding.decides or "",
        evidence=finding.evidence,
    )


def _plots(document: Document, log: EvidenceLog) -> list[Plot]:
    scope, findings = document.scope, document.findings
    kinds: list[tuple[str, str, list[Series]]] = []
    if document.load is not None:
        kinds.append(("Load", OF_LOAD, series_of_load(log, scope)))
    if document.scope.layers:
        kinds.append(("Calls of the tests", OF_CALLS, series_of_calls(log, scope)))
    found = []
    for number, (title, quantity, series) in enumerate(kinds):
        if not series:
            continue
        limits = limits_on(quantity, findings)
        charts = (
            ("Latency from when a call was due", draw_latency(f"a{number}", series, limits)),
            ("Share of calls by latency", draw_distribution(f"b{number}", series, limits)),
            ("Calls per second", draw_rate(f"c{number}", series)),
        )
        names = tuple(one.name for one in series)
        found.append(Plot(title=title, names=names, charts=charts))
    return found


def _gauges(document: Document, log: EvidenceLog) -> list[tuple[str, str]]:
    """Return the caption and the chart of each gauge of a soak."""
    by_gauge: dict[str, list[Course]] = {}
    for course in trace_soak(log, document.scope):
        by_gauge.setdefault(course.summary.gauge, []).append(course)
    ends = [part[-1][0] for each in by_gauge.values() for one in each for part in one.parts]
    return [
        (
            NAMES.get(gauge, gauge),
            draw_gauge(
                f"g{number}",
                NAMES.get(gauge, gauge),
                courses,
                limits_on_gauge(courses, document.findings),
                max(ends),
            ),
        )
        for number, (gauge, courses) in enumerate(by_gauge.items())
    ]

"""Differences from a contract as text, JSON and SARIF: what decides, who answers for it, where."""

import json

import msgspec
import pytest

from l9gate.contract.drift import tell
from l9gate.errors import ExitCode
from l9gate.report.contract import (
    ContractLine,
    ContractReport,
    render_contract_json,
    render_contract_sarif,
    render_contract_text,
)

GONE = tell("header.missing", "header request-id", "an id", "nothing", "an excerpt")
NEW = tell("shape.added", "/speed", "nothing", "string")
WARNED = tell("usage.over", "/usage", "10", "12")


def _report(*lines: ContractLine, **changes: object) -> ContractReport:
    report = ContractReport(what="http://h:1", count=32, unit="probes", lines=lines)
    return msgspec.structs.replace(report, **changes)


@pytest.mark.parametrize(
    ("report", "code"),
    [
        (_report(), ExitCode.READY),
        (_report(ContractLine(subject="a", drift=NEW)), ExitCode.READY),
        (_report(ContractLine(subject="a", drift=WARNED)), ExitCode.READY),
        (_report(ContractLine(subject="a", drift=GONE)), ExitCode.NOT_READY),
        (_report(ContractLine(subject="a", drift=GONE, waiver="w")), ExitCode.READY),
        (_report(unproven=("a: no answer",)), ExitCode.UNPROVEN),
        (_report(count=0), ExitCode.UNPROVEN),
        (
            _report(ContractLine(subject="a", drift=GONE), unproven=("b: no answer",)),
            ExitCode.NOT_READY,
        ),
    ],
)
def test_the_exit_status_is_decided_by_what_is_breaking_and_open(
    report: ContractReport, code: ExitCode
) -> None:
    assert report.exit_code is code
    assert json.loads(render_contract_json(report))["exit_code"] == int(code)


def test_equal_differences_stand_together_with_all_their_probes() -> None:
    lines = [ContractLine(subject=f"p{number}", drift=GONE) for number in range(8)]
    text = render_contract_text(_report(*lines))
    assert text.splitlines()[0] == "8 breaking, 0 warning in 32 probes · http://h:1"
    assert text.count("header.missing  header request-id") == 1
    assert "expected an id, found nothing" in text
    assert "an excerpt" in text
    assert "in p0, p1, p2, p3, p4, p5 and 2 more" in text
    assert "next       l9gate explain header.missing" in text


def test_what_breaks_nobody_is_counted_and_shown_only_on_demand() -> None:
    report = _report(ContractLine(subject="a", drift=NEW))
    assert "not shown  1 compatible" in render_contract_text(report)
    assert "/speed" not in render_contract_text(report)
    assert "/speed" in render_contract_text(report, shows_all=True)


def test_waivers_open_ends_and_remarks_are_lines_of_their_own() -> None:
    line = ContractLine(subject="a", drift=GONE, waiver="r (Ada, until 2027-06-30)", file="f")
    text = render_contract_text(_report(line, unproven=("b: late",), remarks=("no baseline",)))
    assert "waived     header.missing  header request-id  in a" in text
    assert "r (Ada, until 2027-06-30)" in text
    assert "unproven   b: late" in text
    assert "note       no baseline" in text
    assert "next" not in text


def test_the_first_line_says_that_it_was_a_rehearsal_and_fits() -> None:
    first = render_contract_text(_report(is_rehearsal=True, what="x" * 200)).splitlines()[0]
    assert first.startswith("rehearsal: no difference in 32 probes · xxx")
    assert len(first) == 100


def test_sarif_has_a_place_where_there_is_one_and_a_suppression_where_it_is_waived() -> None:
    lines = (
        ContractLine(subject="a", drift=GONE, file="b.json", line=7),
        ContractLine(subject="b", drift=WARNED, waiver="because"),
        ContractLine(subject="c", drift=NEW, file="b.json"),
    )
    document = json.loads(render_contract_sarif(_report(*lines)))
    (run,) = document["runs"]
    placed, waived, unnumbered = run["results"]
    place = {"artifactLocation": {"uri": "b.json"}, "region": {"startLine": 7}}
    assert placed["locations"] == [{"physicalLocation": place}]
    assert [one["level"] for one in run["results"]] == ["error", "warning", "note"]
    assert waived["suppressions"][0]["justification"] == "because"
    assert "locations" not in waived
    assert "region" not in unnumbered["locations"][0]["physicalLocation"]
    rules = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    assert rules == {"header.missing", "usage.over", "shape.added"}


def test_a_place_is_shown_with_its_line() -> None:
    line = ContractLine(subject="request 1", drift=GONE, file="bodies.jsonl", line=3)
    assert "in request 1 (bodies.jsonl:3)" in render_contract_text(_report(line))

"""What of a verdict code hosts show beside a line."""

import json
from collections.abc import Callable
from pathlib import Path

import jsonschema
import msgspec
import pytest

from l9gate.criteria.criterion import Finding, Role
from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import ContractDrift, Control, Layer, Origin, Survivor, TestOutcome
from l9gate.report.document import Document
from l9gate.report.places import render_sarif
from l9gate.report.sarif import SarifResult, render_sarif_log, split_place
from l9gate.wire.json import JsonObject

# The part of the published schema that is written here, as strict as it.
SCHEMA = json.loads(
    (Path(__file__).parents[3] / "data/sarif/sarif-2.1.0-part.json").read_text(encoding="utf-8")
)
WHY = {"unit-failures": "They cost nothing.", "control": "It tests a test."}
Shown = Callable[..., tuple[list[JsonObject], tuple[str, ...], JsonObject]]
replace = msgspec.structs.replace


@pytest.fixture
def shown(document: Document, log: MemoryLog, finding: Finding) -> Shown:
    """Return results, notes and the run of a document with three more findings and records."""

    def show(*records: object) -> tuple[list[JsonObject], tuple[str, ...], JsonObject]:
        more = (
            replace(
                finding, criterion="unit-failures", condition="failures == 0", layers=(Layer.UNIT,)
            ),
            replace(finding, criterion="suite", condition="pass_rate >= 95%"),
            replace(finding, criterion="control", condition="control_survivors == 0"),
            replace(finding, criterion="drift", condition="contract_drifts == 0"),
            replace(
                finding, criterion="mock-drift", condition="mock_drifts == 0", role=Role.ADVICE
            ),
        )
        changed = replace(document, findings=(*document.findings, *more))
        text, notes = render_sarif(changed, MemoryLog([*log.records, *records]), WHY)  # type: ignore[list-item]
        found = json.loads(text)
        jsonschema.Draft4Validator(SCHEMA).validate(found)
        (run,) = found["runs"]
        return run["results"], notes, run

    return show


def lines_of(results: list[JsonObject]) -> list[tuple[object, object, str]]:
    found: list[tuple[object, object, str]] = []
    for result in results:
        (location,) = json.loads(json.dumps(result["locations"]))
        place = location["physicalLocation"]
        uri, line = place["artifactLocation"]["uri"], place.get("region", {}).get("startLine")
        found.append((result["ruleId"], result["level"], f"{uri}:{line}"))
    return found


def drift(**changes: object) -> ContractDrift:
    facts: dict[str, object] = {
        "at_s": 1.0,
        "code": "shape.missing",
        "impact": "breaking",
        "place": "/usage",
        "expected": "object",
        "found": "nothing",
        "exchange_id": "x0",
        "owner": "tests/integration/b.py::test_off",
        "layer": Layer.INTEGRATION,
        "origin": Origin.LIVE,
    }
    return ContractDrift(**(facts | changes))  # type: ignore[arg-type]


def test_failed_and_vacuous_tests_stand_where_they_are(shown: Shown) -> None:
    results, _, run = shown()
    assert lines_of(results) == [
        ("suite", "error", "tests/integration/b.py:None"),
        ("unit-failures", "error", "tests/a.py:7"),
        ("unit-failures", "error", "tests/unit/a.py:None"),
    ]
    texts = [str(json.loads(json.dumps(result["message"]))["text"]) for result in results]
    assert texts[0].startswith("tests/integration/b.py::test_void passed without proof: vacuous")
    assert texts[1] == "tests/unit/a.py::test_bad failed: ValueError"
    rules = json.loads(json.dumps(run["tool"]))["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["suite", "unit-failures"]
    assert rules[1]["help"] == {"text": "They cost nothing."}


def test_a_breach_of_the_network_guard_says_so(shown: Shown, log: MemoryLog) -> None:
    (bad,) = (one for one in log.of(TestOutcome) if one.node_id.endswith("test_bad"))
    name = "tests/unit/c.py::test_c"
    breach = replace(
        bad, node_id=name, error_class="NetworkRefusedError", location="lib.py:3",
        place="tests/unit/c.py:12",
    )  # fmt: skip
    results, _, _ = shown(breach)
    assert lines_of(results)[-1] == ("unit-failures", "error", "tests/unit/c.py:12")
    assert "reached for the network" in json.dumps(results[-1])


def test_a_survivor_of_the_control_stands_at_its_test(shown: Shown) -> None:
    survivor = Survivor(
        node_id="tests/b.py::test_b", layer=Layer.CONTRACT, place="tests/b.py:9",
        against=("dead", "garbage"), reason="it sent nothing",
    )  # fmt: skip
    control = Control(
        at_s=1.0, digest="d", layers=(Layer.CONTRACT,), tests=1, survivors=(survivor,), open_ends=()
    )
    results, _, _ = shown(control)
    assert ("control", "error", "tests/b.py:9") in lines_of(results)
    assert "passes against dead, garbage endpoints: it sent nothing" in json.dumps(results)


def test_differences_stand_at_the_test_or_at_what_made_them(shown: Shown) -> None:
    mock = drift(
        origin=Origin.MOCKED, layer=Layer.UNIT, built_at="tests/fakes.py:4", owner="tests/unit/a.py"
    )
    results, notes, _ = shown(
        drift(), drift(at_s=2.0, count=3), drift(impact="warning", code="id.form", place="/id"),
        drift(impact="waived", place="/w"), mock, drift(owner=None), drift(origin=Origin.SIMULATED),
    )  # fmt: skip
    found = lines_of(results)[3:]
    assert found == [
        ("shape.missing", "error", "tests/integration/b.py:None"),
        ("id.form", "warning", "tests/integration/b.py:None"),
        ("shape.missing", "note", "tests/integration/b.py:None"),
        ("shape.missing", "warning", "tests/fakes.py:4"),
    ]
    assert "expected object, found nothing (4x)" in json.dumps(results[3])
    assert [("suppressions" in one) for one in results[3:]] == [False, False, True, False]
    assert notes[0] == "left out: 1 differences that belong to no test"


def test_mocks_of_tests_about_damage_are_left_out(shown: Shown, log: MemoryLog) -> None:
    (one, *_) = log.of(TestOutcome)
    damaged = replace(one, node_id="tests/unit/d.py::test_d", scenarios=("cut_stream",))
    mock = drift(origin=Origin.MOCKED, layer=Layer.UNIT, owner=damaged.node_id)
    assert len(shown(damaged, mock)[0]) == len(shown(damaged)[0])


def test_findings_without_a_place_are_counted_in_a_note(shown: Shown) -> None:
    _, notes, run = shown()
    assert notes == (
        "left out: 6 findings without a file and line: latency-p99, latency-p95, runtime, control, "
        "drift, mock-drift",
    )
    (invocation,) = json.loads(json.dumps(run["invocations"]))
    (told,) = invocation["toolExecutionNotifications"]
    assert told == {"level": "note", "message": {"text": notes[0]}}


@pytest.mark.parametrize(
    ("place", "parts"),
    [
        ("tests/a.py:7", ("tests/a.py", 7)),
        ("tests/a.py", ("tests/a.py", None)),
        ("tests/a.py:0", ("tests/a.py:0", None)),
        ("a:b", ("a:b", None)),
        (":3", (":3", None)),
    ],
)
def test_a_place_may_have_no_line(place: str, parts: tuple[str, int | None]) -> None:
    assert split_place(place) == parts


def test_a_file_of_any_name_is_a_uri() -> None:
    result = SarifResult(rule="r", level="note", text="t", file="tests/a b%ü.py", line=1)
    text = render_sarif_log([result], {})
    assert "tests/a%20b%25%C3%BC.py" in text
    jsonschema.Draft4Validator(SCHEMA).validate(json.loads(text))

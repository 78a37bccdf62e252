import xml.etree.ElementTree as ET

import msgspec
import pytest

from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import Layer, TestOutcome, TestState
from l9gate.report.document import Document
from l9gate.report.junit import render_junit

replace = msgspec.structs.replace


@pytest.fixture
def root(document: Document, log: MemoryLog) -> ET.Element:
    return ET.fromstring(render_junit(document, log))  # noqa: S314  # our own bytes


def case_of(root: ET.Element, suite: str, name: str) -> ET.Element:
    found = root.find(f"testsuite[@name='{suite}']/testcase[@name='{name}']")
    assert found is not None
    return found


def test_suite_for_each_layer_that_ran_and_one_for_the_gate(root: ET.Element) -> None:
    assert [suite.get("name") for suite in root] == ["unit", "integration", "gate"]


def test_suites_count_what_they_hold(root: ET.Element) -> None:
    names = ("tests", "failures", "errors", "skipped")
    counts = {suite.get("name"): [suite.get(name) for name in names] for suite in root}
    assert counts == {
        "unit": ["4", "1", "1", "1"],
        "integration": ["3", "1", "0", "1"],
        "gate": ["5", "1", "1", "0"],
    }


def test_each_state_of_a_test_has_its_element(root: ET.Element) -> None:
    assert len(case_of(root, "unit", "test_one")) == 0
    failure = case_of(root, "unit", "test_bad").find("failure")
    assert failure is not None
    assert failure.get("message") == "ValueError tests/a.py:7"
    assert case_of(root, "unit", "test_set_up").find("error") is not None
    assert case_of(root, "unit", "test_known").find("skipped") is not None
    skipped = case_of(root, "integration", "test_skip").find("skipped")
    assert skipped is not None
    assert skipped.get("message") == "no key"


def test_pass_without_proof_is_a_failure(root: ET.Element) -> None:
    failure = case_of(root, "integration", "test_void").find("failure")
    assert failure is not None
    assert failure.get("message") == "passed without proof: vacuous: it made no call"
    assert len(case_of(root, "integration", "test_off")) == 0


def test_findings_fail_err_or_only_tell(root: ET.Element) -> None:
    broken = case_of(root, "gate", "latency-p95").find("failure")
    assert broken is not None
    assert "2.31 s < 2 s" in (broken.get("message") or "")
    assert case_of(root, "gate", "latency-p99").find("error") is not None
    for name, label in (
        ("unit-tests", "kept"),
        ("runtime", "broken"),
        ("cache-hit-rate", "waived"),
    ):
        case = case_of(root, "gate", name)
        assert [part.tag for part in case] == ["system-out"]
        assert (case[0].text or "").startswith(label)


def test_headline_is_in_the_gates_output(root: ET.Element, document: Document) -> None:
    assert root.findtext("testsuite[@name='gate']/system-out") == document.headline


def test_characters_that_xml_cannot_hold_are_replaced(document: Document) -> None:
    odd = TestOutcome(
        at_s=1.0,
        node_id="tests/a.py::test_x[\x00<é>\ud800]",
        layer=Layer.UNIT,
        state=TestState.PASSED,
        duration_s=0.1,
    )
    root = ET.fromstring(render_junit(document, MemoryLog([odd])))  # noqa: S314  # our own bytes
    assert case_of(root, "unit", "test_x[?<é>?]").get("time") == "0.100000"


def test_module_that_failed_to_be_collected_is_a_case(document: Document) -> None:
    outcome = TestOutcome(
        at_s=1.0,
        node_id="tests/a.py",
        layer=Layer.UNIT,
        state=TestState.ERROR,
        duration_s=0.0,
    )
    root = ET.fromstring(render_junit(document, MemoryLog([outcome])))  # noqa: S314  # our own bytes
    assert case_of(root, "unit", "tests/a.py").get("classname") == "tests/a.py"

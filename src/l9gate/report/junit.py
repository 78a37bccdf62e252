"""The report as JUnit XML: a suite for each layer, and the suite `gate` for the findings."""

import re
import xml.etree.ElementTree as ET  # only builds; nothing foreign is parsed
from collections.abc import Mapping

from l9gate.criteria.criterion import Finding, State
from l9gate.criteria.ownership import Ownership
from l9gate.evidence.log import EvidenceLog
from l9gate.evidence.records import Layer, TestOutcome, TestState
from l9gate.report.document import Document
from l9gate.report.text import render_finding

_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render_junit(document: Document, log: EvidenceLog) -> bytes:
    """Return the XML document; tests whose pass proves nothing are failures in it."""
    root = ET.Element("testsuites", name="l9gate")
    void = {test.node_id: test.reason for test in document.void_tests}
    tests = Ownership.of(log).first.values()
    for layer in Layer:
        of_layer = [test for test in tests if test.layer is layer]
        if of_layer:
            _add_layer(root, layer, of_layer, void)
    gate = ET.SubElement(root, "testsuite", name="gate")
    for finding in document.findings:
        _add_finding(gate, finding)
    _count(gate)
    ET.SubElement(gate, "system-out").text = _clean(document.headline)
    ET.indent(root)
    data: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return data + b"\n"


def _add_layer(
    root: ET.Element, layer: Layer, tests: list[TestOutcome], void: Mapping[str, str]
) -> None:
    suite = ET.SubElement(root, "testsuite", name=layer)
    for test in sorted(tests, key=lambda one: one.node_id):
        file, _, name = test.node_id.partition("::")
        case = _case(suite, file, name or file)
        case.set("time", f"{test.duration_s:.6f}")
        _add_outcome(case, test, void.get(test.node_id))
    _count(suite)
    suite.set("time", f"{sum(test.duration_s for test in tests):.6f}")


def _add_outcome(case: ET.Element, test: TestOutcome, void: str | None) -> None:
    where = test.location or ""
    if void is not None:
        ET.SubElement(case, "failure", message=_clean(f"passed without proof: {void}"), type="void")
    elif test.state is TestState.FAILED:
        error = test.error_class or "failed"
        ET.SubElement(case, "failure", message=_clean(f"{error} {where}".strip()), type=error)
    elif test.state is TestState.ERROR:
        error = test.error_class or "error"
        ET.SubElement(case, "error", message=_clean(f"{error} {where}".strip()), type=error)
    elif test.state in (TestState.SKIPPED, TestState.XFAILED):
        ET.SubElement(case, "skipped", message=_clean(test.reason or test.state))


def _add_finding(suite: ET.Element, finding: Finding) -> None:
    what, why = render_finding(finding)
    case = _case(suite, f"gate.{finding.role}", finding.criterion)
    text = _clean(f"{what}  → {why}" if why else what)
    decides = finding.role.value != "advice" and not finding.waived
    if decides and finding.state is State.BROKEN:
        ET.SubElement(case, "failure", message=text, type=finding.role)
    elif decides and finding.state is State.UNPROVEN:
        ET.SubElement(case, "error", message=text, type=State.UNPROVEN)
    else:
        label = "waived" if finding.waived else finding.state
        ET.SubElement(case, "system-out").text = f"{label}  {text}"


def _case(suite: ET.Element, classname: str, name: str) -> ET.Element:
    return ET.SubElement(suite, "testcase", classname=_clean(classname), name=_clean(name))


def _count(suite: ET.Element) -> None:
    suite.set("tests", str(len(suite.findall("testcase"))))
    for plural, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(plural, str(len(suite.findall(f"testcase/{tag}"))))


def _clean(text: str) -> str:
    """Return text without the characters that XML cannot hold, e.g. of a test's parameters."""
    return _NOT_IN_XML.sub("?", text)

"""Suites that prove less than they seem to: each is caught, by the finding that names its trick."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from l9gate.report.document import Document
from l9gate.verdict import Outcome

SUITES = Path(__file__).parent / "suites"
TRICKS = sorted(SUITES.glob("dishonest/*.py"))
Make = Callable[..., Path]
Rehearse = Callable[[Path], Document]
Gate = Callable[..., subprocess.CompletedProcess[str]]
ONE_CALL = "import app, pytest\n\n@pytest.mark.integration\ndef test_it(): assert app.ask()\n"


@pytest.fixture(scope="module")
def report(make_project: Make, rehearse: Rehearse) -> Document:
    """One run of all of them."""
    return rehearse(make_project("dishonest"))


def said_of(report: Document, suite: str) -> list[str]:
    """Return what the report says of the tests of a suite."""
    said = [f"{test.node_id} ({test.reason})" for test in report.void_tests]
    said += [line for finding in report.findings for line in finding.evidence]
    return [line for line in said if f"/test_{suite}.py" in line]


@pytest.mark.parametrize("suite", TRICKS, ids=lambda path: path.stem)
def test_a_trick_is_named(suite: Path, report: Document) -> None:
    """Design §2.2 to §2.4; L2-04, L2-07, L2-10, P-02."""
    (finding,) = (
        line.removeprefix("finding: ")
        for line in suite.read_text(encoding="utf-8").splitlines()
        if line.startswith("finding: ")
    )
    said = said_of(report, suite.stem)
    assert any(finding in line for line in said), said


def test_no_trick_counts_as_a_pass(report: Document) -> None:
    assert len(TRICKS) >= 15
    tested = sum(layer.tests for layer in report.layers)
    assert (tested, sum(layer.passed for layer in report.layers)) == (len(TRICKS), 0)
    assert report.outcome is Outcome.REHEARSAL_BROKEN


def test_an_empty_layer_is_unproven(make_project: Make, rehearse: Rehearse) -> None:
    root = make_project(None, {"tests/integration/test_none.py": '"""No test at all."""\n'})
    report = rehearse(root)
    assert report.outcome is Outcome.REHEARSAL_UNPROVEN
    assert any("no test" in line for line in complaints(report)), complaints(report)


def test_tests_that_are_deselected_leave_the_layer_unproven(
    make_project: Make, rehearse: Rehearse
) -> None:
    files = {
        "tests/integration/test_a.py": ONE_CALL + "\n@pytest.mark.integration\ndef test_b(): 0\n",
        "pytest.ini": "[pytest]\npythonpath = .\naddopts = -k test_it\n",
    }
    report = rehearse(make_project(None, files))
    assert report.outcome is Outcome.REHEARSAL_UNPROVEN
    assert any("left out 1 of 2 tests" in line for line in complaints(report)), complaints(report)


def test_a_session_that_ends_itself_with_success_is_unproven(
    make_project: Make, rehearse: Rehearse
) -> None:
    quit_early = "\n\n@pytest.mark.integration\ndef test_z():\n    import os\n    os._exit(0)\n"
    report = rehearse(make_project(None, {"tests/integration/test_a.py": ONE_CALL + quit_early}))
    assert report.outcome in (Outcome.REHEARSAL_UNPROVEN, Outcome.REHEARSAL_BROKEN)
    assert complaints(report)


def complaints(report: Document) -> list[str]:
    """Return what the findings about completeness say."""
    found = [one for one in report.findings if one.criterion == "complete"]
    return [" ".join((one.reason or "", *one.evidence)) for one in found]

"""Suites that look odd and are honest: none of them is accused."""

from collections.abc import Callable
from pathlib import Path

import pytest

from l9gate.report.document import Document

SUITES = Path(__file__).parent / "suites"
HONEST = sorted(SUITES.glob("honest/*.py"))


@pytest.fixture(scope="module")
def report(make_project: Callable[..., Path], rehearse: Callable[[Path], Document]) -> Document:
    """One run of all of them."""
    return rehearse(make_project("honest"))


def test_no_honest_suite_is_accused(report: Document) -> None:
    assert len(HONEST) >= 15
    assert [f"{test.node_id} ({test.reason})" for test in report.void_tests] == []
    accused = [
        line
        for finding in report.findings
        for line in finding.evidence
        if "::" in line and finding.criterion != "rehearsal"
    ]
    assert accused == []
    for layer in report.layers:
        assert layer.passed == layer.tests, layer


def test_what_is_exempt_is_listed_by_name(report: Document) -> None:
    assert [name.rpartition("::")[2] for name in report.offline_tests] == [
        "test_the_model_is_pinned"
    ]

"""L4-07: what an upgrade of the version breaks of requests, by line, and what cannot be told."""

from collections.abc import Callable
from pathlib import Path

import pytest

from l9gate.errors import ExitCode, UsageError
from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import Exchange, Witness
from l9gate.gate.upgrade import check_versions, foretell_bodies, foretell_run

MakeExchange = Callable[..., Exchange]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "bodies.jsonl"


def test_only_the_upgrade_that_is_known_is_foretold() -> None:
    assert check_versions("2023-06-01", "2026-10-21") == "2023-06-01 to 2026-10-21"
    with pytest.raises(UsageError, match="not known"):
        check_versions("2026-10-21", "2023-06-01")


def test_what_is_refused_is_named_with_its_line(file: Path) -> None:
    file.write_text('{"model": "m"}\n\n{"body": {"temperature": 0}}\n{"top_p": 1}\n')
    report = foretell_bodies(file, "u")
    found = [(line.line, line.drift.code, line.drift.path) for line in report.lines]
    assert found == [(3, "accept.sampling", "/temperature"), (4, "accept.sampling", "/top_p")]
    assert (report.count, report.exit_code) == (3, ExitCode.NOT_READY)


def test_a_file_without_requests_proves_nothing(file: Path) -> None:
    file.write_text("\n")
    assert foretell_bodies(file, "u").exit_code is ExitCode.UNPROVEN


def test_a_line_that_is_no_request_is_named(file: Path) -> None:
    file.write_text('{"model": "m"}\n[]\n')
    with pytest.raises(UsageError, match=r"bodies\.jsonl:2"):
        foretell_bodies(file, "u")
    with pytest.raises(UsageError, match="cannot be read"):
        foretell_bodies(file.parent, "u")


def test_a_run_names_what_would_be_refused_with_its_test_and_how_often(
    exchange: MakeExchange,
) -> None:
    sent = exchange(
        api_version="2023-06-01",
        owner="tests/integration/test_a.py::test_x",
        foretold=("accept.sampling /temperature",),
    )
    fixture = exchange(
        api_version="2023-06-01",
        owner="fixture:tests::shared#main.1",
        foretold=("accept.sampling /temperature", "accept.citations /messages/*/citations"),
    )
    report = foretell_run(MemoryLog([sent, sent, fixture]), "r", "u")
    assert (report.count, report.exit_code) == (3, ExitCode.NOT_READY)
    found = {(line.subject, line.drift.code, line.file) for line in report.lines}
    assert found == {
        (
            "tests/integration/test_a.py::test_x (2x)",
            "accept.sampling",
            "tests/integration/test_a.py",
        ),
        ("fixture:tests::shared#main.1 (1x)", "accept.sampling", None),
        ("fixture:tests::shared#main.1 (1x)", "accept.citations", None),
    }


def test_requests_that_were_looked_at_and_hold_nothing_to_refuse_break_nothing(
    exchange: MakeExchange,
) -> None:
    older = exchange(api_version="2023-06-01", foretold=())
    newer = exchange(api_version="2026-10-21")
    report = foretell_run(MemoryLog([older, older, newer]), "r", "u")
    assert (report.lines, report.exit_code) == ((), ExitCode.READY)
    assert report.remarks == ("1 requests were sent under 2026-10-21 already",)


def test_a_request_whose_body_nobody_saw_leaves_it_unproven(exchange: MakeExchange) -> None:
    unseen = exchange(api_version="2023-06-01")
    report = foretell_run(MemoryLog([unseen, unseen, exchange(api_version=None)]), "r", "u")
    assert report.exit_code is ExitCode.UNPROVEN
    assert [why.partition(":")[0] for why in report.unproven] == [
        "2 of POST /v1/messages claude-haiku-5-5 under 2023-06-01",
        "1 of POST /v1/messages claude-haiku-5-5 under no version",
    ]


def test_the_gates_own_questions_are_none_of_the_application(exchange: MakeExchange) -> None:
    asked = exchange(
        api_version="2023-06-01", foretold=("accept.sampling /top_p",), witness=Witness.PROBE
    )
    report = foretell_run(MemoryLog([asked]), "r", "u")
    assert (report.lines, report.exit_code) == ((), ExitCode.UNPROVEN)
    assert "left out: 1 questions of the gate's own" in report.remarks


def test_a_run_without_requests_proves_nothing(exchange: MakeExchange) -> None:
    empty = foretell_run(MemoryLog(), "r", "u")
    assert (empty.exit_code, empty.remarks) == (ExitCode.UNPROVEN, ())
    listing = exchange(method="GET", path="/v1/models", api_version="2023-06-01")
    assert foretell_run(MemoryLog([listing]), "r", "u").exit_code is ExitCode.UNPROVEN

"""L4-07: what an upgrade of the version breaks of requests, by line, and what cannot be told."""

from collections.abc import Callable
from pathlib import Path

import pytest

from l9gate.errors import ExitCode, UsageError
from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import Exchange
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


def test_calls_under_the_older_version_cannot_be_told_without_bodies(
    exchange: MakeExchange,
) -> None:
    older, newer = (exchange(api_version=v) for v in ("2023-06-01", "2026-10-21"))
    report = foretell_run(MemoryLog([older, older, newer]), "r", "u")
    assert report.exit_code is ExitCode.UNPROVEN
    (why,) = report.unproven
    assert why.startswith("2 of POST /v1/messages")
    assert report.remarks == ("1 requests were sent under 2026-10-21 already",)


def test_calls_that_are_all_under_the_newer_version_break_nothing(
    exchange: MakeExchange,
) -> None:
    log = MemoryLog([exchange(api_version="2026-10-21")])
    assert foretell_run(log, "r", "u").exit_code is ExitCode.READY
    assert foretell_run(MemoryLog(), "r", "u").exit_code is ExitCode.UNPROVEN

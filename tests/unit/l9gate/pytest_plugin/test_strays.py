from types import SimpleNamespace
from typing import cast

import pytest

from l9gate.observe.guard import Refusal
from l9gate.pytest_plugin.observation import OBSERVATION
from l9gate.pytest_plugin.strays import StrayReport

REFUSAL = Refusal(destination="x.invalid", test="tests/a.py::test_a", sender=", in thread `t`")
SAID = "unit test `tests/a.py::test_a` reached for the network: x.invalid, in thread `t`"


class Terminal:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def write_line(self, line: str, **_: bool) -> None:
        self.lines.append(line)


def config_of(*programs: str, late: tuple[Refusal, ...] = (), **worker: object) -> pytest.Config:
    observation = SimpleNamespace(strays=dict.fromkeys(programs), late=list(late))
    return cast("pytest.Config", SimpleNamespace(stash={OBSERVATION: observation}, **worker))


def lines_of(report: StrayReport) -> list[str]:
    terminal = Terminal()
    report.pytest_terminal_summary(cast("pytest.TerminalReporter", terminal))
    return terminal.lines


def finish(report: StrayReport, status: int = 0) -> int:
    session = SimpleNamespace(exitstatus=status)
    report.pytest_sessionfinish(cast("pytest.Session", session))
    return int(session.exitstatus)


def test_with_nothing_left_there_is_nothing_to_say() -> None:
    report = StrayReport(config_of())
    assert finish(report) == 0
    assert lines_of(report) == []
    quiet = StrayReport(cast("pytest.Config", SimpleNamespace(stash={})))
    assert finish(quiet) == 0


def test_programs_are_named_but_not_all_of_a_great_many() -> None:
    report = StrayReport(config_of("git", "curl"))
    assert finish(report) == 0
    (line,) = lines_of(report)
    assert "nothing kept `curl`, `git` of unit tests from the network" in line
    many = StrayReport(config_of(*(f"p{number:02}" for number in range(11))))
    finish(many)
    assert "`p09` and others of unit tests" in lines_of(many)[0]


@pytest.mark.parametrize(("before", "after"), [(0, 1), (1, 1), (2, 2)])
def test_a_refusal_after_the_last_test_fails_the_session(before: int, after: int) -> None:
    report = StrayReport(config_of(late=(REFUSAL,)))
    assert finish(report, before) == after
    assert lines_of(report) == [f"l9gate: after the last test: {SAID}"]


def test_a_worker_tells_its_controller() -> None:
    output: dict[str, object] = {}
    finish(StrayReport(config_of("git", late=(REFUSAL,), workeroutput=output)))
    controller = StrayReport(cast("pytest.Config", SimpleNamespace(stash={})))
    controller.pytest_testnodedown(SimpleNamespace(workeroutput=output))
    controller.pytest_testnodedown(SimpleNamespace())  # one that crashed
    assert finish(controller) == 1
    late, programs = lines_of(controller)
    assert SAID in late
    assert "`git`" in programs

"""Each question of the contract becomes a test, which says beforehand what is to be refused."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Protocol, cast

import pytest

from l9gate.contract.drift import tell
from l9gate.evidence.records import Layer
from l9gate.gate import probe_case
from l9gate.observe.attribution import Owner, owned_by
from l9gate.pytest_plugin import probes
from l9gate.pytest_plugin.probes import ENTRANCE, FIXTURE, SETTINGS, ContractProbe
from l9gate.report.contract import ContractLine, ContractReport
from l9gate.sources.probe.questions import COMPARED, Question, questions_for
from l9gate.store.settings import default_settings

MODEL = "claude-opus-4-8"
REFUSED = Question(name="thinking", statuses=(200, 400))


class Config:
    """As much of pytest's configuration as the plug-in asks for."""

    def __init__(self) -> None:
        self.stash = pytest.Stash()


class Case(Protocol):
    """A parameter of a test, as pytest keeps it."""

    id: str
    marks: tuple[pytest.Mark, ...]
    values: tuple[tuple[str, tuple[Question, ...]]]


class Node:
    def __init__(self) -> None:
        self.marks: list[pytest.MarkDecorator] = []

    def add_marker(self, mark: pytest.MarkDecorator) -> None:
        self.marks.append(mark)


@pytest.fixture
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    found = Config()
    settings = default_settings(tmp_path_factory.getbasetemp())
    found.stash[SETTINGS] = settings
    return found


@pytest.fixture
def answered(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[probe_case.ProbeCase]]:
    """Let every case be answered alike; return what was asked."""

    def answer(report: ContractReport, *statuses: int) -> list[probe_case.ProbeCase]:
        asked: list[probe_case.ProbeCase] = []

        def run(
            case: probe_case.ProbeCase, environ: object
        ) -> tuple[ContractReport, tuple[int, ...]]:
            asked.append(case)
            return report, statuses

        monkeypatch.setattr(probe_case, "run_case", run)
        return asked

    return answer


def probe(config: Config, node: Node, *questions: Question) -> ContractProbe:
    request = cast("pytest.FixtureRequest", SimpleNamespace(config=config, node=node))
    return ContractProbe(questions[0].name, questions, request)


def report(code: str | None) -> ContractReport:
    lines = () if code is None else (ContractLine(subject="x", drift=tell(code, "/p", "e", "f")),)
    return ContractReport(what="here", count=1, unit="probe", lines=lines)


def check(one: ContractProbe, layer: Layer | None = Layer.CONTRACT) -> None:
    with owned_by(Owner("tests/contract/test_probes.py::test", layer)):
        one.check()


def test_every_question_is_a_case_and_what_is_compared_is_one_more(config: Config) -> None:
    cases: list[Case] = []

    def parametrize(name: str, found: list[Case], *, indirect: bool) -> None:
        assert (name, indirect) == (FIXTURE, True)
        cases.extend(found)

    metafunc = SimpleNamespace(fixturenames=(FIXTURE,), config=config, parametrize=parametrize)
    probes.pytest_generate_tests(cast("pytest.Metafunc", metafunc))
    assert [case.id for case in cases] == [*(q.name for q in questions_for(MODEL)), "together"]
    refused = {case.id: [mark.args for mark in case.marks] for case in cases if case.marks}
    assert refused["error.wrong_key"] == [("authentication_error",)]
    assert refused["together"] == [("invalid_request_error",)]  # one that it compares is refused
    assert "message" not in refused
    assert "thinking" not in refused
    ((_, compared),) = cases[-1].values
    assert {one.name for one in compared} == set(COMPARED)


def test_other_tests_are_left_alone(config: Config) -> None:
    metafunc = SimpleNamespace(fixturenames=("tmp_path",), config=config)
    probes.pytest_generate_tests(cast("pytest.Metafunc", metafunc))


def test_a_breaking_difference_fails_and_a_warning_warns(
    config: Config, answered: Callable[..., list[probe_case.ProbeCase]]
) -> None:
    config.stash[ENTRANCE] = SimpleNamespace(enter=lambda *_: None)
    one = probe(config, Node(), Question(name="message"))
    answered(report("shape.missing"), 200)
    with pytest.raises(pytest.fail.Exception, match=r"message: 1 breaking(.|\n)*l9gate explain"):
        check(one)
    answered(report("status.undocumented"), 200)
    with pytest.warns(UserWarning, match=r"status\.undocumented"):
        check(one)
    asked = answered(report(None), 200)
    check(one)
    assert [case.questions[0].name for case in asked] == ["message"]


def test_a_refusal_that_a_model_may_give_is_declared_when_it_comes(
    config: Config, answered: Callable[..., list[probe_case.ProbeCase]]
) -> None:
    config.stash[ENTRANCE] = SimpleNamespace(enter=lambda *_: None)
    for status, declared in ((400, ["invalid_request_error"]), (200, []), (401, [])):
        node = Node()
        answered(report(None), status)
        check(probe(config, node, REFUSED))
        assert [mark.args[0] for mark in node.marks] == declared


def test_nothing_is_sent_that_nobody_sees_or_pays_for(
    config: Config, answered: Callable[..., list[probe_case.ProbeCase]]
) -> None:
    asked = answered(report(None), 200)
    one = probe(config, Node(), Question(name="message"))
    with pytest.raises(pytest.fail.Exception, match="nothing was sent"):
        check(one)
    config.stash[ENTRANCE] = SimpleNamespace(enter=lambda *_: None)
    with pytest.raises(pytest.fail.Exception, match="no layer"):
        check(one, None)
    assert asked == []

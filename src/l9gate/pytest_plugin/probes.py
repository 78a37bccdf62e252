"""The fixture `l9gate_probe`: each of the contract's questions to the endpoint becomes a test.

    @pytest.mark.contract
    def test_the_endpoint_keeps_its_contract(l9gate_probe):
        l9gate_probe.check()

What asking needs is imported when such a test runs, since most sessions have none.
"""

import os
import warnings

import pytest
from _pytest.mark import ParameterSet

from l9gate.observe.attribution import current_owner
from l9gate.observe.passage import Entrance
from l9gate.pytest_plugin.observation import OBSERVATION
from l9gate.pytest_plugin.owners import redact
from l9gate.sources.probe.questions import (
    CHEAPEST_MODEL,
    COMPARED,
    Question,
    questions_for,
)
from l9gate.store.settings import Settings
from l9gate.wire.faults import type_of

SETTINGS = pytest.StashKey[Settings]()
ENTRANCE = pytest.StashKey[Entrance]()  # in a negative control; else the session's observation has
FIXTURE = "l9gate_probe"
TOGETHER = "together"  # the test of what answers say about each other


class ContractProbe:
    """What the fixture gives: a question to the endpoint of this run, with its documented answer.

    `name` is that of the question; baselines and waivers are written against it.
    """

    def __init__(
        self, name: str, questions: tuple[Question, ...], request: pytest.FixtureRequest
    ) -> None:
        self.name = name
        self._questions = questions
        self._request = request

    def check(self) -> None:
        """Ask, and fail the test if the answer breaks the contract or does not come.

        The project's accepted baseline and waivers count. What may break some clients is a warning.

        Raises:
            BudgetError: the call was not allowed.
            MissingKeyError: there is no key.
        """
        from l9gate.contract import Impact
        from l9gate.gate.probe_case import ProbeCase, run_case
        from l9gate.report.contract import render_contract_text

        case = ProbeCase(
            questions=self._questions,
            settings=self._request.config.stash[SETTINGS],
            entrance=self._entrance(),
        )
        report, statuses = run_case(case, os.environ)
        self._declare_refusal(statuses)
        text = f"{self.name}: {redact(render_contract_text(report))}"
        if report.exit_code:
            pytest.fail(text, pytrace=False)
        if report.open_lines(Impact.WARNING):
            warnings.warn(text, stacklevel=2)

    def _entrance(self) -> Entrance:
        """Return where calls are seen and paid for; nothing is sent that nobody sees."""
        stash, owner = self._request.config.stash, current_owner()
        observation = stash.get(OBSERVATION, None)
        entrance = stash.get(ENTRANCE, None) if observation is None else observation.entrance
        if entrance is None or owner is None or owner.layer is None:
            pytest.fail(
                f"no layer of [tool.l9gate.layers] claims this test, so nothing was sent: {FIXTURE}"
                " belongs into the contract layer",
                pytrace=False,
            )
        return entrance

    def _declare_refusal(self, statuses: tuple[int, ...]) -> None:
        """Say that a refusal is no failure, where this model may refuse what is asked."""
        first = self._questions[0]
        if first.depends_on_model and len(statuses) == 1 and statuses[0] in first.statuses[1:]:
            self._request.node.add_marker(pytest.mark.expects_error(type_of(statuses[0])))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a test of every question."""
    if FIXTURE in metafunc.fixturenames:
        questions = questions_for(metafunc.config.stash[SETTINGS].model or CHEAPEST_MODEL)
        compared = [one for one in questions if one.name in COMPARED]
        cases = [_case(one.name, one) for one in questions]
        metafunc.parametrize(FIXTURE, [*cases, _case(TOGETHER, *compared)], indirect=True)


@pytest.fixture
def l9gate_probe(request: pytest.FixtureRequest) -> ContractProbe:
    """Give one of the contract's questions to the endpoint of this run: `check()` asks it."""
    name, questions = request.param
    return ContractProbe(name, questions, request)


def _case(name: str, *questions: Question) -> ParameterSet:
    """Return the parameter of one test; the gate has to know beforehand what is to be refused."""
    refusals = {type_of(one.statuses[0]): None for one in questions if one.is_refused}
    marks = [pytest.mark.expects_error(*refusals)] if refusals else []
    return pytest.param((name, questions), id=name, marks=marks)

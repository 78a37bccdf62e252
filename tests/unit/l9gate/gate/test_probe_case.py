"""One test of the contract layer: what it asks, of whom, and what it makes of the answers."""

import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from l9gate.contract import parse_asked, parse_observed
from l9gate.errors import ExitCode, MissingKeyError
from l9gate.gate import probe_case
from l9gate.gate.probe_case import ProbeCase, run_case
from l9gate.measure.clock import Clock
from l9gate.observe.seam import Seam
from l9gate.report.contract import ContractReport
from l9gate.sources.probe.collect import ProbeAnswer
from l9gate.sources.probe.plan import ProbePlan
from l9gate.sources.probe.questions import COUNT, Question
from l9gate.store.environments import DeclaredEnvironment
from l9gate.store.settings import default_settings
from l9gate.wire.json import JsonObject

ENVIRON = {"ANTHROPIC_API_KEY": "sk-ant-k", "ANTHROPIC_BASE_URL": "http://127.0.0.1:9/v"}
COUNTING = Question(name="count_tokens", path=COUNT, body={"model": "m"})
REFUSED = Question(name="sampling", statuses=(400,), body={"model": "m"})
WAIVER = (
    '[[waiver]]\ncode = "shape.missing"\nprobe = "count_tokens"\nreason = "old"\nowner = "Ada"\n'
    "expires = 2999-01-01\n"
)
Answer = Callable[..., list[ProbePlan]]


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Answer:
    """Let every question be answered alike, without a network; return what was planned."""

    def script(status: int, body: JsonObject, drop: str = "") -> list[ProbePlan]:
        plans: list[ProbePlan] = []

        async def ask(plan: ProbePlan, clock: Clock) -> list[ProbeAnswer]:
            plans.append(plan)
            return [_answer(one, number) for number, one in enumerate(plan.questions)]

        def _answer(question: Question, number: int) -> ProbeAnswer:
            asked = parse_asked("POST", question.path, {}, question.payload())
            headers = {"content-type": "application/json", "request-id": f"req_{number}"}
            headers = {name: text for name, text in headers.items() if name != drop}
            found = parse_observed(asked, status, headers, json.dumps(body).encode(), question.name)
            return ProbeAnswer(probe=question.name, observed=found)

        monkeypatch.setattr(probe_case, "ask", ask)
        return plans

    return script


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., ContractReport]:
    def call(*questions: Question, header: str = "request-id") -> ContractReport:
        settings = default_settings(tmp_path)
        declared = {"development": DeclaredEnvironment(request_id_header=header)}
        settings = msgspec.structs.replace(settings, declared_environments=declared)
        case = ProbeCase(questions=questions, settings=settings, entrance=Seam())
        return run_case(case, ENVIRON)[0]

    return call


Run = Callable[..., ContractReport]


def test_it_goes_to_the_endpoint_of_the_run_with_its_key_and_is_watched(
    answer: Answer, run: Run
) -> None:
    plans = answer(200, {"input_tokens": 3})
    run(COUNTING)
    (plan,) = plans
    assert (plan.base_url, plan.key) == ("http://127.0.0.1:9/v", "sk-ant-k")
    assert plan.entrance is not None
    assert plan.account is None  # who watches reserves


def test_a_documented_answer_is_nothing_to_tell(answer: Answer, run: Run) -> None:
    answer(200, {"input_tokens": 3})
    report = run(COUNTING)
    assert (report.lines, report.exit_code) == ((), ExitCode.READY)
    assert (report.what, report.count) == ("http://127.0.0.1:9", 1)


def test_what_is_waived_does_not_fail(answer: Answer, run: Run, tmp_path: Path) -> None:
    answer(200, {})
    assert run(COUNTING).exit_code is ExitCode.NOT_READY
    (tmp_path / "l9gate-contract-waivers.toml").write_text(WAIVER)
    report = run(COUNTING)
    assert report.exit_code is ExitCode.READY
    assert report.lines[0].waiver == "old (Ada, until 2999-01-01)"


def test_a_request_id_is_missed_unless_another_header_proves_answers(
    answer: Answer, run: Run
) -> None:
    answer(200, {"input_tokens": 3}, drop="request-id")
    assert [line.drift.code for line in run(COUNTING).lines] == ["header.missing"]
    assert run(COUNTING, header="x-id").exit_code is ExitCode.READY


def test_answers_are_compared_only_where_what_was_asked_was_answered(
    answer: Answer, run: Run
) -> None:
    answer(200, {"input_tokens": 3})
    report = run(COUNTING, REFUSED)
    assert report.unproven == ("sampling: answered 200 instead of 400",)
    assert report.exit_code is ExitCode.UNPROVEN


def test_without_a_key_nothing_is_asked(tmp_path: Path) -> None:
    settings = default_settings(tmp_path)
    with pytest.raises(MissingKeyError):
        run_case(ProbeCase(questions=(COUNTING,), settings=settings, entrance=Seam()), {})

"""The contract's questions over real sockets: what comes back and what it costs."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest

from l9gate.contract import Contract
from l9gate.errors import BudgetError, WriteError
from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import Exchange, Origin, Witness
from l9gate.gate.contract import check, learn
from l9gate.measure.clock import SystemClock
from l9gate.observe.origins import Target, host_of
from l9gate.observe.recorder import Outbox, Recorder
from l9gate.observe.seam import Seam
from l9gate.simulator.config import SimulatorConfig
from l9gate.simulator.rules import FaultRule
from l9gate.simulator.server import SimulatorThread
from l9gate.sources.probe.collect import ProbeAnswer, ask
from l9gate.sources.probe.plan import ProbePlan
from l9gate.sources.probe.questions import questions_for
from l9gate.store.account import Account, Payer, Reservation
from l9gate.store.caps import Caps
from l9gate.store.ledger import Ledger
from l9gate.wire.offer import Offer
from l9gate.wire.prices import PriceList

MODEL = "claude-haiku-5-5"
KEY = "sk-ant-any-key"


def _ask(base_url: str, *names: str, account: Account | None = None) -> list[ProbeAnswer]:
    questions = tuple(one for one in questions_for(MODEL) if not names or one.name in names)
    plan = ProbePlan(base_url=base_url, key=KEY, questions=questions, account=account)
    return asyncio.run(ask(plan, SystemClock()))


@contextmanager
def _account(folder: Path, usd: float) -> Iterator[tuple[Account, Ledger]]:
    ledger = Ledger(folder / "ledger.db", SystemClock())
    caps = Caps(per_run_usd=usd, source="test")
    account = Account.open(ledger, "probes", Origin.LIVE, caps, PriceList({}))
    yield account, ledger
    account.end()


@pytest.mark.parametrize("model", [MODEL, "claude-sonnet-4-5", "claude-opus-4-6"])
def test_the_simulator_answers_every_question_as_documented(
    simulator: SimulatorThread, model: str
) -> None:
    questions = {one.name: one for one in questions_for(model)}
    plan = ProbePlan(base_url=simulator.base_url, key=KEY, questions=tuple(questions.values()))
    answers = asyncio.run(ask(plan, SystemClock()))
    assert [answer.probe for answer in answers] == list(questions)
    contract = Contract()
    for answer in answers:
        assert answer.observed is not None, answer.failure
        expected = questions[answer.probe].statuses[:1]
        assert answer.observed.status in expected, answer.probe
        assert contract.find_drifts(answer.observed) == [], answer.probe


def test_probes_spend_what_their_usage_costs_and_refusals_cost_nothing(
    simulator: SimulatorThread, tmp_path: Path
) -> None:
    with _account(tmp_path, 1.0) as (account, ledger):
        _ask(simulator.base_url, "error.no_key", "error.wrong_type", account=account)
        assert ledger.spent_on(ledger.today()) == 0
        _ask(simulator.base_url, "message", "message.stream", account=account)
        assert 0 < ledger.spent_on(ledger.today()) < 0.01


def test_a_probe_that_the_budget_does_not_allow_is_not_sent(
    simulator: SimulatorThread, tmp_path: Path
) -> None:
    with _account(tmp_path, 0.0001) as (account, ledger), pytest.raises(BudgetError):
        _ask(simulator.base_url, "message", account=account)
    assert ledger.spent_on(ledger.today()) == 0


def test_a_ledger_that_cannot_be_written_ends_the_probes_with_one_error(
    simulator: SimulatorThread, tmp_path: Path
) -> None:
    class Full(Account):
        def reserve(self, offers: list[Offer], payer: Payer, *, calls: int = 1) -> Reservation:
            raise WriteError(f"disk full at {len(offers)} for {calls} of {payer}")

    with _account(tmp_path, 1.0) as (_, ledger), pytest.raises(WriteError):
        _ask(simulator.base_url, account=Full(ledger, "probes"))


def test_an_endpoint_that_does_not_answer_leaves_probes_unanswered() -> None:
    (answer,) = _ask("http://127.0.0.1:1", "models.list")
    assert answer.observed is None
    assert "cannot be reached" in (answer.failure or "")


def test_a_probe_that_meets_overload_is_asked_again() -> None:
    rules = (FaultRule(fault="status=529", first=2),)
    with SimulatorThread(SimulatorConfig(load_factor=0, rules=rules)) as running:
        (answer,) = _ask(running.base_url, "message")
    assert answer.observed is not None
    assert answer.observed.status == 200


def test_at_the_seam_a_question_is_one_call_with_its_attempts() -> None:
    rules = (FaultRule(fault="status=529,retry_after=0", first=2),)
    log, clock = MemoryLog(), SystemClock()
    with SimulatorThread(SimulatorConfig(load_factor=0, rules=rules)) as running:
        target = Target(host_of(running.base_url), Origin.SIMULATED)
        recorder, seam = Recorder(Outbox(log, clock), clock, target), Seam()
        seam.install(recorder)
        try:
            questions = tuple(one for one in questions_for(MODEL) if one.name == "message")
            plan = ProbePlan(base_url=running.base_url, key=KEY, questions=questions, entrance=seam)
            asyncio.run(ask(plan, clock))
        finally:
            seam.remove(recorder)
    sent = list(log.of(Exchange))
    assert [(one.attempt, one.status) for one in sent] == [(0, 529), (1, 529), (2, 200)]
    assert len({one.call_id for one in sent}) == 1
    assert {(one.origin, one.witness) for one in sent} == {(Origin.SIMULATED, Witness.PROBE)}
    assert sent[-1].served_model is not None
    assert sent[-1].usage is not None


def test_a_stream_that_is_cut_is_kept_as_far_as_it_came() -> None:
    rules = (FaultRule(fault="cut_inside_event=2"),)
    with SimulatorThread(SimulatorConfig(load_factor=0, rules=rules)) as running:
        (answer,) = _ask(running.base_url, "message.stream")
    assert answer.observed is not None
    codes = {drift.code for drift in Contract().find_drifts(answer.observed)}
    assert "stream.unended" in codes


def _round(seed: int, model: str, repeats: int = 1) -> list[ProbeAnswer]:
    with SimulatorThread(SimulatorConfig(load_factor=0, seed=seed)) as running:
        plan = ProbePlan(
            base_url=running.base_url, key=KEY, questions=questions_for(model), repeats=repeats
        )
        return asyncio.run(ask(plan, SystemClock()))


@pytest.mark.parametrize("model", [MODEL, "claude-opus-4-6", "claude-fable-5-2"])
def test_a_baseline_of_one_seed_holds_for_every_other(model: str) -> None:
    """Nothing at all differs: neither what is grave nor what is compatible or ignorable."""
    baseline, missing = learn(_round(1, model, repeats=3), None, (model,))
    assert (len(baseline.probes), missing) == (len(questions_for(model)), ())
    for seed in range(2, 12):
        answers = _round(seed, model)
        assert check(answers, questions_for(model), baseline, date(2026, 11, 22)) == ([], ())

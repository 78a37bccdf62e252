"""Questions of the contract are data: named once, cheap, each with one documented answer."""

import pytest

from l9gate.errors import PlanError
from l9gate.sources.probe.plan import ProbePlan
from l9gate.sources.probe.questions import Question, questions_for
from l9gate.wire.json import parse_object
from l9gate.wire.models import MODELS
from l9gate.wire.offer import is_paid, parse_offers
from l9gate.wire.prices import PriceList

MODEL = "claude-haiku-5-5"
QUESTIONS = {question.name: question for question in questions_for(MODEL)}


def test_every_question_has_a_name_of_its_own() -> None:
    assert len(QUESTIONS) == len(questions_for(MODEL)) > 25


def test_one_round_costs_a_few_cents_at_most() -> None:
    price = PriceList({}).find(MODEL)
    assert price is not None
    paid = [one for one in QUESTIONS.values() if is_paid(one.method, one.path)]
    offers = [offer for one in paid for offer in parse_offers(one.path, one.payload())]
    assert len(offers) > 20
    answered = [offer for offer in offers if offer.model == MODEL]
    assert 0 < sum(offer.bound_usd(price) for offer in answered) < 0.15


def test_a_question_about_json_is_not_json_and_all_others_are() -> None:
    sent = {name: one.payload() for name, one in QUESTIONS.items() if one.method == "POST"}
    assert [name for name, raw in sent.items() if parse_object(raw) is None] == ["error.no_json"]


def test_a_question_that_is_read_sends_no_body() -> None:
    assert {one.payload() for one in QUESTIONS.values() if one.method == "GET"} == {b""}


def test_refusals_are_known_beforehand() -> None:
    assert QUESTIONS["error.no_key"].is_refused
    assert not QUESTIONS["message"].is_refused
    assert not QUESTIONS["thinking"].is_refused  # whether a model thinks is its own business


@pytest.mark.parametrize("model", [*(facts.id for facts in MODELS), "local-model"])
def test_no_model_is_asked_to_think_as_it_refuses_to(model: str) -> None:
    (question,) = (one for one in questions_for(model) if one.name == "thinking")
    thinking = question.body["thinking"]
    assert isinstance(thinking, dict)
    facts = {one.id: one for one in MODELS}.get(model)
    assert facts is None or thinking["type"] not in facts.thinking_refused


@pytest.mark.parametrize("model", [facts.id for facts in MODELS])
def test_a_tool_is_forced_only_where_that_is_allowed(model: str) -> None:
    facts = {one.id: one for one in MODELS}[model]
    (question,) = (one for one in questions_for(model) if one.name == "tools")
    choice = question.body["tool_choice"]
    assert isinstance(choice, dict)
    is_forced = choice["type"] == "tool"
    assert is_forced == (facts.accepts_forced_tools and facts.thinking_default == "off")


def _plan(questions: tuple[Question, ...], repeats: int) -> ProbePlan:
    return ProbePlan(base_url="http://h", key="k", questions=questions, repeats=repeats)


def test_a_plan_without_questions_or_repeats_is_refused() -> None:
    one = (Question(name="one"),)
    assert "k'" not in repr(_plan(one, 1))
    with pytest.raises(PlanError, match="no question"):
        _plan((), 1)
    for repeats in (0, 21):
        with pytest.raises(PlanError, match="expected 1 to 20"):
            _plan(one, repeats)

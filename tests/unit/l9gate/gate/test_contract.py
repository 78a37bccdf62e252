"""Answers of probes become a baseline, and are held against one; nothing is sent here."""

import json
from datetime import date
from pathlib import Path

import msgspec
import pytest

from l9gate.contract import Observed, Reliance, make_baseline, parse_asked, parse_observed
from l9gate.contract.drift import tell
from l9gate.errors import BaselineError
from l9gate.gate.contract import apply_waivers, check, learn, place_lines, read_baseline
from l9gate.report.contract import ContractLine, ContractReport
from l9gate.sources.probe.collect import ProbeAnswer
from l9gate.sources.probe.questions import Question
from l9gate.store.waivers import DriftWaiver
from l9gate.wire.json import JsonObject

TODAY = date(2026, 11, 22)
DATA = Path(__file__).parents[3] / "data/contract"
MODEL = "claude-haiku-5-5"
REFUSED = Question(name="error.no_key", path="/v1/messages", statuses=(401,))
COUNTING = Question(name="count_tokens", path="/v1/messages/count_tokens", body={"model": MODEL})


def _answer(question: Question, status: int, body: JsonObject, number: int = 1) -> ProbeAnswer:
    asked = parse_asked(question.method, question.path, {}, question.payload())
    headers = {
        "content-type": "application/json",
        "request-id": f"req_{len(question.name)}{number}",
    }
    if status >= 400:
        body = {**body, "request_id": headers["request-id"]}
    found = parse_observed(asked, status, headers, json.dumps(body).encode(), question.name)
    return ProbeAnswer(probe=question.name, observed=found)


def _error(kind: str) -> JsonObject:
    return {"type": "error", "error": {"type": kind, "message": "m"}}


def _codes(answers: list[ProbeAnswer], *questions: Question) -> list[tuple[str, str]]:
    found, _ = check(answers, questions, None, TODAY)
    return [(probe, drift.code) for probe, drift in found]


def test_the_documented_refusal_is_no_difference() -> None:
    assert _codes([_answer(REFUSED, 401, _error("authentication_error"))], REFUSED) == []


def test_a_request_that_must_be_refused_and_is_answered_is_breaking() -> None:
    answer = _answer(REFUSED, 400, _error("invalid_request_error"))
    assert _codes([answer], REFUSED) == [("error.no_key", "status.changed")]


def test_documented_statuses_bind_whatever_a_baseline_has_seen() -> None:
    wrong = [_answer(REFUSED, 400, _error("invalid_request_error"), n) for n in range(3)]
    baseline, missing = learn(wrong, None, (MODEL,))
    assert (baseline.probes["error.no_key"].statuses, missing) == ((400,), ())
    found, _ = check(wrong[:1], (REFUSED,), baseline, TODAY)
    assert [drift.code for _, drift in found] == ["status.changed"]


def test_where_it_depends_on_the_model_what_was_seen_of_it_binds() -> None:
    either = Question(name="thinking", statuses=(200, 400))
    refused = [_answer(either, 400, _error("invalid_request_error"), n) for n in range(3)]
    assert _codes(refused[:1], either) == []
    unauthorized = _answer(either, 401, _error("authentication_error"))
    assert _codes([unauthorized], either) == [("thinking", "status.changed")]
    baseline, _ = learn(refused, None, (MODEL,))
    binding = msgspec.structs.replace(baseline.probes["thinking"], statuses=(200,))
    learnt = msgspec.structs.replace(baseline, probes={"thinking": binding})
    found, _ = check(refused[:1], (either,), learnt, TODAY)
    assert [drift.code for _, drift in found] == ["status.changed"]


def test_the_model_that_is_asked_must_be_offered_also_without_a_baseline() -> None:
    listing = Question(name="models.list", method="GET", path="/v1/models")
    page: JsonObject = {"data": [], "first_id": None, "last_id": None, "has_more": False}
    answers = [_answer(listing, 200, page)]
    assert _codes(answers, listing, COUNTING) == [("models.list", "model.absent")]


def test_a_server_failure_where_a_refusal_is_due_is_breaking_and_overload_is_unproven() -> None:
    failed = _answer(REFUSED, 500, _error("api_error"))
    assert _codes([failed], REFUSED) == [("error.no_key", "status.changed")]
    overloaded = _answer(REFUSED, 529, _error("overloaded_error"))
    found, unproven = check([overloaded], (REFUSED,), None, TODAY)
    assert (found, unproven) == ([], ("error.no_key: answered 529",))


def test_a_probe_without_an_answer_is_unproven() -> None:
    silent = ProbeAnswer(probe="message", failure="too late")
    assert check([silent], (), None, TODAY) == ([], ("message: too late",))


def test_a_count_far_from_the_usage_is_told() -> None:
    message = Question(name="message")
    body: JsonObject = {"type": "message", "usage": {"input_tokens": 100}}
    answers = [_answer(message, 200, body), _answer(COUNTING, 200, {"input_tokens": 300})]
    assert ("count_tokens", "count.differs") in _codes(answers, COUNTING)


def test_a_version_that_is_not_looked_at_is_told() -> None:
    older = Question(name="sampling.older", body={"temperature": 1})
    newer = Question(name="sampling", body={"temperature": 1})
    asked = parse_asked("POST", "/v1/messages", {"anthropic-version": "2026-10-21"}, b"{}")
    taken = Observed(asked=asked, status=200, headers={})
    with_sampling = parse_asked(
        "POST", "/v1/messages", {"anthropic-version": "2026-10-21"}, newer.payload()
    )
    answers = [
        ProbeAnswer(probe=older.name, observed=taken),
        ProbeAnswer(
            probe=newer.name, observed=Observed(asked=with_sampling, status=200, headers={})
        ),
    ]
    assert ("sampling", "accept.not_enforced") in _codes(answers)


def test_an_id_that_comes_twice_is_told() -> None:
    one = _answer(COUNTING, 200, {"input_tokens": 3})
    again = ProbeAnswer(probe="count_tokens.again", observed=one.observed)
    assert ("all", "id.repeated") in _codes([one, again], COUNTING)


def test_what_promise_and_baseline_both_miss_is_told_once() -> None:
    whole = [_answer(COUNTING, 200, {"input_tokens": 3}, n) for n in range(3)]
    baseline, _ = learn(whole, None, (MODEL,))
    asked = parse_asked("POST", COUNTING.path, {}, COUNTING.payload())
    headers = {"content-type": "application/json"}
    bare = parse_observed(asked, 200, headers, b'{"input_tokens": 3}', COUNTING.name)
    answer = ProbeAnswer(probe=COUNTING.name, observed=bare)
    found, _ = check([answer], (COUNTING,), baseline, TODAY)
    assert [(drift.code, drift.path) for _, drift in found if drift.is_grave] == [
        ("header.missing", "header request-id")
    ]


def test_a_model_that_is_relied_on_must_be_offered() -> None:
    listing = Question(name="models.list", method="GET", path="/v1/models")
    page: JsonObject = {"data": [{"id": "other"}, 1]}
    baseline = make_baseline(Reliance(models=(MODEL,)))
    found, _ = check([_answer(listing, 200, page)], (listing,), baseline, TODAY)
    assert "model.absent" in {drift.code for _, drift in found}
    refused = _answer(listing, 404, _error("not_found_error"))
    found, _ = check([refused], (), baseline, TODAY)
    assert "model.absent" not in {drift.code for _, drift in found}  # not offered is not known


def test_questions_that_the_application_never_asks_say_nothing_of_its_branches() -> None:
    question = Question(name="stop.max_tokens", path="/v1/messages", body={"model": MODEL})
    body = json.loads((DATA / "bases.json").read_text(encoding="utf-8"))["max_tokens"]["body"]
    baseline = make_baseline(Reliance(stop_reasons=("end_turn",), survives_unknown=False))
    found, _ = check([_answer(question, 200, body)], (question,), baseline, TODAY)
    assert "shape.unhandled" not in {drift.code for _, drift in found}


def test_a_baseline_keeps_what_the_application_relies_on() -> None:
    before = make_baseline(Reliance(models=("a",), headers=("request-id",)))
    answers = [_answer(COUNTING, 200, {"input_tokens": 3}, n) for n in range(3)]
    baseline, _ = learn(answers, before, (MODEL,))
    assert baseline.reliance == Reliance(models=("a", MODEL), headers=("request-id",))


def test_a_probe_that_was_not_answered_often_enough_is_missing_by_name() -> None:
    answers = [_answer(COUNTING, 200, {"input_tokens": 3}, n) for n in range(3)]
    late = ProbeAnswer(probe="message", failure="too late")
    busy = _answer(REFUSED, 529, _error("overloaded_error"))
    baseline, missing = learn([*answers, late, busy], None, (MODEL,))
    assert list(baseline.probes) == ["count_tokens"]
    assert missing == ("message: too late", "error.no_key: answered 529")
    with pytest.raises(BaselineError, match="too late"):
        learn([late], None, (MODEL,))


def _report(*lines: ContractLine) -> ContractReport:
    return ContractReport(what="w", count=1, unit="probes", lines=lines)


def _waiver(code: str, expires: date) -> DriftWaiver:
    return DriftWaiver(code=code, reason="r", owner="Ada", expires=expires)


def test_a_waiver_marks_what_it_covers_and_an_expired_one_is_unproven() -> None:
    line = ContractLine(subject="p", drift=tell("shape.gone", "/x", "a", "b"))
    waived = apply_waivers(_report(line), [_waiver("shape.gone", TODAY)], TODAY, "f")
    assert waived.lines[0].waiver == "r (Ada, until 2026-11-22)"
    assert waived.remarks == ()
    late = apply_waivers(_report(line), [_waiver("shape.gone", date(2026, 11, 21))], TODAY, "f")
    assert late.lines[0].waiver is None
    assert late.unproven == ("f: waiver of Ada for `shape.gone` expired on 2026-11-21",)
    idle = apply_waivers(_report(line), [_waiver("shape.null", TODAY)], TODAY, "f")
    assert "delete it" in idle.remarks[0]


def test_a_waiver_of_a_probe_that_there_is_not_is_told_from_one_that_is_over() -> None:
    misspelt = msgspec.structs.replace(_waiver("shape.gone", TODAY), probe="massage")
    over = msgspec.structs.replace(misspelt, probe="message")
    report = apply_waivers(_report(), [misspelt, over], TODAY, "f")
    assert report.remarks == (
        "f: the waiver `shape.gone` of Ada names the probe `massage`, which there is not",
        "f: nothing is waived any more by `shape.gone` of Ada; delete it",
    )


def test_a_difference_is_placed_at_its_probe_in_the_file() -> None:
    drift = tell("shape.gone", "/x", "a", "b")
    text = '{\n "probes": {\n  "p": {\n'
    placed, lost = place_lines([("p", drift), ("q", drift)], "f.json", text)
    assert (placed.file, placed.line) == ("f.json", 3)
    assert (lost.file, lost.line) == (None, None)


def test_a_baseline_that_is_not_there_says_how_to_learn_one(tmp_path: Path) -> None:
    with pytest.raises(BaselineError, match="no such baseline"):
        read_baseline(tmp_path / "none.json")
    with pytest.raises(BaselineError, match="cannot be read"):
        read_baseline(tmp_path)

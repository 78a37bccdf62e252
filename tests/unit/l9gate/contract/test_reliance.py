"""What an application relies on raises what a difference is to it."""

import pytest

from l9gate.contract import (
    Asked,
    Contract,
    Drift,
    Impact,
    Reliance,
    StreamWatch,
    find_reason,
    make_baseline,
    merge_reliances,
)
from l9gate.contract.drift import tell
from l9gate.wire.json import JsonObject
from l9gate.wire.sse import SseEvent

MESSAGE: JsonObject = {
    "stop_reason": "pause_turn",
    "content": [{"type": "text"}, {"type": "thinking"}, "no block", {"type": 7}],
}


@pytest.mark.parametrize(
    ("reliance", "paths"),
    [
        (Reliance(), []),
        (Reliance(stop_reasons=("pause_turn",), block_types=("text", "thinking")), []),
        (Reliance(stop_reasons=("end_turn",)), ["/stop_reason"]),
        (Reliance(block_types=("text",)), ["/content/1/type"]),
    ],
)
def test_what_is_not_handled_is_told(reliance: Reliance, paths: list[str]) -> None:
    assert [drift.path for drift in reliance.find_unhandled(MESSAGE)] == paths


def test_without_a_branch_for_the_unknown_it_breaks() -> None:
    strict = Reliance(stop_reasons=("end_turn",), survives_unknown=False)
    assert [drift.impact for drift in strict.find_unhandled(MESSAGE)] == ["breaking"]
    lenient = Reliance(stop_reasons=("end_turn",))
    assert [drift.impact for drift in lenient.find_unhandled(MESSAGE)] == ["warning"]


def test_nothing_is_told_of_what_is_no_message() -> None:
    reliance = Reliance(stop_reasons=("end_turn",), block_types=("text",))
    assert list(reliance.find_unhandled({"stop_reason": 7, "content": 7})) == []


def test_models_are_those_declared_and_those_asked() -> None:
    declared = Reliance(models=("c",), stop_reasons=("end_turn",))
    assert declared.with_models(["b", "b"]) == Reliance(
        models=("b", "c"), stop_reasons=("end_turn",)
    )


def test_several_words_about_one_application_are_taken_together() -> None:
    one = Reliance(headers=("x-a",), models=("b",), survives_unknown=False)
    other = Reliance(headers=("x-b",), models=("b", "a"), events=("hint",))
    assert merge_reliances([one, other]) == Reliance(
        headers=("x-a", "x-b"), models=("a", "b"), events=("hint",), survives_unknown=False
    )
    assert merge_reliances([]) == Reliance()


def test_a_new_value_that_it_handles_breaks_nothing() -> None:
    strict = Reliance(stop_reasons=("rested",), block_types=("song",), survives_unknown=False)
    impacts = [strict.impact_of(value) for value in ("rested", "song", "tired")]
    assert impacts == ["compatible", "compatible", "breaking"]
    assert Reliance().impact_of("tired") == "compatible"


@pytest.mark.parametrize(
    ("reliance", "impact"),
    [
        (Reliance(), "ignorable"),
        (Reliance(events=("hint",), survives_unknown=False), "ignorable"),
        (Reliance(events=("other",), survives_unknown=False), "breaking"),
    ],
)
def test_an_unknown_event_breaks_who_has_no_branch_for_it(reliance: Reliance, impact: str) -> None:
    contract = Contract(make_baseline(reliance))
    watch = StreamWatch(contract, Asked())
    watch.feed(SseEvent("hint", b"{}"))
    found = {drift.code: drift.impact for drift in watch.finish()}
    assert found["stream.unknown_event"] == impact
    assert found["stream.unended"] == "breaking"  # what concerns everybody stays as it is


RELIED = {
    "l9gate.toml": Reliance(headers=("X-Quota",), fields=("/content/*=text/text", "/speed")),
    "run 7": Reliance(models=("claude-a",), survives_unknown=False),
}


@pytest.mark.parametrize(
    ("drift", "reason"),
    [
        (tell("header.missing", "header x-quota", "a value", "nothing"),
         "it reads the header `X-Quota` (l9gate.toml)"),
        (tell("header.missing", "header request-id", "an id", "nothing"), None),
        (tell("shape.gone", "/content/12/text", "string", "nothing"),
         "it reads the field `/content/*=text/text` (l9gate.toml)"),
        (tell("shape.gone", "/speed", "string", "nothing"),
         "it reads the field `/speed` (l9gate.toml)"),
        (tell("shape.missing", "/usage", "object", "nothing"), None),
        (tell("model.retired", "/model", "an active model", "`claude-a`, ended"),
         "it names the model `claude-a` (run 7)"),
        (tell("model.retired", "/model", "an active model", "`claude-b`, ended"), None),
        (tell("model.absent", "/data", "`claude-a`", "no such model"),
         "it names the model `claude-a` (run 7)"),
        (tell("model.deprecated", "/model", "an active model", "`claude-a` is deprecated"),
         "it names the model `claude-a` (run 7)"),
        (tell("shape.value", "/stop_reason", "end_turn", "`x`", impact=Impact.BREAKING),
         "it has no branch for what it does not know (run 7)"),
        (tell("shape.value", "/stop_reason", "end_turn", "`x`"), None),
        (tell("body.malformed", "", "a JSON object", "empty"), None),
    ],
)  # fmt: skip
def test_whose_word_makes_a_difference_grave_can_be_told(drift: Drift, reason: str | None) -> None:
    assert find_reason(drift, RELIED) == reason

"""What an application relies on raises what a difference is to it."""

import pytest

from l9gate.contract import Asked, Observed, Reliance
from l9gate.wire.json import JsonObject

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
    def asking(body: JsonObject) -> Observed:
        return Observed(asked=Asked(body=body), status=200, headers={})

    seen = [asking({"model": "b"}), asking({"model": 7}), asking({}), asking({"model": "b"})]
    declared = Reliance(models=("c",), stop_reasons=("end_turn",))
    assert declared.with_models_of(seen) == Reliance(models=("b", "c"), stop_reasons=("end_turn",))

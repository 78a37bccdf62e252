"""Why a prompt was not read from the cache."""

import pytest

from l9gate.simulator.diagnosis import Diagnosis
from l9gate.wire.json import Json, JsonObject

BODY: JsonObject = {
    "model": "m",
    "system": "be brief",
    "tools": [{"name": "f", "input_schema": {"type": "object"}}],
    "messages": [{"role": "user", "content": "hi"}],
    "diagnostics": {"previous_message_id": None},
}
LATER: JsonObject = {"previous_message_id": "msg_1"}
MORE: list[Json] = [
    {"role": "user", "content": [{"type": "text", "text": "hi", "cache_control": {}}]},
    {"role": "assistant", "content": "yes?"},
    {"role": "user", "content": "more"},
]


def _diagnose(change: JsonObject, model: str = "m", scope: str = "a") -> Json:
    diagnosis = Diagnosis()
    assert diagnosis.diagnose(BODY, "m", 70, "a", "msg_1") is None
    asked: JsonObject = {**BODY, "messages": MORE, "diagnostics": LATER, **change}
    return diagnosis.diagnose(asked, model, 90, scope, "msg_2")


def _reason(name: str, **more: Json) -> JsonObject:
    return {"cache_miss_reason": {"type": name, **more}}


def test_a_conversation_that_grew_has_no_reason() -> None:
    assert _diagnose({}) is None


def test_who_does_not_ask_gets_none() -> None:
    assert _diagnose({"diagnostics": None}) is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"speed": "fast"}, "model_changed"),
        ({"tools": []}, "tools_changed"),
        ({"system": "be long"}, "system_changed"),
        ({"system": [{"type": "text", "text": "be brief, and kind"}]}, "system_changed"),
        ({"messages": MORE[1:]}, "messages_changed"),
    ],
)
def test_what_changed_is_named_with_its_tokens(change: JsonObject, reason: str) -> None:
    assert _diagnose(change) == _reason(reason, cache_missed_input_tokens=70)


def test_another_model_comes_before_everything_else() -> None:
    found = _diagnose({"system": "x"}, model="n")
    assert found == _reason("model_changed", cache_missed_input_tokens=70)


def test_a_change_of_anything_else_cannot_be_told() -> None:
    assert _diagnose({"thinking": {"type": "disabled"}}) == _reason("unavailable")


def test_a_message_of_nobody_or_somebody_else_is_not_found() -> None:
    unknown = _reason("previous_message_not_found")
    assert _diagnose({"diagnostics": {"previous_message_id": "msg_9"}}) == unknown
    assert _diagnose({}, scope="b") == unknown


def test_the_oldest_requests_are_forgotten() -> None:
    diagnosis = Diagnosis(max_requests=1)
    for number in (1, 2):
        diagnosis.diagnose(BODY, "m", 70, "a", f"msg_{number}")
    found = diagnosis.diagnose({**BODY, "diagnostics": LATER}, "m", 70, "a", "msg_3")
    assert found == _reason("previous_message_not_found")

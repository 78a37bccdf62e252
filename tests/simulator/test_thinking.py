"""Thoughts."""

from collections.abc import Callable

import msgspec
import pytest

from l9gate.net.http import HttpResponse
from l9gate.simulator.thinking import is_signed_by, sign, signed_text, think
from l9gate.wire.json import Json, JsonObject
from l9gate.wire.models import find_model

RESULT: JsonObject = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t"}]}


def _thinks(body: JsonObject, model: str, **more: JsonObject) -> bool:
    facts = find_model(model)
    assert facts is not None
    return think({**body, "model": model, **more}, facts) is not None


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("claude-opus-5-5", True),  # always
        ("claude-sonnet-5", True),  # by default, at high effort
        ("claude-haiku-5-5", False),  # adaptive, at medium effort
        ("claude-opus-4-8", False),  # off
    ],
)
def test_who_thinks_unasked_depends_on_the_model(
    body: JsonObject, model: str, expected: bool
) -> None:
    assert _thinks(body, model) == expected


def test_effort_decides_where_thinking_is_adaptive(body: JsonObject) -> None:
    assert _thinks(body, "claude-haiku-5-5", output_config={"effort": "max"})
    assert not _thinks(body, "claude-sonnet-5", output_config={"effort": "low"})


def test_whoever_is_told_thinks_or_does_not(body: JsonObject) -> None:
    assert _thinks(body, "claude-opus-4-6", thinking={"type": "enabled", "budget_tokens": 1024})
    assert not _thinks(body, "claude-sonnet-5", thinking={"type": "disabled"})


def test_between_tools_there_are_thoughts_after_results_only(body: JsonObject) -> None:
    between: JsonObject = {"type": "between_tools"}
    assert not _thinks(body, "claude-sonnet-5-5", thinking=between)
    assert _thinks({**body, "messages": [RESULT]}, "claude-sonnet-5-5", thinking=between)
    assert not _thinks({**body, "messages": []}, "claude-sonnet-5-5", thinking=between)


def test_more_effort_means_longer_thoughts(body: JsonObject) -> None:
    facts = find_model("claude-opus-5-5")
    assert facts is not None
    low = think({**body, "output_config": {"effort": "low"}}, facts)
    high = think({**body, "output_config": {"effort": "max"}}, facts)
    assert low is not None
    assert high is not None
    assert len(low.text) < len(high.text)
    assert low.block["thinking"] == high.block["thinking"] == ""
    assert low.block["signature"] != high.block["signature"]


def test_every_model_text_and_place_has_its_own_signature() -> None:
    signatures = {sign("a", "x", 1), sign("b", "x", 1), sign("a", "y", 1), sign("a", "x", 3)}
    assert len(signatures) == 4


def test_a_signature_carries_the_thought() -> None:
    assert signed_text(sign("a", "wörds", 1)) == "wörds"
    assert [signed_text(other) for other in ("s", "c2ln", "", "ä")] == [None] * 4


def test_a_signature_names_the_model_that_made_it() -> None:
    assert is_signed_by(sign("a", "x", 1), "a")
    assert not is_signed_by(sign("a", "x", 1), "b")
    assert is_signed_by("c2ln", "b")  # who made it is not known


@pytest.mark.parametrize(
    ("model", "status"),
    [("claude-opus-4-8", 200), ("claude-opus-5", 200), ("claude-sonnet-5-5", 400)],
)
def test_the_newest_models_take_no_thoughts_of_others(
    ask: Callable[..., HttpResponse], body: JsonObject, model: str, status: int
) -> None:
    """1.9 of the sheet."""
    asked: JsonObject = {**body, "model": "claude-opus-4-8", "thinking": {"type": "adaptive"}}
    answer = ask(asked)
    assert isinstance(answer.body, bytes)
    content = msgspec.json.decode(answer.body)["content"]
    history: list[Json] = [
        {"role": "user", "content": "Which?"},
        {"role": "assistant", "content": content},
        {"role": "user", "content": "And then?"},
    ]
    assert content[0]["type"] == "thinking"
    assert ask({**asked, "model": model, "messages": history}).status == status

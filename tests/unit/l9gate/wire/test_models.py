"""The table of models."""

import pytest

from l9gate.wire.models import MODELS, find_model


def test_an_alias_finds_its_model() -> None:
    model = find_model("claude-opus-4-5")
    assert model is not None
    assert model.id == "claude-opus-4-5-20251101"


def test_an_unknown_id_finds_nothing() -> None:
    assert find_model("gpt-4") is None


def test_no_name_means_two_models() -> None:
    names = [name for model in MODELS for name in (model.id, *model.aliases)]
    assert len(names) == len(set(names))


def test_whatever_retires_says_when() -> None:
    assert all(model.retires_at for model in MODELS if model.lifecycle != "active")


def test_the_reference_model_is_active_and_takes_every_kind_of_thinking() -> None:
    """L4-06."""
    model = find_model("claude-haiku-5-5")
    assert model is not None
    assert (model.lifecycle, model.thinking_refused) == ("active", frozenset())


def test_newest_opus_refuses_what_its_notes_say() -> None:
    model = find_model("claude-opus-5-5")
    assert model is not None
    assert model.thinking_refused == {"enabled", "disabled"}
    assert not model.accepts_forced_tools


def test_what_takes_no_forced_tools_is_what_the_notes_name() -> None:
    """L4-06."""
    refusing = {model.id for model in MODELS if not model.accepts_forced_tools}
    assert refusing == {
        "claude-fable-5-1",
        "claude-fable-5-2",
        "claude-mythos-5-1",
        "claude-mythos-5-2",
        "claude-opus-5-5",
        "claude-sonnet-5-5",
    }


def test_only_the_generation_of_4_5_takes_a_prefill() -> None:
    living = [model for model in MODELS if model.lifecycle != "retired" and model.accepts_prefill]
    assert {model.id.rsplit("-", 1)[0] for model in living} == {
        "claude-opus-4-5",
        "claude-haiku-4-5",
        "claude-sonnet-4-5",
    }


@pytest.mark.parametrize(
    ("model_id", "accepts"),
    [
        ("claude-opus-4-7", False),
        ("claude-sonnet-5", False),
        ("claude-opus-4-8", True),
        ("claude-opus-5", True),
        ("claude-fable-5", True),
        ("claude-mythos-5", True),
        ("claude-opus-5-5", True),
    ],
)
def test_system_messages_are_for_some(model_id: str, accepts: bool) -> None:
    model = find_model(model_id)
    assert model is not None
    assert model.accepts_system_role == accepts

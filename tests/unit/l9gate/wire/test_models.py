"""The table of models."""

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

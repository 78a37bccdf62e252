"""Which models exist, by profile."""

import pytest

from l9gate.errors import PlanError
from l9gate.simulator.config import SimulatorConfig
from l9gate.simulator.profiles import resolve_model


def test_strictly_only_living_models_exist() -> None:
    model = resolve_model("claude-opus-4-5")
    assert model is not None
    assert model.id == "claude-opus-4-5-20251101"
    assert resolve_model("claude-opus-4-0") is None
    assert resolve_model("string") is None


def test_leniently_any_name_is_a_model() -> None:
    model = resolve_model("string", "lenient")
    assert model is not None
    assert (model.id, model.max_output_tokens, model.accepts_prefill) == ("string", 128_000, False)
    retired = resolve_model("claude-opus-4-0", "lenient")
    assert retired is not None
    assert retired.id == "claude-opus-4-20250514"


def test_another_strictness_is_a_mistake() -> None:
    with pytest.raises(PlanError, match="strictness `lax`, expected `strict` or `lenient`"):
        SimulatorConfig(strictness="lax")  # type: ignore[arg-type]

"""What a token costs."""

import pytest

from l9gate.wire.messages import Usage
from l9gate.wire.models import MODELS
from l9gate.wire.prices import cost_usd, price_of


@pytest.mark.parametrize(
    ("model", "usage", "expected_usd"),
    [
        ("claude-haiku-5-5", Usage(input_tokens=100_000, output_tokens=1000), 0.0105),
        ("claude-haiku-5-5", Usage(input_tokens=100_001, output_tokens=1000), 0.0525005),
        ("claude-haiku-5-5", Usage(input_tokens=1, cache_read_input_tokens=100_000), 0.0050005),
        ("claude-opus-4-5", Usage(cache_creation_input_tokens=1_000_000), 6.25),
        ("claude-opus-5-5", Usage(cache_read_input_tokens=1_000_000), 0.2),
        ("claude-sonnet-5", Usage(), 0.0),
    ],
)
def test_cost_is_price_times_tokens(model: str, usage: Usage, expected_usd: float) -> None:
    assert cost_usd(model, usage) == pytest.approx(expected_usd)


@pytest.mark.parametrize("model", ["claude-mythos-5", "claude-opus-4-0", "unknown"])
def test_a_model_without_a_price_costs_nobody_knows_what(model: str) -> None:
    assert price_of(model) is None
    assert cost_usd(model, Usage(input_tokens=1)) is None


def test_every_model_that_can_be_called_has_a_price_unless_by_invitation() -> None:
    missing = {m.id for m in MODELS if m.lifecycle != "retired" and price_of(m.id) is None}
    assert missing == {m.id for m in MODELS if m.line == "mythos" and m.lifecycle == "active"}

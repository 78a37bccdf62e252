"""What a token costs."""

from datetime import date, timedelta

import pytest

from l9gate.wire.messages import Usage
from l9gate.wire.models import MODELS
from l9gate.wire.prices import AS_OF, Price, PriceList, cost_usd, price_lines

OWN = Price(input_usd_per_mtok=1, output_usd_per_mtok=2)
FREE = Price(input_usd_per_mtok=0, output_usd_per_mtok=0)


@pytest.mark.parametrize(
    ("model", "usage", "expected_usd"),
    [
        ("claude-haiku-5-5", Usage(input_tokens=100_000, output_tokens=1000), 0.0105),
        ("claude-haiku-5-5", Usage(input_tokens=100_001, output_tokens=1000), 0.0525005),
        ("claude-haiku-5-5", Usage(input_tokens=1, cache_read_input_tokens=100_000), 0.0050005),
        ("claude-opus-4-5", Usage(cache_creation_input_tokens=1_000_000), 6.25),
        ("claude-opus-5-5", Usage(cache_read_input_tokens=1_000_000), 0.2),
        ("claude-sonnet-5", Usage(), 0.0),
        (
            "claude-sonnet-5",
            Usage(cache_creation_input_tokens=3_000, cache_creation_1h_input_tokens=1_000),
            0.009,
        ),
    ],
)
def test_cost_is_price_times_tokens(model: str, usage: Usage, expected_usd: float) -> None:
    assert cost_usd(model, usage) == pytest.approx(expected_usd)


@pytest.mark.parametrize("model", ["claude-mythos-5", "claude-opus-4-0", "unknown"])
def test_a_model_without_a_price_costs_nobody_knows_what(model: str) -> None:
    assert PriceList().find(model) is None
    assert cost_usd(model, Usage(input_tokens=1)) is None


def test_every_model_that_can_be_called_has_a_price_unless_by_invitation() -> None:
    missing = {m.id for m in MODELS if m.lifecycle != "retired" and PriceList().find(m.id) is None}
    assert missing == {m.id for m in MODELS if m.line == "mythos" and m.lifecycle == "active"}


def test_a_declared_price_comes_before_the_shipped_one() -> None:
    """By id or alias; a name before a pattern, the longest pattern first."""
    prices = PriceList({"claude-opus-4-5": OWN, "*": FREE, "gateway/*": OWN})
    assert prices.find("claude-opus-4-5-20251101") is OWN
    assert prices.find("gateway/claude") is OWN
    assert prices.find("claude-haiku-5-5") is FREE
    assert prices.cost_usd("claude-opus-4-5", Usage(output_tokens=1_000_000)) == 2


def test_the_dearest_price_exceeds_every_known_one() -> None:
    dear = PriceList({"x": Price(input_usd_per_mtok=11, output_usd_per_mtok=1)}).dearest()
    assert (dear.input_usd_per_mtok, dear.output_usd_per_mtok) == (11, 50)


def test_a_long_prompt_never_costs_less_than_a_short_one() -> None:
    price = Price(input_usd_per_mtok=1, output_usd_per_mtok=1, tier_above_input_tokens=10)
    assert price.cost_usd(Usage(input_tokens=11, output_tokens=1)) == pytest.approx(12e-6)


@pytest.mark.parametrize(("days", "warns"), [(0, False), (60, False), (61, True)])
def test_prices_are_doubted_after_sixty_days(days: int, warns: bool) -> None:
    warning = PriceList().stale(AS_OF + timedelta(days=days))
    assert (warning is not None) is warns
    assert warning is None or f"{AS_OF}, {days} days ago" in warning


def test_a_declared_price_ages_only_if_it_is_dated() -> None:
    dated = Price(input_usd_per_mtok=1, output_usd_per_mtok=1, as_of=date(2026, 1, 1))
    assert PriceList({"x": OWN}).stale(AS_OF) is None
    warning = PriceList({"x": dated}).stale(AS_OF)
    assert warning is not None
    assert "x (2026-01-01" in warning
    assert "shipped" not in warning


def test_the_lines_to_add_are_toml() -> None:
    assert price_lines("m") == (
        '[tool.l9gate.prices."m"]\ninput_usd_per_mtok = 0.00\noutput_usd_per_mtok = 0.00'
    )

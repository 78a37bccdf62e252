"""Which limits a run has, and where they come from."""

import pytest

from l9gate.errors import BudgetError, ExitCode, UsageError
from l9gate.evidence.records import Origin
from l9gate.store.caps import BudgetSettings, Caps, caps_of, parse_budget

DECLARED = BudgetSettings(per_run=2, per_layer=1, per_test=0.5, per_day=10)
NOTHING = BudgetSettings()


@pytest.mark.parametrize(
    ("asked_usd", "of_environment_usd", "declared", "expected_usd", "source"),
    [
        (1.0, 3.0, DECLARED, 1.0, "--budget"),
        (None, 3.0, DECLARED, 3.0, "budget_usd of environment staging"),
        (None, None, DECLARED, 2.0, "per_run of [tool.l9gate.budget]"),
        (None, None, NOTHING, 5.0, "the default; `--budget USD` changes it"),
    ],
)
def test_a_live_run_always_has_a_limit(
    asked_usd: float | None,
    of_environment_usd: float | None,
    declared: BudgetSettings,
    expected_usd: float,
    source: str,
) -> None:
    caps = caps_of(Origin.LIVE, asked_usd, ("staging", of_environment_usd), declared)
    assert (caps.per_run_usd, caps.source) == (expected_usd, source)
    assert f"${expected_usd:.2f} for this run ({source})" in caps.in_words()


def test_declared_limits_of_parts_hold_beside_it() -> None:
    caps = caps_of(Origin.LIVE, None, ("staging", None), DECLARED)
    assert caps.by_scope() == (("test", 0.5), ("layer", 1), ("run", 2), ("day", 10))
    assert "$10.00 a day" in caps.in_words()


def test_a_rehearsal_is_limited_only_if_asked() -> None:
    assert caps_of(Origin.SIMULATED, None, ("d", 1.0), DECLARED) == Caps()
    assert caps_of(Origin.SIMULATED, 1.0, ("d", None), NOTHING).per_run_usd == 1.0
    assert Caps().in_words() == "budget: none, as nothing is paid for"


@pytest.mark.parametrize(("text", "expected_usd"), [("5", 5), ("$0.50", 0.5), (" 1e-3 ", 0.001)])
def test_a_budget_is_an_amount_of_dollars(text: str, expected_usd: float) -> None:
    assert parse_budget(text) == expected_usd


@pytest.mark.parametrize("text", ["none", "", "inf", "nan", "-1", "five"])
def test_a_run_without_a_limit_cannot_be_asked_for(text: str) -> None:
    with pytest.raises(UsageError, match="always has a limit"):
        parse_budget(text)


def test_a_budget_of_nothing_is_refused_as_a_budget() -> None:
    with pytest.raises(BudgetError, match="allows no call") as refused:
        parse_budget("0")
    assert refused.value.exit_code is ExitCode.BUDGET

"""What a reader is told about money."""

from collections.abc import Callable

from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import Budget, Exchange, Layer, LayerSpending, Origin
from l9gate.report.money import build_money, render_money
from l9gate.wire.messages import Usage

PARTS = (
    LayerSpending(
        layer=Layer.CONTRACT, calls=3, spent_usd=0.5, unsettled_usd=0.25, unsettled_calls=1
    ),
    LayerSpending(layer=None, calls=1, spent_usd=1.0, unsettled_usd=0, unsettled_calls=0),
)


def budget(run: str = "r", **changes: object) -> Budget:
    facts: dict[str, object] = {
        "at_s": 1.0,
        "run": run,
        "kind": Origin.LIVE,
        "caps_usd": {"run": 5.0, "day": 10.0},
        "source": "--budget",
        "is_final": True,
        "layers": PARTS,
        "prices_as_of": "2026-11-22",
    }
    return Budget(**facts | changes)  # type: ignore[arg-type]


def test_no_account_has_no_lines() -> None:
    assert build_money(MemoryLog()) is None


def test_dollars_stand_by_layer_beside_the_limit() -> None:
    money = build_money(MemoryLog([budget(layers=(), is_final=False), budget()]))
    assert money is not None
    assert render_money(money) == [
        "spent $1.50 of $5.00 for the run (--budget); prices of 2026-11-22",
        "contract  $0.5000  (3 calls)",
        "no layer  $1.00  (1 calls)",
        "further limits: $10.00 a day",
        "$0.2500 of it is the most that 1 calls can have cost whose usage nobody saw",
    ]


def test_pooled_runs_are_added_up() -> None:
    money = build_money(MemoryLog([budget(), budget("s")]))
    assert money is not None
    assert (money.spent_usd, money.unsettled_calls) == (3.0, 2)
    assert [part.calls for part in money.layers] == [6, 2]


def test_a_refusal_and_old_prices_are_told() -> None:
    told = budget(refusal="used up", hint="add:\n\nx = 1", warning="prices may have changed")
    money = build_money(MemoryLog([told]))
    assert money is not None
    assert render_money(money)[-5:] == [
        "stopped: used up",
        "hint: add:",
        "",
        "x = 1",
        "prices may have changed",
    ]


def test_a_rehearsal_spent_nothing() -> None:
    settled = PARTS[1:]
    money = build_money(MemoryLog([budget(kind=Origin.SIMULATED, caps_usd={}, layers=settled)]))
    assert money is not None
    assert render_money(money) == [
        "nothing; live it would have cost $1.00; prices of 2026-11-22",
        "no layer  $1.00  (1 calls)",
    ]


def test_a_killed_run_counts_the_calls_whose_usage_was_seen(
    exchange: Callable[..., Exchange],
) -> None:
    """It never came to its last word."""
    usage = Usage(input_tokens=1_000_000, output_tokens=0)
    sent = [
        exchange(model="claude-opus-5-5", usage=usage, layer=Layer.CONTRACT),
        exchange(model="claude-opus-5-5", usage=None, layer=Layer.CONTRACT),
        exchange(model="nobody-1", usage=usage, layer=Layer.CONTRACT),
    ]
    money = build_money(MemoryLog([*sent, budget(layers=(), is_final=False)]))
    assert money is not None
    lines = render_money(money)
    assert lines[:2] == [
        "spent $4.00 of $5.00 for the run (--budget); prices of 2026-11-22",
        "contract  $4.00  (1 calls)",
    ]
    assert lines[-1] == "the run did not end: only calls whose usage was seen are counted"

"""What may be spent is never exceeded, whatever becomes of those who reserved it."""

import os
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from l9gate.errors import BudgetError, WriteError
from l9gate.evidence.records import Layer, LayerSpending, Origin
from l9gate.measure.clock import ManualClock
from l9gate.store.caps import Caps
from l9gate.store.ledger import Charge, Ledger
from l9gate.wire.prices import Price, PriceList

DAY_S = 86_400.0
Reserve = Callable[..., int]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def ledger(tmp_path: Path, clock: ManualClock) -> Ledger:
    return Ledger(tmp_path / ".l9gate" / "ledger.db", clock)


@pytest.fixture
def reserve(ledger: Ledger) -> Reserve:
    """Reserve in the name of a run, which is opened when it is first named."""
    opened: set[str] = set()

    def call(
        usd: float,
        *,
        run: str = "r",
        layer: Layer | None = Layer.INTEGRATION,
        test: str | None = "t",
        kind: Origin = Origin.LIVE,
        caps: Caps | None = None,
    ) -> int:
        limits = caps or Caps()
        if run not in opened:
            opened.add(run)
            ledger.open_run(run, kind, limits, PriceList())
        charge = Charge(layer=layer, test=test, model="m", bound_usd=usd)
        return ledger.reserve(run, limits, kind, charge)

    return call


@pytest.mark.parametrize("word", ["run", "layer", "test", "day"])
def test_a_cap_is_reached_and_never_exceeded(reserve: Reserve, word: str) -> None:
    caps = Caps(**{f"per_{word}_usd": 1.0})  # type: ignore[arg-type]
    for _ in range(10):
        reserve(0.1, caps=caps)
    with pytest.raises(BudgetError, match=f"this {word} used up.*0.1000.*0.00 of") as no:
        reserve(0.1, caps=caps)
    assert no.value.hint
    assert f"per_{word}" in no.value.hint


def test_what_was_settled_for_less_can_be_spent_again(reserve: Reserve, ledger: Ledger) -> None:
    number = reserve(0.9)
    ledger.settle(number, 0.2)
    ledger.settle(number, 0.0)  # a second time changes nothing
    (spent,) = ledger.spending_of("r")
    assert spent == LayerSpending(
        layer=Layer.INTEGRATION, calls=1, spent_usd=0.2, unsettled_usd=0, unsettled_calls=0
    )


def test_what_nobody_settled_stays_counted_at_its_bound(
    reserve: Reserve, ledger: Ledger, clock: ManualClock
) -> None:
    """Also in the eyes of another process, after the run and for the rest of the day."""
    caps = Caps(per_day_usd=1.0)
    reserve(0.6, caps=caps)
    ledger.close_run("r")
    ledger.close()
    other = Ledger(ledger.path, clock)
    (spent,) = other.spending_of("r")
    assert (spent.spent_usd, spent.unsettled_usd, spent.unsettled_calls) == (0.6, 0.6, 1)
    assert other.spent_on(other.today()) == 0.6
    with pytest.raises(BudgetError, match="budget of this day"):
        reserve(0.5, run="next", caps=caps)
    clock.advance(DAY_S)
    assert reserve(0.5, run="tomorrow", caps=caps)


def test_a_rehearsal_spends_nothing_of_a_day(reserve: Reserve, ledger: Ledger) -> None:
    reserve(0.6, kind=Origin.SIMULATED)
    assert ledger.spent_on(ledger.today()) == 0
    assert ledger.spending_of("r")[0].spent_usd == 0.6


def test_a_run_that_goes_on_has_spent_what_it_had_spent(reserve: Reserve, ledger: Ledger) -> None:
    caps = Caps(per_run_usd=1.0)
    reserve(0.7, caps=caps)
    ledger.close_run("r")
    with pytest.raises(BudgetError, match="has ended"):
        reserve(0.1, caps=caps)
    ledger.reopen_run("r")
    reserve(0.2, caps=caps)
    with pytest.raises(BudgetError, match="used up"):
        reserve(0.2, caps=caps)


def test_a_used_up_run_stays_stopped(reserve: Reserve, ledger: Ledger) -> None:
    """Or one worker would go on with its small calls while the others have given up."""
    reserve(0.9)
    for usd in (0.5, 0.01):
        with pytest.raises(BudgetError, match=r"could cost up to \$0\.5000"):
            reserve(usd, caps=Caps(per_run_usd=1.0))
    refusal = ledger.refusal_of("r")
    assert refusal is not None
    assert "used up" in refusal.message


def test_a_used_up_layer_stops_only_itself(reserve: Reserve, ledger: Ledger) -> None:
    caps = Caps(per_layer_usd=1.0)
    reserve(0.9, caps=caps)
    for usd in (0.5, 0.05):
        with pytest.raises(BudgetError):
            reserve(usd, caps=caps)
    assert ledger.refusal_of("r") is None
    assert ledger.refusal_of("r", Layer.INTEGRATION) is not None
    assert reserve(0.5, layer=Layer.CONTRACT, caps=caps)


def test_a_used_up_test_stops_nobody_else(reserve: Reserve, ledger: Ledger) -> None:
    caps = Caps(per_test_usd=0.2)
    with pytest.raises(BudgetError, match="budget of this test"):
        reserve(0.5, test="dear", caps=caps)
    assert ledger.refusal_of("r", Layer.INTEGRATION) is None
    assert reserve(0.1, test="other", caps=caps)


def test_a_run_that_has_ended_sends_nothing_more(reserve: Reserve, ledger: Ledger) -> None:
    reserve(0.1)
    ledger.close_run("r")
    with pytest.raises(BudgetError, match="has ended"):
        reserve(0.1)


def test_terms_are_the_same_in_every_process(ledger: Ledger, clock: ManualClock) -> None:
    prices = PriceList({"m": Price(input_usd_per_mtok=1, output_usd_per_mtok=2)})
    caps = Caps(per_run_usd=2.5, source="--budget")
    ledger.open_run("r", Origin.LIVE, caps, prices)
    assert Ledger(ledger.path, clock).terms_of("r") == (Origin.LIVE, caps, prices)
    with pytest.raises(BudgetError, match="knows no run `x`"):
        ledger.terms_of("x")


def test_cents_add_up_exactly(reserve: Reserve, ledger: Ledger) -> None:
    for _ in range(100):
        reserve(0.01)
    assert ledger.spending_of("r")[0].spent_usd == 1.0


def test_calls_of_no_layer_come_last(reserve: Reserve, ledger: Ledger) -> None:
    reserve(0.1, layer=None, test=None)
    reserve(0.1, layer=Layer.CONTRACT)
    reserve(0.1, layer=Layer.INTEGRATION)
    assert [one.layer for one in ledger.spending_of("r")] == [
        Layer.INTEGRATION,
        Layer.CONTRACT,
        None,
    ]


def test_threads_share_one_cap(reserve: Reserve, ledger: Ledger) -> None:
    caps, granted = Caps(per_run_usd=0.5), [reserve(0.0)]

    def spend() -> None:
        for _ in range(10):
            try:
                granted.append(reserve(0.03, caps=caps))
            except BudgetError:
                return

    threads = [threading.Thread(target=spend) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(granted) == 1 + 16
    assert ledger.spending_of("r")[0].spent_usd == 0.48


def test_a_ledger_that_cannot_be_written_allows_nothing(tmp_path: Path, clock: ManualClock) -> None:
    (tmp_path / "taken").write_text("a file")
    ledger = Ledger(tmp_path / "taken" / "ledger.db", clock)
    with pytest.raises(WriteError):
        ledger.open_run("r", Origin.LIVE, Caps(), PriceList())


def test_a_forked_process_uses_a_connection_of_its_own(
    reserve: Reserve, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    reserve(0.1)
    inherited = ledger._connection
    monkeypatch.setattr(os, "getpid", lambda: -1)  # as in a child
    reserve(0.1)
    assert ledger._connection is not inherited
    assert ledger.spending_of("r")[0].calls == 2


def test_a_failed_transaction_leaves_nothing_behind(reserve: Reserve, ledger: Ledger) -> None:
    reserve(0.1)
    assert ledger._connection is not None
    ledger._connection.execute("DROP TABLE entry")
    with pytest.raises(WriteError):
        reserve(0.2)
    assert ledger.spent_on(ledger.today()) == 0.1


def test_the_first_refusal_is_the_one_that_is_told(reserve: Reserve, ledger: Ledger) -> None:
    reserve(0.1)
    for name in ("one", "two"):
        ledger.note_refusal("r", Layer.CONTRACT, "t", BudgetError(f"model `{name}`", hint="add it"))
    refusal = ledger.refusal_of("r")
    assert refusal is not None
    assert (refusal.layer, refusal.message) == (Layer.CONTRACT, "model `one`")
    assert ledger.refused_calls_of("r", "t") == 2
    ledger.close()
    ledger.close()


def test_a_ledger_of_an_earlier_version_learns_of_blocks(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    caps = Caps(per_run_usd=1.0)
    ledger = Ledger(path, ManualClock())
    ledger.open_run("r", Origin.LIVE, caps, PriceList())
    ledger.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("DROP TABLE block; PRAGMA user_version=2;")
    block = Charge(layer=None, test=None, model="m", bound_usd=0.4, calls=4)
    number = ledger.reserve("r", caps, Origin.LIVE, block)
    (before,) = ledger.spending_of("r")
    ledger.settle(number, 0.3, 3)
    (after,) = ledger.spending_of("r")
    assert (before.calls, before.unsettled_calls) == (4, 4)
    assert (after.calls, after.unsettled_calls, after.spent_usd) == (3, 0, 0.3)

"""One run's money: priced, set aside, settled."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from l9gate.errors import BudgetError
from l9gate.evidence.records import Layer, Origin
from l9gate.measure.clock import ManualClock
from l9gate.store.account import Account, Payer
from l9gate.store.caps import Caps
from l9gate.store.ledger import Ledger
from l9gate.wire.messages import Usage
from l9gate.wire.offer import Offer
from l9gate.wire.prices import AS_OF, Price, PriceList

HAIKU = "claude-haiku-5-5"
AS_OF_S = datetime(AS_OF.year, AS_OF.month, AS_OF.day, tzinfo=UTC).timestamp()
PAYER = Payer(layer=Layer.INTEGRATION, test="t")
Open = Callable[..., Account]


@pytest.fixture
def open_account(tmp_path: Path) -> Open:
    def call(
        kind: Origin = Origin.LIVE,
        *,
        prices: dict[str, Price] | None = None,
        run: str = "r",
        **limits_usd: float,
    ) -> Account:
        ledger = Ledger(tmp_path / "ledger.db", ManualClock())
        caps = Caps(**({"per_run_usd": 5.0} if kind is Origin.LIVE else {}) | limits_usd)  # type: ignore[arg-type]
        return Account.open(ledger, run, kind, caps, PriceList(prices or {}))

    return call


def offer(model: str | None = HAIKU, *, max_tokens: int = 1000, **fields: bool) -> Offer:
    return Offer(model=model, input_tokens=10_000, max_tokens=max_tokens, **fields)


def spent_usd(account: Account) -> float:
    return sum(layer.spent_usd for layer in account.spending())


def test_a_call_counts_at_its_bound_and_then_at_its_cost(open_account: Open) -> None:
    account = open_account()
    reservation = account.reserve([offer()], PAYER)
    assert spent_usd(account) == pytest.approx((10_000 * 0.1 + 1000 * 0.5) / 1e6)
    reservation.settle(Usage(input_tokens=100, output_tokens=10))
    assert spent_usd(account) == pytest.approx((100 * 0.1 + 10 * 0.5) / 1e6)


def test_a_cut_answer_may_have_cost_all_of_its_output(open_account: Open) -> None:
    account = open_account()
    usage = Usage(input_tokens=100, output_tokens=1)
    account.reserve([offer()], PAYER).settle(usage, is_whole=False)
    assert spent_usd(account) == pytest.approx((100 * 0.1 + 1000 * 0.5) / 1e6)


def test_a_sum_for_somebody_elsewhere_counts_until_it_is_known_what_he_spent(
    open_account: Open,
) -> None:
    account = open_account(per_run_usd=5.0)
    first, second = account.grant(2.0), account.grant(2.0)
    assert spent_usd(account) == pytest.approx(4.0)
    with pytest.raises(BudgetError):
        account.grant(2.0)
    first.settle(0.25)
    assert spent_usd(account) == pytest.approx(2.25)
    second.settle(0.0)
    assert spent_usd(account) == pytest.approx(0.25)


def test_what_was_never_sent_costs_nothing(open_account: Open) -> None:
    account = open_account()
    account.reserve([offer()], PAYER).release()
    assert spent_usd(account) == 0


def test_a_batch_is_set_aside_as_a_whole(open_account: Open) -> None:
    account = open_account()
    account.reserve([offer(is_batched=True), offer("claude-opus-5-5", is_batched=True)], PAYER)
    assert spent_usd(account) == pytest.approx((1000 + 500 + 40_000 + 20_000) / 2e6)


@pytest.mark.parametrize("payer", [PAYER, Payer()])
def test_a_model_without_a_price_is_refused_with_the_lines_to_add(
    open_account: Open, payer: Payer
) -> None:
    account = open_account()
    with pytest.raises(BudgetError, match="model `claude-mythos-5` has no known price") as refused:
        account.reserve([offer("claude-mythos-5")], payer)
    assert '[tool.l9gate.prices."claude-mythos-5"]\ninput_usd_per_mtok' in (
        refused.value.hint or ""
    )
    with pytest.raises(BudgetError, match="claude-mythos-5"):  # and nothing is sent after it
        account.reserve([offer()], payer)
    assert account.refusal() is not None
    assert account.spending() == ()


def test_a_declared_price_opens_the_way(open_account: Open) -> None:
    prices = {"claude-mythos-*": Price(input_usd_per_mtok=1, output_usd_per_mtok=1)}
    account = open_account(prices=prices)
    account.reserve([offer("claude-mythos-5")], PAYER)
    assert spent_usd(account) == pytest.approx(11_000 / 1e6)


@pytest.mark.parametrize("field", ["is_fast", "has_server_tools"])
def test_what_has_no_price_of_its_own_is_refused(open_account: Open, field: str) -> None:
    with pytest.raises(BudgetError, match="no known price") as refused:
        open_account().reserve([offer(HAIKU, **{field: True})], PAYER)
    lacking = "fast_factor" if field == "is_fast" else "server_tools_usd"
    assert f"{lacking} = 0.00" in (refused.value.hint or "")


def test_a_test_about_unknown_models_may_name_one(open_account: Open) -> None:
    """It is set aside at the dearest price, should the model exist after all."""
    account = open_account()
    payer = Payer(layer=Layer.CONTRACT, test="t", expects_refusal=True)
    account.reserve([offer("claude-no-such-model")], payer)
    assert spent_usd(account) == pytest.approx((10_000 * 10 + 1000 * 50) / 1e6)


def test_a_request_without_a_model_is_free(open_account: Open) -> None:
    account = open_account()
    account.reserve([offer(None)], PAYER).release()
    account.reserve([], PAYER).settle(Usage())
    assert spent_usd(account) == 0


def test_a_rehearsal_counts_and_refuses_nothing(open_account: Open) -> None:
    account = open_account(Origin.SIMULATED)
    account.reserve([offer("claude-mythos-5", max_tokens=10**6)], PAYER)
    assert spent_usd(account) > 5
    assert account.refusal() is None


def test_a_rehearsal_with_a_budget_keeps_it(open_account: Open) -> None:
    account = open_account(Origin.SIMULATED, per_run_usd=0.001)
    with pytest.raises(BudgetError, match="budget of this run"):
        account.reserve([offer()], PAYER)


def test_no_run_starts_once_the_day_is_used_up(open_account: Open) -> None:
    open_account(per_day_usd=0.0015).reserve([offer()], PAYER)
    with pytest.raises(BudgetError, match="budget of this day used up"):
        open_account(run="next", per_day_usd=0.0015)


def test_a_child_process_finds_the_account_of_its_parent(open_account: Open) -> None:
    account = open_account()
    found = Account.of_environ(account.variables(), ManualClock())
    assert found is not None
    assert (found.run, found.kind, found.caps) == (account.run, account.kind, account.caps)
    assert Account.of_environ({}, ManualClock()) is None


def test_after_its_end_an_account_pays_for_nothing(open_account: Open) -> None:
    account = open_account()
    account.end()
    with pytest.raises(BudgetError, match="has ended"):
        account.reserve([offer()], PAYER)


def test_the_model_of_a_project_is_checked_before_anything_is_sent() -> None:
    Account.check_model(PriceList(), HAIKU, is_free=False)
    Account.check_model(PriceList(), None, is_free=False)
    Account.check_model(PriceList(), "claude-mythos-5", is_free=True)
    with pytest.raises(BudgetError, match="claude-mythos-5"):
        Account.check_model(PriceList(), "claude-mythos-5", is_free=False)


def test_a_report_says_what_was_agreed_and_what_came_of_it(open_account: Open) -> None:
    account = open_account()
    account.reserve([offer()], PAYER)
    before = account.report(AS_OF_S, is_final=False)
    assert (before.caps_usd, before.refusal, before.warning) == ({"run": 5.0}, None, None)
    assert (before.layers, before.is_final) == (account.spending(), False)
    with pytest.raises(BudgetError):
        account.reserve([offer("nobody-1")], PAYER)
    after = account.report(AS_OF_S + 61 * 86_400, is_final=True)
    assert "nobody-1" in (after.refusal or "")
    assert "[tool.l9gate.prices" in (after.hint or "")
    assert "61 days ago" in (after.warning or "")


def test_a_test_is_known_to_have_been_refused_in_whichever_process(open_account: Open) -> None:
    account = open_account(per_test_usd=0.001)
    other = Account.of_environ(account.variables(), ManualClock())
    assert other is not None
    with pytest.raises(BudgetError, match="budget of this test"):
        other.reserve([offer()], PAYER)
    assert account.was_refused("t")
    assert not account.was_refused("u")
    assert account.report(0.0, is_final=True).refusal is None  # it stopped nothing but itself


def test_a_batch_is_settled_by_its_results_in_whichever_process(open_account: Open) -> None:
    account = open_account()
    reservation = account.reserve([offer(is_batched=True)], PAYER)
    account.name_batch(reservation, "msgbatch_1")
    bound_usd = spent_usd(account)
    account.settle_batch("msgbatch_1", b"{")  # tells nothing
    account.settle_batch("msgbatch_2", b"")  # of somebody else
    assert spent_usd(account) == bound_usd
    line = b'{"result":{"type":"succeeded","message":{"model":"%b","usage":{"output_tokens":10}}}}'
    other = Account.of_environ(account.variables(), ManualClock())
    assert other is not None
    other.settle_batch("msgbatch_1", line % HAIKU.encode())
    assert spent_usd(account) == pytest.approx(10 * 0.5e-6 / 2)

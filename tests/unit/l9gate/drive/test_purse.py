from pathlib import Path

import pytest

from l9gate.drive.columns import Row
from l9gate.drive.purse import Block, Purse
from l9gate.drive.workload import Job, minimal
from l9gate.errors import BudgetError
from l9gate.evidence.load import CallEnd
from l9gate.evidence.words import Origin
from l9gate.measure.clock import ManualClock
from l9gate.store.account import Account, Payer
from l9gate.store.caps import Caps
from l9gate.store.ledger import Ledger
from l9gate.wire.messages import Usage
from l9gate.wire.prices import PriceList

JOB = next(minimal("claude-haiku-5-5").jobs(0, 0, 1))
USAGE = Usage(input_tokens=10, output_tokens=2)
COST_USD = (10 * 0.1 + 2 * 0.5) / 1e6


def open_account(place: Path, limit_usd: float) -> Account:
    ledger = Ledger(place / "ledger.db", ManualClock())
    return Account.open(ledger, "r", Origin.LIVE, Caps(per_run_usd=limit_usd), PriceList())


@pytest.fixture
def account(tmp_path: Path) -> Account:
    """Return an account in which a block is one call."""
    return open_account(tmp_path, 0.01)


@pytest.fixture
def rich(tmp_path: Path) -> Account:
    """Return an account in which blocks double."""
    return open_account(tmp_path, 5.0)


def row_of(end: CallEnd = CallEnd.OK, usage: Usage | None = USAGE, *, is_free: bool = False) -> Row:
    return Row(due_s=0, sent_s=0, ended_s=1, end=end, usage=usage, is_free=is_free)


def take(purse: Purse) -> Block:
    block = purse.take(JOB)
    assert block is not None
    return block


def spent_usd(account: Account) -> float:
    return sum(part.spent_usd for part in account.spending())


def test_calls_cost_what_they_used_once_all_is_over(rich: Account) -> None:
    purse = Purse(rich, Payer())
    for _ in range(10):
        purse.settle(take(purse), row_of())
    purse.close()
    assert spent_usd(rich) == pytest.approx(10 * COST_USD)
    (spending,) = rich.spending()
    assert (spending.calls, spending.unsettled_calls) == (10, 0)


def test_every_call_is_set_aside_before_it_is_sent(rich: Account) -> None:
    purse = Purse(rich, Payer())
    for sent in range(1, 20):
        bound_usd = take(purse).bound_usd
        assert spent_usd(rich) >= sent * bound_usd * 0.999


def test_a_cap_is_reached_and_never_exceeded(account: Account) -> None:
    purse = Purse(account, Payer())
    bound_usd = take(purse).bound_usd
    for _ in range(int(0.01 / bound_usd) - 1):
        take(purse)
    with pytest.raises(BudgetError):
        take(purse)
    assert spent_usd(account) <= 0.01


def test_a_call_without_an_end_stays_at_its_bound(rich: Account) -> None:
    purse = Purse(rich, Payer())
    purse.settle(take(purse), row_of())
    block = take(purse)
    assert block.calls == 2
    purse.close()
    assert spent_usd(rich) == pytest.approx(block.bound_usd + COST_USD)


def test_a_block_is_settled_when_its_last_call_ends(rich: Account) -> None:
    purse = Purse(rich, Payer())
    purse.settle(take(purse), row_of())
    first, second = take(purse), take(purse)
    purse.settle(first, row_of())
    assert spent_usd(rich) == pytest.approx(COST_USD + 2 * first.bound_usd)
    purse.settle(second, row_of())
    assert spent_usd(rich) == pytest.approx(3 * COST_USD)


def test_what_was_not_sent_is_given_back(rich: Account) -> None:
    purse = Purse(rich, Payer())
    blocks = [take(purse) for _ in range(7)]
    for block in blocks[1:]:
        purse.give_back(block)
    purse.settle(blocks[0], row_of())
    purse.close()
    assert spent_usd(rich) == pytest.approx(COST_USD)
    assert rich.spending()[0].calls == 1


def test_what_did_no_work_costs_nothing_and_what_tells_nothing_its_bound(account: Account) -> None:
    purse = Purse(account, Payer())
    purse.settle(take(purse), row_of(CallEnd.RATE_LIMITED, None, is_free=True))
    assert spent_usd(account) == 0
    block = take(purse)
    purse.settle(block, row_of(CallEnd.TIMED_OUT, None))
    purse.close()
    assert spent_usd(account) == pytest.approx(block.bound_usd)


def test_a_cut_answer_may_have_cost_all_of_its_output(account: Account) -> None:
    purse = Purse(account, Payer())
    purse.settle(take(purse), row_of(CallEnd.CUT))
    assert spent_usd(account) == pytest.approx((10 * 0.1 + 16 * 0.5) / 1e6)


def test_free_questions_need_no_money(account: Account) -> None:
    assert Purse(account, Payer()).take(Job(b"", path="/v1/models", method="GET")) is None


def test_a_batch_is_no_load(account: Account) -> None:
    batch = Job(b'{"requests": []}', path="/v1/messages/batches")
    with pytest.raises(BudgetError, match="single messages"):
        Purse(account, Payer()).take(batch)

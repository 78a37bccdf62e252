"""Eight processes and one cap."""

import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from l9gate.evidence.records import Origin
from l9gate.measure.clock import SystemClock
from l9gate.store.account import Account
from l9gate.store.caps import Caps
from l9gate.store.ledger import Ledger
from l9gate.store.totals import NANO
from l9gate.wire.prices import PriceList

WORKERS = 8
CAP_USD = 1.0
# Waits until all are there, then calls until it is refused; "keep" settles nothing, "settle" gives
# most of each reservation back, so that the cap is reached again and again.
WORKER = """
import os, sys, time
from l9gate.errors import BudgetError
from l9gate.measure.clock import SystemClock
from l9gate.store.account import Account, Payer
from l9gate.wire.messages import Usage
from l9gate.wire.offer import Offer

account = Account.of_environ(os.environ, SystemClock())
offer = Offer(model="claude-haiku-5-5", input_tokens=1_000, max_tokens=1_800)
payer = Payer(test=sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
granted = 0
while True:
    try:
        reservation = account.reserve([offer], payer)
    except BudgetError:
        break
    granted += 1
    if sys.argv[2] == "settle":
        reservation.settle(Usage(input_tokens=1_000, output_tokens=900))
print(granted, flush=True)
"""


@pytest.fixture
def account(tmp_path: Path) -> Account:
    ledger = Ledger(tmp_path / "ledger.db", SystemClock())
    return Account.open(ledger, "r", Origin.LIVE, Caps(per_run_usd=CAP_USD), PriceList())


def start(stack: ExitStack, account: Account, habit: str) -> list[subprocess.Popen[str]]:
    workers = []
    for number in range(WORKERS):
        worker = subprocess.Popen(
            [sys.executable, "-c", WORKER, f"test-{number}", habit],
            env=account.variables(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        stack.enter_context(worker)
        stack.callback(worker.kill)
        workers.append(worker)
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("\n")
        worker.stdin.flush()
    return workers


def results(workers: list[subprocess.Popen[str]]) -> list[int]:
    texts = [worker.communicate(timeout=60)[0] for worker in workers]
    return [int(text) for text in texts if text.strip()]


def recount_usd(path: Path) -> float:
    """Add up what the entries say, apart from the totals that the caps are held against."""
    with closing(sqlite3.connect(path)) as connection:
        (total,) = connection.execute("SELECT sum(coalesce(cost, bound)) FROM entry").fetchone()
    return float(total or 0) / NANO


@pytest.mark.parametrize(
    ("habit", "call_usd", "calls"), [("keep", 0.001, 1000), ("settle", 0.00055, 1817)]
)
def test_eight_processes_spend_exactly_what_one_cap_allows(
    account: Account, tmp_path: Path, habit: str, call_usd: float, calls: int
) -> None:
    """1,000 calls of $0.001; settled at $0.00055, as many as leave room for one more bound."""
    with ExitStack() as stack:
        granted = results(start(stack, account, habit))
    assert len(granted) == WORKERS
    spent_usd = sum(layer.spent_usd for layer in account.spending())
    assert spent_usd == pytest.approx(sum(granted) * call_usd)
    assert spent_usd == pytest.approx(recount_usd(tmp_path / "ledger.db"))
    assert spent_usd <= CAP_USD
    # What others hold for a moment may have been in the way of the last few.
    assert calls - 2 * WORKERS <= sum(granted) <= calls
    assert sum(1 for count in granted if count) > 1


def test_processes_that_are_killed_free_nothing(account: Account, tmp_path: Path) -> None:
    with ExitStack() as stack:
        workers = start(stack, account, "settle")
        time.sleep(0.05)
        for worker in workers[::2]:
            worker.send_signal(signal.SIGKILL)
        results(workers)
    spent_usd = sum(layer.spent_usd for layer in account.spending())
    assert 0 < spent_usd <= CAP_USD
    assert spent_usd == pytest.approx(recount_usd(tmp_path / "ledger.db"))

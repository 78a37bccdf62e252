"""A batch under the official SDK: set aside as a whole, settled by its results."""

import time
from pathlib import Path

import anthropic
import pytest

from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import Layer, Origin
from l9gate.measure.clock import SystemClock
from l9gate.observe.attribution import Owner, owned_by
from l9gate.observe.budget import BudgetGuard
from l9gate.observe.origins import Target, host_of
from l9gate.observe.recorder import Outbox, Recorder
from l9gate.observe.seam import Seam
from l9gate.simulator.server import SimulatorThread
from l9gate.store.account import Account
from l9gate.store.caps import Caps
from l9gate.store.ledger import Ledger
from l9gate.wire.prices import PriceList

MODEL = "claude-haiku-5-5"
WAIT_S = 20.0


def test_a_batch_is_settled_once_its_results_were_read(
    simulator: SimulatorThread, tmp_path: Path
) -> None:
    clock = SystemClock()
    ledger = Ledger(tmp_path / "ledger.db", clock)
    account = Account.open(ledger, "r", Origin.LIVE, Caps(per_run_usd=1.0), PriceList())
    host = host_of(simulator.base_url)
    recorder = Recorder(Outbox(MemoryLog(), clock), clock, Target(host))
    guard, seam = BudgetGuard(account, recorder, host), Seam()
    seam.install(guard)
    try:
        with (
            owned_by(Owner("t", Layer.CONTRACT)),
            anthropic.Anthropic(
                api_key="sk-simulated-no-secret", base_url=simulator.base_url
            ) as client,
        ):
            asked = {
                "model": MODEL,
                "max_tokens": 50_000,
                "messages": [{"role": "user", "content": "hi"}],
            }
            batch = client.messages.batches.create(
                requests=[{"custom_id": name, "params": asked} for name in "ab"]  # type: ignore[typeddict-item]
            )
            (before,) = account.spending()
            ends_s = time.monotonic() + WAIT_S
            while client.messages.batches.retrieve(batch.id).processing_status != "ended":
                assert time.monotonic() < ends_s
                time.sleep(0.05)
            results = [one.result for one in client.messages.batches.results(batch.id)]
    finally:
        seam.remove(guard)
    (after,) = account.spending()
    assert before.unsettled_usd == pytest.approx(2 * 50_000 * 0.5e-6 / 2, rel=0.05)
    output = sum(one.message.usage.output_tokens for one in results if one.type == "succeeded")
    fresh = sum(one.message.usage.input_tokens for one in results if one.type == "succeeded")
    assert (after.calls, after.unsettled_calls) == (1, 0)
    assert after.spent_usd == pytest.approx((fresh * 0.1 + output * 0.5) / 1e6 / 2)

"""A refused call ends at once, however the SDK is used, and is remembered whoever swallows it."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import anthropic
import pytest

from l9gate.errors import BudgetStop
from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import Exchange, Layer, Origin
from l9gate.measure.clock import SystemClock
from l9gate.observe.attribution import Owner, owned_by
from l9gate.observe.budget import BudgetGuard
from l9gate.observe.origins import Target
from l9gate.observe.recorder import Outbox, Recorder
from l9gate.observe.seam import Seam
from l9gate.store.account import Account
from l9gate.store.caps import Caps
from l9gate.store.ledger import Ledger
from l9gate.wire.prices import PriceList

HOST = "127.0.0.1:9"  # nobody listens there, and nobody is asked
URL = f"http://{HOST}"
CALL = {
    "model": "claude-opus-5-5",
    "max_tokens": 1000,
    "messages": [{"role": "user", "content": "hi"}],
}
AT_ONCE_S = 2.0  # five retries would take half a minute


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog()


@pytest.fixture
def guard(tmp_path: Path, log: MemoryLog) -> Iterator[BudgetGuard]:
    """Stand before every client with an account that pays for nothing."""
    clock = SystemClock()
    ledger = Ledger(tmp_path / "ledger.db", clock)
    account = Account.open(ledger, "r", Origin.LIVE, Caps(per_run_usd=0.001), PriceList())
    guard = BudgetGuard(account, Recorder(Outbox(log, clock), clock, Target(HOST)), HOST)
    seam = Seam()
    seam.install(guard)
    with owned_by(Owner("t", Layer.CONTRACT)):
        yield guard
    seam.remove(guard)


def client() -> anthropic.Anthropic:
    return anthropic.Anthropic(api_key="k", base_url=URL, max_retries=5)


def create() -> None:
    client().messages.create(**CALL)  # type: ignore[call-overload]


def stream() -> None:
    with client().messages.stream(**CALL) as events:  # type: ignore[arg-type]
        events.until_done()


async def create_async() -> None:
    async with anthropic.AsyncAnthropic(api_key="k", base_url=URL, max_retries=5) as made:
        await made.messages.create(**CALL)  # type: ignore[call-overload]


def gather() -> None:
    async def both() -> None:
        await asyncio.gather(create_async(), create_async())

    asyncio.run(both())


def task_group() -> None:
    async def group() -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(create_async())

    try:
        asyncio.run(group())
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None


def pool() -> None:
    with ThreadPoolExecutor(1) as workers:
        workers.submit(create).result()


@pytest.mark.parametrize("use", [create, stream, gather, task_group, pool])
def test_a_refused_call_ends_at_once_and_sends_nothing(
    guard: BudgetGuard, log: MemoryLog, use: Callable[[], None]
) -> None:
    started_s = time.monotonic()
    with pytest.raises(BudgetStop, match="budget of this run used up"):
        use()
    assert time.monotonic() - started_s < AT_ONCE_S
    assert list(log.of(Exchange)) == []
    assert guard.take_refusals()


def test_what_a_thread_swallows_is_remembered(guard: BudgetGuard) -> None:
    def swallow() -> None:
        try:
            create()
        except BaseException:  # noqa: BLE001 - what is tested
            return

    thread = threading.Thread(target=swallow)
    thread.start()
    thread.join()
    assert len(guard.take_refusals()) == 1

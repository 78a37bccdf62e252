"""Large requests, long heads, names to look up, users who think, and the timer beneath it all."""

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from l9gate.drive.arrivals import Closed, Constant
from l9gate.drive.workload import Fixed, Job
from l9gate.evidence.load import CallEnd
from l9gate.evidence.words import Origin
from l9gate.measure.clock import SystemClock
from l9gate.net.alarm import Alarm
from l9gate.store.account import Account
from l9gate.store.caps import Caps
from l9gate.store.ledger import Ledger
from l9gate.wire.prices import PriceList

if TYPE_CHECKING:
    from tests.system.drive.conftest import Bench, Told

BODY = b'{"type":"message","model":"m","content":[],"usage":{"input_tokens":3}}'
WHOLE = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(BODY), BODY)


async def answer(writer: asyncio.StreamWriter, number: int) -> None:
    writer.write(WHOLE)


def test_a_large_request_arrives_whole(bench: "Bench") -> None:
    large = Fixed((Job(b"x" * 8_000_000, model="m"),))
    told = bench.run(answer, Closed(2, calls=6), workload=large)
    assert told.ends == [CallEnd.OK] * 6
    assert all(b"content-length: 8000000\r\n" in head for head in told.server.requests)


def test_a_large_answer_arrives_whole(bench: "Bench") -> None:
    async def answer_much(writer: asyncio.StreamWriter, number: int) -> None:
        text = b'{"type":"message","model":"m","content":"%b","usage":{}}' % (b"y" * 3_000_000)
        writer.write(bench.whole(body=text))

    assert bench.run(answer_much, Closed(2, calls=6)).ends == [CallEnd.OK] * 6


def test_a_head_without_an_end_is_malformed(bench: "Bench") -> None:
    async def go_on(writer: asyncio.StreamWriter, number: int) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nx: " + b"y" * 100_000)

    assert bench.run(go_on, Closed(1, calls=2)).ends == [CallEnd.MALFORMED] * 2


def test_bytes_that_nobody_asked_for_end_a_connection(bench: "Bench") -> None:
    async def answer_twice(writer: asyncio.StreamWriter, number: int) -> None:
        writer.write(WHOLE)
        await writer.drain()
        await asyncio.sleep(0.01)
        writer.write(WHOLE)

    told = bench.run(answer_twice, Constant(20, 0.2))
    assert told.ends == [CallEnd.OK] * 4
    assert told.server.connections == 4


def test_a_second_answer_in_the_same_bytes_changes_nothing_of_the_first(bench: "Bench") -> None:
    async def fail_and_answer(writer: asyncio.StreamWriter, number: int) -> None:
        writer.write(b"HTTP/1.1 500 Sorry\r\ncontent-length: 0\r\n\r\n" + WHOLE)

    told = bench.run(fail_and_answer, Closed(1, calls=3))
    assert told.ends == [CallEnd.SERVER_ERROR] * 3
    assert told.server.connections == 3


@pytest.mark.parametrize(("name", "end"), [("localhost", "OK"), ("no.such.invalid", "UNREACHABLE")])
def test_a_name_is_looked_up(bench: "Bench", name: str, end: str) -> None:
    async def run() -> "Told":
        server = bench.server(answer)
        async with server.listening() as base_url:
            return await bench.load(server, base_url.replace("127.0.0.1", name), Closed(4, calls=8))

    told = bench.run_async(run())
    assert told.ends == [CallEnd[end]] * 8


def test_users_of_a_closed_loop_think_until_the_time_is_over(bench: "Bench") -> None:
    told = bench.run(answer, Closed(2, duration_s=0.5, think_s=0.1))
    assert 8 <= told.end.done <= 10
    due_s = np.sort(told.times_s("due_s"))
    assert (due_s[2:] - due_s[:-2]).min() >= 0.1


def test_calls_that_find_no_connection_in_time_are_not_sent(bench: "Bench", tmp_path: Path) -> None:
    async def be_silent(writer: asyncio.StreamWriter, number: int) -> None:
        await asyncio.sleep(9)

    ledger = Ledger(tmp_path / "ledger.db", SystemClock())
    account = Account.open(ledger, "r", Origin.LIVE, Caps(per_run_usd=5.0), PriceList())
    told = bench.run(be_silent, Constant(100, 0.2), connections=1, timeout_s=0.3, account=account)
    assert told.end.planned == 20
    assert 1 <= told.end.sent <= 3
    assert told.ends == [CallEnd.TIMED_OUT] * told.end.sent
    (spending,) = account.spending()
    assert spending.calls == told.end.sent


@pytest.mark.parametrize("has_timer", [True, False])
def test_an_alarm_rings_when_it_was_set_last(
    bench: "Bench", monkeypatch: pytest.MonkeyPatch, *, has_timer: bool
) -> None:
    if not has_timer:
        monkeypatch.setattr("sys.platform", "other")

    async def run() -> list[float]:
        rang_s: list[float] = []
        alarm = Alarm(asyncio.get_running_loop(), lambda: rang_s.append(time.monotonic()))
        begin_s = time.monotonic()
        alarm.set(0.02)
        alarm.set(0.05)
        await asyncio.sleep(0.12)
        alarm.set(-1.0)
        await asyncio.sleep(0.03)
        alarm.set(0.01)
        alarm.close()
        await asyncio.sleep(0.03)
        return [at_s - begin_s for at_s in rang_s]

    first_s, second_s = bench.run_async(run())
    assert 0.0499 <= first_s < 0.1
    assert 0.119 <= second_s < 0.15

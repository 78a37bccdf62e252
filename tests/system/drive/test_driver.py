"""A load against servers that behave, and against some that do not."""

import asyncio
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from l9gate.drive.arrivals import Closed, Constant, Poisson
from l9gate.drive.plan import Reason
from l9gate.drive.workload import Generated, minimal
from l9gate.evidence.load import Arm, CallEnd, CallMark, ClientCheck, LoadHistogram, LoadPlan
from l9gate.evidence.words import Origin
from l9gate.measure.clock import SystemClock
from l9gate.net.descriptors import allow_descriptors
from l9gate.store.account import Account
from l9gate.store.caps import Caps
from l9gate.store.ledger import Ledger
from l9gate.wire.prices import PriceList

if TYPE_CHECKING:
    from tests.system.drive.conftest import Bench, Told

EVENTS = (
    b'event: message_start\ndata: {"message":{"model":"m","usage":{"input_tokens":3}}}\n\n'
    b'event: content_block_start\ndata: {"content_block":{"type":"text"}}\n\n',
    b'event: content_block_delta\ndata: {"delta":{"type":"text_delta","text":"a"}}\n\n',
    b'event: message_delta\ndata: {"usage":{"output_tokens":2}}\n\n'
    b"event: message_stop\ndata: {}\n\n",
)
STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


BODY = b'{"type":"message","model":"m","content":[],"usage":{"input_tokens":3}}'
WHOLE = b"HTTP/1.1 200 OK\r\nRequest-ID: r\r\ncontent-length: %d\r\n\r\n%b" % (len(BODY), BODY)


async def answer(writer: asyncio.StreamWriter, number: int) -> None:
    writer.write(WHOLE)


def test_an_open_loop_sends_every_call_when_it_is_due(bench: "Bench") -> None:
    told = bench.run(answer, Constant(200, 1))
    (plan,) = told.log.of(LoadPlan)
    assert (plan.planned, told.end.sent, told.end.done) == (200, 200, 200)
    assert told.ends == [CallEnd.OK] * 200
    due_s = np.sort(told.times_s("due_s"))
    assert due_s == pytest.approx(plan.starts_s + np.arange(200) / 200, abs=1e-6)
    lags_s = told.times_s("sent_s") - told.times_s("due_s")
    assert lags_s.min() > 0
    assert np.median(lags_s) < 0.005
    assert told.server.connections < 20


def test_an_open_loop_does_not_wait_for_answers(bench: "Bench") -> None:
    async def answer_late(writer: asyncio.StreamWriter, number: int) -> None:
        await asyncio.sleep(0.5)
        writer.write(WHOLE)

    told = bench.run(answer_late, Constant(100, 0.3))
    sent_s = told.times_s("sent_s")
    assert sent_s.max() - sent_s.min() < 0.45
    assert told.server.connections == 30


def test_a_wait_for_a_connection_is_part_of_the_latency(bench: "Bench") -> None:
    async def answer_late(writer: asyncio.StreamWriter, number: int) -> None:
        await asyncio.sleep(0.1)
        writer.write(WHOLE)

    told = bench.run(answer_late, Constant(1000, 0.005), connections=1)
    latency_s = np.sort(told.times_s("ended_s") - told.times_s("due_s"))
    assert latency_s == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5], abs=0.07)


def test_a_closed_loop_has_so_many_users_and_so_many_calls(bench: "Bench") -> None:
    at_once, most = set[asyncio.StreamWriter](), list[int]()

    async def answer_slowly(writer: asyncio.StreamWriter, number: int) -> None:
        at_once.add(writer)
        most.append(len(at_once))
        await asyncio.sleep(0.01)
        at_once.discard(writer)
        writer.write(WHOLE)

    told = bench.run(answer_slowly, Closed(3, calls=20))
    assert (told.end.planned, told.end.done, max(most)) == (20, 20, 3)


def test_warm_up_and_control_calls_are_apart(bench: "Bench") -> None:
    control = minimal("control-model").made[0]
    told = bench.run(
        answer, Poisson(50, 0.5), warm_up=5, control=control, control_every_s=0.1, seed=4
    )
    assert sum(block.calls for block in told.blocks(Arm.WARM_UP)) == 5
    assert 5 <= sum(block.calls for block in told.blocks(Arm.CONTROL)) <= 6
    assert {block.model for block in told.blocks(Arm.CONTROL)} == {"control-model"}
    assert told.end.done == told.end.planned == sum(block.calls for block in told.blocks())


@pytest.mark.parametrize(
    ("status", "end"),
    [(429, CallEnd.RATE_LIMITED), (529, CallEnd.OVERLOADED), (500, CallEnd.SERVER_ERROR)],
)
def test_refusals_are_told_apart_and_keep_their_connection(
    bench: "Bench", status: int, end: CallEnd
) -> None:
    async def refuse(writer: asyncio.StreamWriter, number: int) -> None:
        writer.write(bench.whole(status, b"{}"))

    told = bench.run(refuse, Closed(1, calls=5))
    assert told.ends == [end] * 5
    assert told.server.connections == 1


def test_a_stream_has_its_times(bench: "Bench") -> None:
    async def stream(writer: asyncio.StreamWriter, number: int) -> None:
        writer.write(STREAM + chunk(EVENTS[0]))
        for pause_s in (0.1, 0.05, 0.2):
            await asyncio.sleep(pause_s)
            writer.write(chunk(EVENTS[1]))
        writer.write(chunk(EVENTS[2]) + b"0\r\n\r\n")

    told = bench.run(stream, Closed(1, calls=2), stream=True)
    (block,) = told.blocks()
    assert told.ends == [CallEnd.OK] * 2
    assert block.stream
    ttft_s = told.times_s("first_token_s") - told.times_s("sent_s")
    assert ttft_s == pytest.approx([0.1, 0.1], abs=0.04)
    assert np.frombuffer(block.gap_counts, "<u4").tolist() == [2, 2]
    assert np.frombuffer(block.gaps_s, "<f4") == pytest.approx([0.05, 0.2] * 2, abs=0.04)
    assert told.server.connections == 1
    assert np.frombuffer(block.output_tokens, "<u4").tolist() == [2, 2]


def test_a_stream_in_single_bytes_is_a_stream(bench: "Bench") -> None:
    whole = STREAM + b"".join(chunk(event) for event in EVENTS) + b"0\r\n\r\n"

    async def dribble(writer: asyncio.StreamWriter, number: int) -> None:
        for at in range(len(whole)):
            writer.write(whole[at : at + 1])
            await asyncio.sleep(0)

    assert bench.run(dribble, Closed(1, calls=3), stream=True).ends == [CallEnd.OK] * 3


@pytest.mark.parametrize(
    ("sent", "end"),
    [
        (b"", CallEnd.UNREACHABLE),
        (b"HTTP/1.1 200 OK\r\n", CallEnd.CUT),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{", CallEnd.CUT),
        (STREAM + chunk(EVENTS[0]), CallEnd.CUT),
        (STREAM + chunk(EVENTS[0]) + b"0\r\n\r\n", CallEnd.CUT),
        (STREAM + chunk(b"event: error\ndata: {}\n\n"), CallEnd.STREAM_ERROR),
        (STREAM + chunk(b"".join(EVENTS)), CallEnd.OK),
        (b"no HTTP at all\r\n\r\n", CallEnd.MALFORMED),
    ],
)
def test_an_answer_that_breaks_off_says_how(bench: "Bench", sent: bytes, end: CallEnd) -> None:
    async def break_off(writer: asyncio.StreamWriter, number: int) -> None:
        writer.write(sent)
        writer.close()

    told = bench.run(break_off, Closed(1, calls=2), stream=True)
    assert told.ends == [end, end]


def test_an_answer_without_a_length_ends_with_its_connection(bench: "Bench") -> None:
    async def close_after(writer: asyncio.StreamWriter, number: int) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n" + bench.message)
        writer.close()

    told = bench.run(close_after, Closed(1, calls=3))
    assert told.ends == [CallEnd.OK] * 3
    assert told.server.connections == 3


def test_a_server_that_wants_a_connection_for_each_call_gets_it(bench: "Bench") -> None:
    async def answer_last(writer: asyncio.StreamWriter, number: int) -> None:
        writer.write(bench.whole(head="connection: close\r\n"))

    told = bench.run(answer_last, Closed(8, calls=200))
    assert told.ends == [CallEnd.OK] * 200
    assert told.server.connections == 200


def test_a_connection_that_was_closed_while_idle_costs_no_call(bench: "Bench") -> None:
    async def answer_and_close(writer: asyncio.StreamWriter, number: int) -> None:
        writer.write(WHOLE)  # it says keep-alive and does not
        await writer.drain()
        writer.close()

    told = bench.run(answer_and_close, Closed(4, calls=200))
    assert told.ends == [CallEnd.OK] * 200


def test_nobody_listening_is_unreachable(bench: "Bench") -> None:
    async def run() -> "Told":
        server = bench.server(answer)
        async with server.listening() as base_url:
            pass
        return await bench.load(server, base_url, Constant(50, 0.1))

    told = bench.run_async(run())
    assert told.ends == [CallEnd.UNREACHABLE] * 5


def test_a_silent_server_times_calls_out(bench: "Bench") -> None:
    async def be_silent(writer: asyncio.StreamWriter, number: int) -> None:
        await asyncio.sleep(3)

    told = bench.run(be_silent, Constant(50, 0.1), timeout_s=0.4)
    assert told.ends == [CallEnd.TIMED_OUT] * 5
    took_s = told.times_s("ended_s") - told.times_s("sent_s")
    assert took_s == pytest.approx(np.full(5, 0.4), abs=0.1)


def test_a_freezing_server_shows_in_the_tail(bench: "Bench") -> None:
    async def run() -> "Told":
        loop = asyncio.get_running_loop()
        begin_s = loop.time()

        async def freeze(writer: asyncio.StreamWriter, number: int) -> None:
            phase_s = (loop.time() - begin_s) % 2.0
            if phase_s < 0.4:
                await asyncio.sleep(0.4 - phase_s)
            writer.write(WHOLE)

        server = bench.server(freeze)
        async with server.listening() as base_url:
            return await bench.load(server, base_url, Constant(200, 4.0))

    told = bench.run_async(run())
    latency_s = told.times_s("ended_s") - told.times_s("due_s")
    assert told.end.sent == told.end.planned == 800
    p95_s, p99_s = np.quantile(latency_s, [0.95, 0.99])
    assert p95_s == pytest.approx(0.3, abs=0.03)  # 20 % wait, evenly up to 0.4 s
    assert p99_s == pytest.approx(0.38, abs=0.03)


def test_calls_beyond_the_exact_values_are_counted(bench: "Bench") -> None:
    told = bench.run(answer, Closed(4, calls=3000), exact_values=1000)
    exact = sum(block.calls for block in told.blocks())
    counted = sum(
        sum(part.ends.values()) for part in told.log.of(LoadHistogram) if part.arm is Arm.MAIN
    )
    assert exact + counted == 3000
    assert 1000 <= exact < 3000


def test_the_client_checks_itself(bench: "Bench") -> None:
    told = bench.run(answer, Constant(100, 0.5))
    (check,) = told.log.of(ClientCheck)
    assert (check.sent, check.due) == (50, 50)
    assert 0 < check.cpu_share < 2
    assert check.schedule_lag_p99_s < 0.1


def test_a_new_connection_is_marked_once(bench: "Bench") -> None:
    (block,) = bench.run(answer, Closed(1, calls=4)).blocks()
    assert [bool(mark & CallMark.NEW_CONNECTION) for mark in block.marks] == [True] + [False] * 3
    assert all(mark & CallMark.HAS_REQUEST_ID and mark & CallMark.HAS_USAGE for mark in block.marks)


def test_a_workload_that_fails_ends_the_load_with_its_own_error(bench: "Bench") -> None:
    def generate(seed: int) -> Iterator[bytes]:
        yield b'{"model": "m"}'
        raise KeyError("theirs")

    with pytest.raises(KeyError, match="theirs"):
        bench.run(answer, Constant(50, 1), workload=Generated(generate, "x:y"))


def test_a_workload_that_ends_early_says_so(bench: "Bench") -> None:
    def generate(seed: int) -> list[bytes]:
        return [b'{"model": "m"}'] * 3

    told = bench.run(answer, Constant(50, 1), workload=Generated(generate, "x:y"))
    assert (told.end.reason, told.end.sent, told.end.planned) == (Reason.EXHAUSTED, 3, 50)


def test_a_load_ends_where_its_money_does(bench: "Bench", tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.db", SystemClock())
    account = Account.open(ledger, "r", Origin.LIVE, Caps(per_run_usd=0.00027), PriceList())
    told = bench.run(answer, Closed(1, calls=100), account=account)
    assert told.end.reason is Reason.NOT_PAID
    assert told.end.refusal is not None
    assert told.ends[-1] is CallEnd.NOT_PAID
    assert 5 < told.ends.count(CallEnd.OK) < 100
    assert sum(part.spent_usd for part in account.spending()) <= 0.00027


def test_an_interim_answer_is_passed_over(bench: "Bench") -> None:
    async def hint(writer: asyncio.StreamWriter, number: int) -> None:
        interim = b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n"
        if number % 2:
            writer.write(interim + WHOLE)
        else:
            writer.write(interim[:30])
            await asyncio.sleep(0.01)
            writer.write(interim[30:])
            await asyncio.sleep(0.01)
            writer.write(WHOLE)

    told = bench.run(hint, Closed(1, calls=4))
    (block,) = told.blocks()
    assert told.ends == [CallEnd.OK] * 4
    assert all(mark & CallMark.HAS_REQUEST_ID for mark in block.marks)


def test_a_load_asks_for_the_descriptors_that_it_needs() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (200, before[1]))
        assert allow_descriptors(400) == 400
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 464
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_a_load_has_no_more_connections_than_it_may(bench: "Bench") -> None:
    async def answer_late(writer: asyncio.StreamWriter, number: int) -> None:
        await asyncio.sleep(0.02)
        writer.write(WHOLE)

    told = bench.run(answer_late, Constant(2000, 0.1), connections=30)
    assert told.ends == [CallEnd.OK] * 200
    assert told.server.connections == 30

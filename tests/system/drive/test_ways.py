"""The ways to an endpoint: TLS, a proxy, the SDK's client; and loads that are stopped half way."""

import asyncio
import base64
import gc
import os
import signal
import ssl
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from l9gate.drive.arrivals import Closed, Constant
from l9gate.drive.driver import drive
from l9gate.drive.plan import Drive, Progress, Reason, Wire
from l9gate.drive.sdk_entry import SdkEntry
from l9gate.drive.workload import minimal
from l9gate.evidence.load import CallEnd, Entry, LoadBlock
from l9gate.evidence.log import MemoryLog
from l9gate.evidence.words import Origin
from l9gate.measure.clock import SystemClock
from l9gate.simulator.server import SimulatorThread

if TYPE_CHECKING:
    from tests.system.drive.conftest import Bench, Told

MODEL = "claude-haiku-5-5"
BODY = b'{"type":"message","model":"m","content":[],"usage":{"input_tokens":3}}'
WHOLE = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(BODY), BODY)


async def answer(writer: asyncio.StreamWriter, number: int) -> None:
    writer.write(WHOLE)


class Proxy:
    """Opens tunnels, and sends on what asks for an absolute address."""

    def __init__(self, status: str = "200 fine") -> None:
        self.status = status
        self.heads: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.heads.append(head.decode())
        method, target, _ = self.heads[-1].split(" ", 2)
        is_tunnel = method == "CONNECT"
        place = target if is_tunnel else target.removeprefix("http://").partition("/")[0]
        name, _, port = place.rpartition(":")
        far_reader, far_writer = await asyncio.open_connection(name, int(port))
        if is_tunnel:
            writer.write(f"HTTP/1.1 {self.status}\r\n\r\n".encode())
        else:
            far_writer.write(head)
        await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer))


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
    except OSError:
        pass
    writer.close()


def context_of(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def load_through(
    bench: "Bench", proxy: Proxy, certificate: Path | None, **fields: object
) -> "Told":
    async def run() -> "Told":
        tls = None if certificate is None else context_of(certificate)
        trust = None if certificate is None else ssl.create_default_context(cafile=certificate)
        server = bench.server(answer)
        listener = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
        port = listener.sockets[0].getsockname()[1]
        url = f"http://me:secret%21@127.0.0.1:{port}"
        async with server.listening(tls) as base_url:
            told = await bench.load(
                server, base_url, Closed(2, calls=10), proxy=url, tls=trust, **fields
            )
        listener.close()
        return told

    return bench.run_async(run())


@pytest.mark.parametrize("is_trusted", [True, False])
def test_tls_is_spoken_and_checked(bench: "Bench", certificate: Path, is_trusted: bool) -> None:
    async def run() -> "Told":
        server = bench.server(answer)
        trust = ssl.create_default_context(cafile=certificate if is_trusted else None)
        async with server.listening(context_of(certificate)) as base_url:
            return await bench.load(server, base_url, Closed(2, calls=20), tls=trust)

    told = bench.run_async(run())
    assert told.ends == [CallEnd.OK if is_trusted else CallEnd.UNREACHABLE] * 20
    assert told.server.connections == 2 or not is_trusted


def test_https_goes_through_a_tunnel(bench: "Bench", certificate: Path) -> None:
    proxy = Proxy()
    told = load_through(bench, proxy, certificate)
    assert told.ends == [CallEnd.OK] * 10
    assert len(proxy.heads) == told.server.connections == 2
    assert proxy.heads[0].startswith("CONNECT 127.0.0.1:")
    login = base64.b64encode(b"me:secret!").decode()
    assert f"proxy-authorization: Basic {login}\r\n" in proxy.heads[0]
    assert not any(b"proxy-authorization" in head for head in told.server.requests)


def test_a_proxy_that_opens_no_tunnel_is_in_the_way(bench: "Bench", certificate: Path) -> None:
    told = load_through(bench, Proxy("407 login"), certificate)
    assert told.ends == [CallEnd.UNREACHABLE] * 10


def test_http_goes_to_the_proxy_by_its_whole_address(bench: "Bench") -> None:
    proxy = Proxy()
    told = load_through(bench, proxy, None)
    assert told.ends == [CallEnd.OK] * 10
    assert proxy.heads[0].startswith("POST http://127.0.0.1:")


@pytest.fixture
def simulator() -> Iterator[SimulatorThread]:
    with SimulatorThread() as simulator:
        yield simulator


@pytest.mark.parametrize("stream", [False, True])
def test_the_simulator_is_driven_over_the_wire_and_through_the_sdk(
    bench: "Bench",
    simulator: SimulatorThread,
    stream: bool,
) -> None:
    wire = Wire(base_url=simulator.base_url, key="sk-ant-simulated-key", timeout_s=20)
    kinds = {}
    for entry in (Entry.WIRE, Entry.SDK):
        plan = Drive(
            wire=wire,
            arrivals=Closed(2, calls=4),
            workload=minimal(MODEL, stream=stream),
            entry=entry,
        )
        log, clock = MemoryLog(), SystemClock()
        caller = SdkEntry(wire, clock) if entry is Entry.SDK else None
        end = bench.run_async(drive(plan, clock, log, caller=caller))
        assert end.ends == {CallEnd.OK: 4}
        (block,) = log.of(LoadBlock)
        assert (block.origin, block.calls) == (Origin.SIMULATED, 4)
        assert bool(block.first_text_s) is stream
        kinds[entry] = block.usage
    assert kinds[Entry.WIRE] == kinds[Entry.SDK]
    assert kinds[Entry.WIRE] is not None


def test_who_watches_may_end_a_load(bench: "Bench") -> None:
    seen: list[Progress] = []

    def watch(progress: Progress) -> bool:
        seen.append(progress)
        return len(seen) == 2

    async def run() -> Reason:
        server = bench.server(answer)
        async with server.listening() as base_url:
            plan = Drive(
                wire=Wire(base_url=base_url, key="k"),
                arrivals=Constant(50, 60),
                workload=minimal(MODEL),
            )
            return (await drive(plan, SystemClock(), MemoryLog(), watch)).reason

    assert bench.run_async(run()) is Reason.STOPPED
    assert 0 < seen[0].done < seen[1].done <= seen[1].sent < 200
    assert len(seen[1].latency_s) == 3
    assert seen[1].rate_per_s == pytest.approx(50, rel=0.3)


PROGRAM = """
import asyncio, sys
from l9gate.drive.arrivals import Constant
from l9gate.drive.driver import drive
from l9gate.drive.plan import Drive, Wire
from l9gate.drive.workload import minimal
from l9gate.evidence.load import LoadBlock
from l9gate.evidence.log import MemoryLog
from l9gate.measure.clock import SystemClock

log = MemoryLog()
plan = Drive(wire=Wire(base_url=sys.argv[1], key="k"), arrivals=Constant(100, 60),
             workload=minimal("m"))
try:
    with asyncio.Runner() as runner:
        runner.run(drive(plan, SystemClock(), log, lambda _: print("on", flush=True)))
except KeyboardInterrupt:
    print(sum(block.calls for block in log.of(LoadBlock)), flush=True)
"""


def test_ctrl_c_keeps_what_was_measured(simulator: SimulatorThread) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, simulator.base_url], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "on\n"
        os.kill(process.pid, signal.SIGINT)
        rest, _ = process.communicate(timeout=20)
    finally:
        process.kill()
        process.wait()
    assert int(rest.split()[-1]) >= 90


@pytest.mark.parametrize(("exact_values", "most_bytes"), [(1_000_000, 64), (0, 4)])
def test_a_call_leaves_little_behind(bench: "Bench", exact_values: int, most_bytes: int) -> None:
    """What a longer load holds at its end beyond a shorter one, by each further call."""

    def held_bytes(calls: int) -> int:
        tracemalloc.start()
        told = bench.run(answer, Closed(8, calls=calls), exact_values=exact_values)
        told.server.requests.clear()
        gc.collect()
        held = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        assert told.end.done == calls
        return held

    held_bytes(500)
    assert (held_bytes(9000) - held_bytes(1000)) / 8000 < most_bytes

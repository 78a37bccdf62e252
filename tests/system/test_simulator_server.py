"""The simulator as a server: raw requests, odd peers, its address, its process."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import time

import httpx2
import pytest

from l9gate.errors import (
    AnswerTimeoutError,
    BodyCutError,
    EndpointUnreachableError,
    SettingsError,
)
from l9gate.net.client import request, stream
from l9gate.simulator.config import SimulatorConfig
from l9gate.simulator.server import SimulatorThread, running_simulator
from l9gate.wire.sse import SseParser
from l9gate.wire.stream import StreamFolder

BODY = b'{"model":"claude-haiku-5-5","max_tokens":300,"messages":[{"role":"user","content":"hi"}]}'

HEADERS = {"authorization": "Bearer sk-simulated-key", "anthropic-version": "2026-10-21"}


@pytest.mark.parametrize("header", ["x-api-key", "authorization"])
def test_both_credentials_work_and_a_bad_one_is_refused(
    simulator: SimulatorThread, header: str
) -> None:
    """L2-07."""
    for key, status in (("sk-good-key", 200), ("sk-invalid-key", 401), ("x", 401)):
        value = key if header == "x-api-key" else f"Bearer {key}"
        headers = {"anthropic-version": "2026-10-21", header: value}
        answer = httpx2.post(f"{simulator.base_url}/v1/messages", headers=headers, content=BODY)
        assert answer.status_code == status
        assert answer.headers["x-l9gate-origin"] == "simulated"


def test_a_body_beyond_the_bound_is_a_413(simulator: SimulatorThread) -> None:
    url = f"{simulator.base_url}/v1/messages"
    big = httpx2.post(url, headers=HEADERS, content=b"x" * 34_000_000)
    assert big.status_code == 413
    assert big.json()["error"]["type"] == "request_too_large"


def test_garbage_is_refused_and_the_server_lives(simulator: SimulatorThread) -> None:
    port = int(simulator.base_url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=5) as peer:
        peer.sendall(b"\x16\x03\x01 nonsense\r\n\r\n")
        assert b" 400 " in peer.recv(4096)
    assert httpx2.get(f"{simulator.base_url}/v1/models", headers=HEADERS).status_code == 200


def test_a_client_that_goes_away_leaves_no_task() -> None:
    async def play() -> set[str]:
        async with running_simulator(SimulatorConfig(load_factor=3)) as handle:
            tasks_before = asyncio.all_tasks()
            with pytest.raises(AnswerTimeoutError):
                await _post(handle.base_url, BODY, timeout_s=0.2)
            streamed = BODY[:-1] + b',"stream":true}'
            url = f"{handle.base_url}/v1/messages"
            async with stream("POST", url, headers=HEADERS, body=streamed) as response:
                first = await anext(response.chunks())
                assert first.data.startswith(b"event: message_start")
            await asyncio.sleep(0.05)
            return {task.get_name() for task in asyncio.all_tasks() - tasks_before}

    assert asyncio.run(play()) == set()


async def _post(base_url: str, body: bytes, timeout_s: float = 5.0) -> int:
    answer = await request(
        "POST", f"{base_url}/v1/messages", headers=HEADERS, body=body, timeout_s=timeout_s
    )
    return answer.status


def test_stopping_cancels_what_is_still_running() -> None:
    async def play() -> float:
        async with running_simulator(SimulatorConfig(load_factor=1000)) as handle:
            asked = asyncio.create_task(_post(handle.base_url, BODY, timeout_s=30))
            await asyncio.sleep(0.1)
            started_s = time.monotonic()
        took_s = time.monotonic() - started_s
        with pytest.raises(BodyCutError, match="closed the connection"):
            await asked
        assert len(asyncio.all_tasks()) == 1
        return took_s

    assert asyncio.run(play()) < 3


def test_our_client_reads_a_stream_in_pieces(simulator: SimulatorThread) -> None:
    async def play() -> tuple[StreamFolder, list[float]]:
        folder, parser, times = StreamFolder(), SseParser(), []
        async with stream(
            "POST",
            f"{simulator.base_url}/v1/messages",
            headers=HEADERS,
            body=BODY[:-1] + b',"stream":true}',
        ) as response:
            assert response.status == 200
            async for chunk in response.chunks():
                times.append(chunk.at_s)
                for event in parser.feed(chunk.data):
                    folder.feed(event)
        return folder, times

    folder, times = asyncio.run(play())
    assert folder.has_ended
    assert times == sorted(times)


def test_an_endpoint_that_is_not_there_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(
        EndpointUnreachableError, match=f"http://127.0.0.1:{port} cannot be reached"
    ):
        asyncio.run(_post(f"http://127.0.0.1:{port}", BODY))


def test_a_port_that_is_taken_is_said(simulator: SimulatorThread) -> None:
    port = int(simulator.base_url.rpartition(":")[2])
    with pytest.raises(SettingsError, match=f"cannot listen on 127.0.0.1:{port}"):
        SimulatorThread(port=port).start()


def test_a_simulator_that_does_not_run_has_no_address() -> None:
    with pytest.raises(SettingsError, match="is not running"):
        _ = SimulatorThread().base_url


def test_the_pace_is_that_of_the_model() -> None:
    with SimulatorThread(SimulatorConfig(seed=5)) as running:
        started_s = time.monotonic()
        answer = httpx2.post(f"{running.base_url}/v1/messages", headers=HEADERS, content=BODY)
        assert answer.status_code == 200
        assert 0.1 < time.monotonic() - started_s < 1.5


SERVE = """
import sys
from l9gate.simulator.server import SimulatorConfig, serve_forever
serve_forever(SimulatorConfig(), "127.0.0.1", 0, lambda url: print(url, flush=True))
heavy = {"numpy", "scipy", "rich", "anthropic", "pytest"} & set(sys.modules)
print("heavy imports:", sorted(heavy))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_process_announces_itself_and_stops_cleanly(number: signal.Signals) -> None:
    started_s = time.monotonic()
    with subprocess.Popen(
        [sys.executable, "-c", SERVE], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        base_url = process.stdout.readline().strip()
        start_s = time.monotonic() - started_s
        try:
            assert re.fullmatch(r"http://127\.0\.0\.1:\d+", base_url)
            assert start_s < 2  # 0.2 s on an idle machine
            assert httpx2.get(f"{base_url}/v1/models", headers=HEADERS).status_code == 200
            if sys.platform == "linux":
                assert _rss_mb(process.pid) < 40
        finally:
            os.kill(process.pid, number)
            rest, errors = process.communicate(timeout=10)
    assert process.returncode == 0
    assert rest == "heavy imports: []\n"
    assert errors == ""


def _rss_mb(pid: int) -> float:
    with open(f"/proc/{pid}/status", encoding="ascii") as status:  # noqa: PTH123 - a kernel file
        found = re.search(r"VmRSS:\s+(\d+) kB", status.read())
    assert found is not None
    return int(found[1]) / 1024

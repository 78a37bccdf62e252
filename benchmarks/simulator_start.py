"""How soon the simulator is ready, what it holds when idle, and whether it keeps its pace.

The asked times are those that the profile gives for the seed and the number of each request, so
the quantiles of the same draws are compared, not two samples of one distribution.

Run: python benchmarks/simulator_start.py
"""

import asyncio
import re
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

from simulator_peers import HEADERS, body_of, note_machine, simulator
from simulator_server import PROFILE, TOKENS_PER_EVENT

from l9gate.net.client import stream
from l9gate.simulator.latency import pace_of

STREAMS, AT_ONCE, EVENTS = 300, 30, 40
BODY = body_of(f"Reply exactly: {'x' * 24 * EVENTS}", stream=True).encode()
QUANTILES = (0.5, 0.9, 0.99)


def start() -> tuple[float, float]:
    """Seconds until the first line, and megabytes a second after it."""
    began_s = time.monotonic()
    command = [sys.executable, "-m", "l9gate", "simulate", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        ready_s = time.monotonic() - began_s
        time.sleep(0.5)
        status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
        process.terminate()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    return ready_s, int(found[1]) / 1024 if found else 0.0


async def watch(url: str, turn: asyncio.Semaphore) -> tuple[float, list[float], int]:
    """Time to the first token, times between events, and tokens of the prompt."""
    async with turn:
        began_s, arrived_s, tokens = time.monotonic(), list[float](), 0
        target = f"{url}/v1/messages"
        async with stream("POST", target, headers=HEADERS, body=BODY, timeout_s=60) as answer:
            async for chunk in answer.chunks():
                now_s = time.monotonic()
                found = re.search(rb'"input_tokens":(\d+)', chunk.data)
                tokens = tokens or int(found[1] if found else 0)
                arrived_s += [now_s] * chunk.data.count(b"event: content_block_delta")
    gaps_s = [after - before for before, after in pairwise(arrived_s)]
    return arrived_s[0] - began_s, gaps_s, tokens


async def watch_all(url: str) -> tuple[list[float], list[float], int]:
    turn = asyncio.Semaphore(AT_ONCE)
    seen = await asyncio.gather(*(watch(url, turn) for _ in range(STREAMS)))
    return [first for first, _, _ in seen], [g for _, gaps, _ in seen for g in gaps], seen[0][2]


def asked(input_tokens: int) -> tuple[list[float], list[float]]:
    first_s, gaps_s = list[float](), list[float]()
    for ordinal in range(1, STREAMS + 1):
        pace = pace_of(PROFILE, input_tokens, 1.0, 0, ordinal)
        first_s.append(pace.first_token_s)
        gaps_s += [pace.gap_s(number, TOKENS_PER_EVENT) for number in range(1, EVENTS)]
    return first_s, gaps_s


def compare(name: str, measured_s: list[float], asked_s: list[float]) -> None:
    for share in QUANTILES:
        got, wanted = (
            sorted(values)[int(share * (len(values) - 1))] for values in (measured_s, asked_s)
        )
        missed = "" if abs(got / wanted - 1) <= 0.02 else "  (asked: within 2 %)"
        shown = f"{1000 * got:.2f} ms of {1000 * wanted:.2f} ms asked"
        print(f"{got / wanted:6.3f} x asked  {name} p{share * 100:g}: {shown}{missed}")


def main() -> None:
    note_machine()
    starts = [start() for _ in range(5)]
    ready_s, held_mb = min(ready for ready, _ in starts), min(held for _, held in starts)
    print(f"ready in {ready_s:.3f} s" + (" (asked: below 0.25 s)" if ready_s >= 0.25 else ""))
    print(f"idle at {held_mb:.1f} MB" + (" (asked: below 40 MB)" if held_mb >= 40 else ""))
    with simulator(1.0, -1.0) as server:
        first_s, gaps_s, tokens = asyncio.run(watch_all(server.url))
    asked_first_s, asked_gaps_s = asked(tokens)
    compare("first token", first_s, asked_first_s)
    compare("gap", gaps_s, asked_gaps_s)


if __name__ == "__main__":
    main()

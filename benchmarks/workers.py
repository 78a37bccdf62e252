"""One load by one process and by two: how late calls go out, how many go out, what is merged.

Server and clients share the machine. On two cores a second worker takes the core that the server
uses, so that the rate says little there; how much less late two workers are is to be seen anyway.

Run: nice -n -20 python benchmarks/workers.py
"""

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from l9gate.criteria.criterion import Scope
from l9gate.drive.order import LoadOrder
from l9gate.evidence.load import Arm, ClientCheck, LoadBlock
from l9gate.evidence.records import Origin
from l9gate.measure.clock import SystemClock
from l9gate.measure.histogram import Histogram
from l9gate.sources.bench import Bench
from l9gate.sources.load.crew import SharedEnd
from l9gate.sources.load.plan import Asked, LoadAssignment, Place
from l9gate.sources.load.workers import drive_shards
from l9gate.store.run import FORMAT_VERSION, Manifest, RunFolder, create_run

DURATION_S = 4.0
OPEN_LOOP, CLOSED_LOOP = "poisson 4000/s", "closed 64"
ROUNDS = 3
QUANTILES = (0.5, 0.95, 0.99)


@contextmanager
def server() -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    upstream = Path(__file__).parent / "proxy_upstream.py"
    with subprocess.Popen([sys.executable, upstream, "answers", str(port)]) as process:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
        process.terminate()


def carry_out(base_url: str, rate: str, workers: int) -> tuple[SharedEnd, RunFolder]:
    manifest = Manifest(
        format_version=FORMAT_VERSION,
        run_id="bench",
        package="bench",
        started_at="2026-11-22T00:00:00Z",
        git_revision=None,
        git_dirty=None,
        environment="development",
        endpoint=base_url,
        kind=Origin.LIVE,
        layers=(),
        model=None,
        seed=1,
        policy_hash="",
        versions={},
    )
    folder = create_run(Path(tempfile.mkdtemp()), manifest, "format = 1\n")
    order = LoadOrder(
        base_url=base_url,
        rate=rate,
        duration_s=DURATION_S,
        seed=1,
        model="claude-haiku-5-5",
        warm_up=64,
    )
    environ = {**os.environ, "ANTHROPIC_API_KEY": "sk-none"}
    with folder.writer("gate") as sink:
        bench = Bench(clock=SystemClock(), seed=1, sink=sink, say=print)
        scope = Scope(layers=(), kind=Origin.LIVE, environment="development")
        plan = LoadAssignment(
            order=order,
            asked=Asked(criteria=(), scope=scope),
            key="",
            place=Place(workers=workers),
            run=folder.path,
            environ=environ,
        )
        return asyncio.run(drive_shards(plan, bench)), folder


def latencies_s(folder: RunFolder) -> dict[int, "np.ndarray[tuple[int], np.dtype[np.float64]]"]:
    parts: dict[int, list[np.ndarray[tuple[int], np.dtype[np.float64]]]] = {}
    with folder.read() as log:
        for one in log.of(LoadBlock):
            if one.arm is Arm.MAIN:
                taken = np.frombuffer(one.ended_s, "<f8") - np.frombuffer(one.due_s, "<f8")
                parts.setdefault(one.shard, []).append(taken)
    return {shard: np.concatenate(found) for shard, found in parts.items()}


def show(base_url: str, rate: str) -> None:
    for workers in (1, 2):
        lags, shares, rates = [], [], []
        for _ in range(ROUNDS):
            shared, folder = carry_out(base_url, rate, workers)
            with folder.read() as log:
                checks = list(log.of(ClientCheck))
            lags.append(max(one.schedule_lag_p99_s for one in checks))
            shares.append(max(one.cpu_share for one in checks))
            rates.append(shared.end.done / DURATION_S)
        print(
            f"{rate}, {workers} worker(s): {np.median(rates):,.0f} answers/s, "
            f"schedule lag p99 {1000 * np.median(lags):.2f} ms, "
            f"busiest core {np.median(shares):.0%} (medians of {ROUNDS})"
        )


def compare(base_url: str) -> None:
    """The quantiles of merged shards beside those of all their calls."""
    _, folder = carry_out(base_url, OPEN_LOOP, 2)
    by_shard = latencies_s(folder)
    merged, union = Histogram(), Histogram()
    for values in by_shard.values():
        shard = Histogram()
        shard.add_many(values.tolist())
        merged.merge(Histogram.from_hdr(shard.to_hdr()))
    every = np.concatenate(list(by_shard.values()))
    union.add_many(every.tolist())
    print(f"merged shards equal the union: {merged == union} ({len(every):,} calls)")
    for q in QUANTILES:
        exact = float(np.sort(every)[int(np.ceil(q * len(every))) - 1])
        off = merged.quantile(q) / exact - 1
        means = np.mean([np.quantile(values, q) for values in by_shard.values()]) / exact - 1
        print(f"  p{100 * q:g}: merged {off:+.3%} off; the mean of the shards' own {means:+.3%}")


if __name__ == "__main__":
    print(f"{os.cpu_count()} cores")
    with server() as url:
        compare(url)
        show(url, OPEN_LOOP)
        show(url, CLOSED_LOOP)

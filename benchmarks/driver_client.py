"""One load of ours in a process of its own, as the benchmarks of the driver want it.

Leaves one line of JSON; the CPU time is that from when everything is imported.

Run: python benchmarks/driver_client.py OUT URL ARRIVALS DURATION_S
         [stream] [rows] [warm=N] [calls=N] [at_once=N]
"""

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from l9gate.drive.arrivals import Closed, Recorded, parse_arrivals
from l9gate.drive.driver import drive
from l9gate.drive.plan import Drive, Wire
from l9gate.drive.workload import Generated, Job, Workload, minimal
from l9gate.evidence.load import Arm, CallEnd, ClientCheck, LoadBlock
from l9gate.evidence.log import MemoryLog
from l9gate.measure.clock import SystemClock
from l9gate.net.loops import find_loop_factory

MODEL = "claude-haiku-5-5"


def numbered(_: int) -> Iterator[Job]:
    """Streams whose bodies say which one they are."""
    for number in range(10**9):
        content = f"NUMBER {number}"
        body = {"model": MODEL, "max_tokens": 64, "stream": True}
        messages = [{"role": "user", "content": content}]
        data = json.dumps(body | {"messages": messages}).encode()
        yield Job(data, model=MODEL, stream=True, max_tokens=64)


def main() -> None:
    out, url, words, duration_s, *rest = sys.argv[1:]
    options = dict(word.split("=") for word in rest if "=" in word)
    at_once = int(options.get("at_once", 0))
    arrivals = parse_arrivals(words, float(duration_s))
    if at_once:
        arrivals = Recorded((0.0,) * at_once)
    elif "calls" in options:
        assert isinstance(arrivals, Closed)
        arrivals = Closed(arrivals.users, calls=int(options["calls"]))
    stream = "stream" in rest
    workload: Workload = minimal(MODEL, stream=stream)
    if "rows" in rest:
        workload = Generated(numbered, "numbered")
    wire = Wire(
        base_url=url, key="sk-benchmark", timeout_s=60, warm_connections=int(options.get("warm", 0))
    )
    log, clock = MemoryLog(), SystemClock()
    to_monotonic_s = time.monotonic() - clock.now_s()
    plan = Drive(wire=wire, arrivals=arrivals, workload=workload)
    with asyncio.Runner(loop_factory=find_loop_factory()) as runner:
        before_s, begin_s = time.process_time(), time.monotonic()
        end = runner.run(drive(plan, clock, log))
        cpu_s, took_s = time.process_time() - before_s, time.monotonic() - begin_s
    blocks = [block for block in log.of(LoadBlock) if block.arm is Arm.MAIN]
    answer: dict[str, object] = {
        "planned": end.planned,
        "sent": end.sent,
        "done": end.done,
        "ok": end.ends.get(CallEnd.OK, 0),
        "cpu_s": cpu_s,
        "took_s": took_s,
        "record_bytes": sum(map(_size_bytes, blocks)),
        "checks": [
            (check.cpu_share, check.schedule_lag_p99_s, check.loop_lag_p99_s)
            for check in log.of(ClientCheck)
        ],
        "first_sent_s": min(map(float, _times(blocks, "sent_s"))) + to_monotonic_s,
    }
    if "rows" in rest or "latencies" in rest:
        answer |= {
            name: (_times(blocks, name) + to_monotonic_s).tolist()
            for name in ("due_s", "sent_s", "ended_s", "first_token_s")
        }
        numbers = [np.frombuffer(block.positions, "<u4") for block in blocks]
        answer["numbers"] = np.concatenate(numbers).tolist()
        answer["gap_counts"] = [
            int(count) for block in blocks for count in np.frombuffer(block.gap_counts, "<u4")
        ]
        answer["gaps_s"] = [
            float(gap) for block in blocks for gap in np.frombuffer(block.gaps_s, "<f4")
        ]
    Path(out).write_text(json.dumps(answer))


def _times(blocks: list[LoadBlock], name: str) -> "np.typing.NDArray[np.float64]":
    columns = [np.frombuffer(getattr(block, name), "<f8") for block in blocks]
    return np.concatenate(columns)


def _size_bytes(block: LoadBlock) -> int:
    values = (getattr(block, name) for name in block.__struct_fields__)
    return sum(len(value) for value in values if isinstance(value, bytes))


if __name__ == "__main__":
    main()

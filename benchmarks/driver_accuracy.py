"""How far from the truth our load client is, and others are: first tokens, gaps, tails, memory.

A server on the other core knows when it got each request and when it wrote each piece. An error is
the client's time from sending to the first token, less the server's from reading the request.

Run: python benchmarks/driver_accuracy.py [--peers DIR]   (see `driver_peers.py` for what is in DIR)
"""

import argparse
import json
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, cast

import numpy as np
from driver_peers import PeerError, Run, aiperf, guidellm, locust, run_ours, server
from simulator_peers import body_of, note_machine

from l9gate.wire.json import Json

Floats: TypeAlias = "np.typing.NDArray[np.float64]"
FIRST_S, GAP_S = 0.5, 0.02
DELTAS = 50
RUNS = 3  # of each crowd; the median counts
EVERY_S, FREEZE_S, PERIODS = 10.0, 1.0, 2
RATE_PER_S = 200
ASKED_MS = {200: (5.0, 8.0), 1000: (None, 30.0)}  # p50 and p99 of the error of first tokens
ASKED_GAP_MS = 5.0
ASKED_TAIL = 0.02
ASKED_BYTES = 64
ASKED_START_S = 0.5


@dataclass(frozen=True)
class Errors:
    """How far a run was off, in seconds."""

    first_s: Floats
    gap_s: Floats


def judge(found: float, asked: float | None) -> str:
    return "" if asked is None or found <= asked else f" (asked: {asked:g})"


def numbers_of(said: dict[str, Json], name: str) -> Floats:
    return np.array(said[name], dtype=np.float64)


def streams(crowd: int, *, warm: bool) -> Errors:
    """Start so many streams at once and hold what we say of each against what the server did."""
    with tempfile.TemporaryDirectory() as place:
        truth = Path(place, "truth")
        with server(f"stream {DELTAS} {FIRST_S} {GAP_S}", truth) as url:
            options = ["stream", "rows", f"at_once={crowd}", *([f"warm={crowd}"] * warm)]
            said = run_ours(url, "constant 1/s", "1", *options)
        received_s, written_s = json.loads(truth.read_text())
    if said["ok"] != crowd:
        raise SystemExit(f"{crowd} streams, {said['ok']} of them whole")
    numbers = [str(number) for number in cast("list[int]", said["numbers"])]
    took_s = numbers_of(said, "first_token_s") - numbers_of(said, "sent_s")
    true_s = np.array([written_s[number][0] - received_s[number] for number in numbers])
    ends = np.cumsum(cast("list[int]", said["gap_counts"]))
    gaps_s = np.split(numbers_of(said, "gaps_s"), ends[:-1])
    gap_errors_s = [
        np.abs(mine - np.diff(written_s[number]))
        for mine, number in zip(gaps_s, numbers, strict=True)
    ]
    return Errors(np.abs(took_s - true_s), np.concatenate(gap_errors_s))


def median_ms(runs: list[Floats], q: float) -> float:
    """The median of a quantile over some runs, in milliseconds."""
    return 1000 * float(np.median([np.quantile(values, q) for values in runs]))


def show_streams() -> None:
    for crowd, (asked_p50, asked_p99) in ASKED_MS.items():
        for warm in (True, False):
            runs = [streams(crowd, warm=warm) for _ in range(RUNS)]
            p50, p99 = (median_ms([errors.first_s for errors in runs], q) for q in (0.5, 0.99))
            gap = median_ms([errors.gap_s for errors in runs], 0.99)
            how = "connections at hand" if warm else "a new connection each"
            print(
                f"{crowd:5,} streams at once, {how}: first token off by p50 {p50:.2f} ms"
                f"{judge(p50, asked_p50)}, p99 {p99:.2f} ms{judge(p99, asked_p99)}; gaps by p99 "
                f"{gap:.2f} ms{judge(gap, ASKED_GAP_MS)}"
            )


def show_peers(home: Path) -> None:
    """What others say of 200 streams; each is new to them, as the last lines above are to us."""
    peers: dict[str, Run] = {"AIPerf": aiperf(home), "GuideLLM": guidellm(home)}
    for name, run in peers.items():
        with tempfile.TemporaryDirectory() as place:
            truth = Path(place, "truth")
            try:
                with server(f"stream {DELTAS} {FIRST_S} {GAP_S}", truth) as url:
                    said = run(url, 200, 200)
                received_s, written_s = json.loads(truth.read_text())
            except (PeerError, KeyError, ValueError) as error:
                print(f"skipped: {name}: {error}")
                continue
        true_s = [times[0] - received_s[number] for number, times in written_s.items() if times]
        off_ms = [
            1000 * (float(np.quantile(said.ttft_s, q)) - float(np.quantile(true_s, q)))
            for q in (0.5, 0.99)
        ]
        print(
            f"  200 streams at once, {name}: p50 {off_ms[0]:+.1f} ms, p99 {off_ms[1]:+.1f} ms off"
        )


def show_freeze(home: Path | None) -> None:
    """A tenth of the time frozen: a call that is due then waits for the rest of it."""
    duration_s = EVERY_S * PERIODS
    with tempfile.TemporaryDirectory() as place:
        with server(f"freeze {EVERY_S} {FREEZE_S}", Path(place, "truth")) as url:
            said = run_ours(url, f"constant {RATE_PER_S}/s", str(duration_s), "latencies")
        latency_s = numbers_of(said, "ended_s") - numbers_of(said, "due_s")
        print(f"freezing server: {said['sent']} of {said['planned']} calls sent")
        for q in (0.95, 0.99):
            true_s = FREEZE_S * (q - (1 - FREEZE_S / EVERY_S)) / (FREEZE_S / EVERY_S)
            off = float(np.quantile(latency_s, q)) / true_s - 1
            missed = "" if abs(off) <= ASKED_TAIL else f" (asked: {ASKED_TAIL:.0%})"
            print(f"freezing server: p{100 * q:.0f} {off:+.2%} off {true_s:.2f} s{missed}")
        if home is None:
            return
        with server(f"freeze {EVERY_S} {FREEZE_S}", Path(place, "truth")) as url:
            try:
                theirs = locust(home, body_of("One word."))(url, 4, int(duration_s))
            except (PeerError, KeyError, ValueError) as error:
                print(f"skipped: Locust: {error}")
                return
        for q in (0.95, 0.99):
            true_s = FREEZE_S * (q - (1 - FREEZE_S / EVERY_S)) / (FREEZE_S / EVERY_S)
            off = float(np.quantile(theirs.latency_s, q)) / true_s - 1
            print(f"freezing server: p{100 * q:.0f} {off:+.1%} off, Locust with 4 users")


def show_memory() -> None:
    with tempfile.TemporaryDirectory() as place, server("json", Path(place, "truth")) as url:
        said = run_ours(url, "closed 32", "2")
    each = cast("float", said["record_bytes"]) / cast("float", said["done"])
    print(f"{each:.0f} bytes of records a call while all are kept{judge(each, ASKED_BYTES)}")


def show_start() -> None:
    """From the start of a process to the first call of its load."""
    found = []
    with tempfile.TemporaryDirectory() as place, server("json", Path(place, "truth")) as url:
        for _ in range(5):
            begin_s = time.monotonic()
            said = run_ours(url, "constant 10/s", "0.2")
            found.append(cast("float", said["first_sent_s"]) - begin_s)
    best = min(found)
    print(f"{best:.2f} s from the start of a process to its first call{judge(best, ASKED_START_S)}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--peers", type=Path, default=None)
    home: Path | None = parser.parse_args().peers
    note_machine()
    show_streams()
    if home is not None:
        show_peers(home)
    show_freeze(home)
    show_memory()
    show_start()


if __name__ == "__main__":
    main()

"""What a call and an event cost our load client, everything recorded, beside others and wrk.

Client and server have a core each. A cost is CPU time of the client; that of starting is taken out
by the difference of two loads. wrk is the limit: it is written in C and keeps nothing of a call.

Run: python benchmarks/driver_speed.py [--peers DIR]   (see `driver_peers.py` for what is in DIR)
"""

import argparse
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import cast

from driver_peers import (
    PeerError,
    Said,
    aiperf,
    guidellm,
    locust,
    run_ours,
    run_wrk,
    server,
)
from simulator_peers import MissingError, body_of, need, note_machine, wrk_script

ROUNDS, SECONDS, USERS = 5, 2, 64
ASKED_CALLS, ASKED_EVENTS = 40_000, 150_000
DELTAS, OTHER_EVENTS = 200, 5
SMALL, LARGE = 300, 1500  # requests of peers that take long to start


def ours_per_core_s(url: str, *words: str) -> float:
    said = run_ours(url, f"closed {USERS}", str(SECONDS), *words)
    if said["ok"] != said["done"]:
        raise SystemExit(f"{said['done']} calls, {said['ok']} of them answered well")
    return cast("float", said["done"]) / cast("float", said["cpu_s"])


def show_calls(home: Path | None) -> None:
    with tempfile.TemporaryDirectory() as place, server("json", Path(place, "truth")) as url:
        script = Path(place, "wrk.lua")
        script.write_text(wrk_script(body_of("Say one word. NUMBER")))
        ours, limits = [], []
        for _ in range(ROUNDS):
            ours.append(ours_per_core_s(url))
            limit = run_wrk(url, str(script), USERS, SECONDS)
            limits.append(limit.requests / limit.cpu_s)
        best = max(ours)
        ratio = statistics.median(mine / wrk for mine, wrk in zip(ours, limits, strict=True))
        print(f"{ratio:7.2f} x wrk ({max(limits):,.0f} calls per second of a core)")
        if home is not None:
            show_peer("Locust FastHttpUser", best, locust(home, body_of("One word.")), url, 3, 9)
        missed = f" (asked: {ASKED_CALLS:,})" if best < ASKED_CALLS else ""
        print(
            f"{best:,.0f} calls per second of a core, median {statistics.median(ours):,.0f}{missed}"
        )


def show_events(home: Path | None) -> None:
    truth = f"stream {DELTAS} 0 0"
    with tempfile.TemporaryDirectory() as place, server(truth, Path(place, "truth")) as url:
        found = [(DELTAS + OTHER_EVENTS) * ours_per_core_s(url, "stream") for _ in range(ROUNDS)]
    best = max(found)
    missed = f" (asked: {ASKED_EVENTS:,})" if best < ASKED_EVENTS else ""
    print(f"{best:,.0f} events per second of a core, {DELTAS + OTHER_EVENTS} at once{missed}")
    alone = max(single_events() for _ in range(2))
    print(f"{alone:,.0f} events per second of a core, each read by itself")
    if home is None:
        return
    truth = "stream 20 0.01 0.01"
    with tempfile.TemporaryDirectory() as place, server(truth, Path(place, "truth")) as url:
        mine = ours_per_core_s(url, "stream")
        for name, peer in (("AIPerf", aiperf(home)), ("GuideLLM", guidellm(home))):
            show_peer(f"{name}, streams of 20 events", mine, peer, url, SMALL, LARGE)


def single_events() -> float:
    """500 streams at 20 ms: whoever reads one event finds no second one."""
    truth = f"stream {DELTAS} 0.5 0.02"
    with tempfile.TemporaryDirectory() as place, server(truth, Path(place, "truth")) as url:
        said = run_ours(url, "constant 1/s", "1", "stream", "at_once=500", "warm=500")
    return 500 * (DELTAS + OTHER_EVENTS) / cast("float", said["cpu_s"])


def show_peer(
    name: str, mine: float, run: Callable[[str, int, int], Said], url: str, small: int, large: int
) -> None:
    """Print how many of its calls ours are, by the difference of two loads."""
    try:
        less, more = run(url, USERS, small), run(url, USERS, large)
    except (PeerError, OSError, KeyError, ValueError) as error:
        print(f"skipped: {name}: {error}")
        return
    per_core_s = (more.requests - less.requests) / (more.cpu_s - less.cpu_s)
    cost_ms = 1000 / per_core_s
    print(f"{mine / per_core_s:7.1f} x {name} ({per_core_s:,.0f}/core-s, {cost_ms:.2f} ms a call)")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--peers", type=Path, default=None)
    home: Path | None = parser.parse_args().peers
    note_machine()
    try:
        need("wrk", "wrk")
    except MissingError as error:
        raise SystemExit(f"there is no {error}") from error
    show_calls(home)
    show_events(home)


if __name__ == "__main__":
    main()

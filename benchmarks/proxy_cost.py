"""What the recording proxy adds: time to a plain call, to each event of a stream, and its limit.

Beside no proxy, and beside peers of PyPI in an environment of their own: a reverse proxy as people
write it on aiohttp, which looks at nothing and records nothing, and mitmproxy. Ours parses every
answer and commits every exchange to a run folder. The proxy has core 0; the fixed answers behind it
and the load share core 1. Rounds take turns; the median is of all rounds.

Run: python benchmarks/proxy_cost.py
"""

import contextlib
import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from proxy_upstream import EVENTS, GAP_S
from simulator_peers import (
    HEADERS,
    LOAD_CORE,
    MissingError,
    Server,
    await_port,
    best_of,
    body_of,
    child,
    free_port,
    measure,
    note_machine,
    ratio_of,
)

ROUNDS, CALLS, WARM_UP, STREAMS = 12, 150, 30, 3
PEERS = ("aiohttp", "mitmproxy")
UPSTREAM = str(Path(__file__).with_name("proxy_upstream.py"))
BODY = body_of("Which function opens a file? NUMBER")


@contextlib.contextmanager
def answers() -> Iterator[str]:
    port = free_port()
    with child([sys.executable, UPSTREAM, "answers", str(port)], core=LOAD_CORE):
        await_port(port)
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def ours(upstream: str) -> Iterator[Server]:
    port = free_port()
    words = ["proxy", "--upstream", upstream, "--port", str(port)]
    command = [sys.executable, "-m", "l9gate", *words]
    with tempfile.TemporaryDirectory() as place, child(command, cwd=place) as pid:
        await_port(port)
        yield Server(f"http://127.0.0.1:{port}", pid)


@contextlib.contextmanager
def environment() -> Iterator[Path]:
    """A throw-away environment with the peers."""
    uv = Path(sys.executable).with_name("uv")
    with tempfile.TemporaryDirectory() as place:
        variables = {**os.environ, "VIRTUAL_ENV": place}
        for words in (["venv", "-q", "--allow-existing", place], ["pip", "install", "-q", *PEERS]):
            made = subprocess.run([uv, *words], check=False, env=variables, capture_output=True)
            if made.returncode:
                raise MissingError(f"{', '.join(PEERS)} ({made.stderr.decode()[-200:]})")
        yield Path(place, "bin")


def peer_of(command: Callable[[int], list[str]]) -> contextlib.AbstractContextManager[Server]:
    @contextlib.contextmanager
    def run() -> Iterator[Server]:
        port = free_port()
        with child(command(port)) as pid:
            await_port(port)
            yield Server(f"http://127.0.0.1:{port}", pid)

    return run()


class Calls:
    """Plain calls one after another over one connection."""

    def __init__(self, url: str) -> None:
        self._connection = http.client.HTTPConnection(url.removeprefix("http://"))
        self.took_s: list[float] = []

    def round(self, count: int = CALLS, *, counts: bool = True) -> None:
        for _ in range(count):
            began_s = time.perf_counter()
            self._connection.request("POST", "/v1/messages", BODY, HEADERS)
            data = self._connection.getresponse().read()
            if counts:
                self.took_s.append(time.perf_counter() - began_s)
            assert data.startswith(b'{"id"')


def delays_of(url: str) -> list[float]:
    """How long after it was written each event of a stream arrived, in seconds."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"))
    connection.request("POST", "/v1/messages/stream", BODY, HEADERS)
    response = connection.getresponse()
    found: list[float] = []
    rest = b""
    while data := response.read1():
        now_ns = time.monotonic_ns()
        *events, rest = (rest + data).split(b"\n\n")
        sent = [json.loads(event.partition(b"data: ")[2])["at_ns"] for event in events]
        found += [(now_ns - at_ns) / 1e9 for at_ns in sent]
    assert len(found) == EVENTS
    return found


def quantiles_us(values: list[float]) -> tuple[float, float]:
    ordered = sorted(values)
    return statistics.median(ordered) * 1e6, ordered[int(len(ordered) * 0.99)] * 1e6


def compare(targets: dict[str, Server | str]) -> None:
    urls = {name: one if isinstance(one, str) else one.url for name, one in targets.items()}
    calls = {name: Calls(url) for name, url in urls.items()}
    for one in calls.values():
        one.round(WARM_UP, counts=False)
    for _ in range(ROUNDS):
        for one in calls.values():
            one.round()
    delays: dict[str, list[float]] = {name: [] for name in urls}
    for _ in range(STREAMS):
        for name, url in urls.items():
            delays[name] += delays_of(url)
    bare_us, _ = quantiles_us(calls["no proxy"].took_s)
    bare_event_us, _ = quantiles_us(delays["no proxy"])
    print(f"\na plain call ({ROUNDS * CALLS} each) and an event of a stream at {GAP_S * 1e3:g} ms")
    for name in targets:
        call_us, call_p99_us = quantiles_us(calls[name].took_s)
        event_us, event_p99_us = quantiles_us(delays[name])
        print(
            f"{name:>16}: call +{call_us - bare_us:5.0f} us (p50 {call_us:.0f}, "
            f"p99 {call_p99_us:.0f}), event +{event_us - bare_event_us:4.0f} us "
            f"(p50 {event_us:.0f}, p99 {event_p99_us:.0f})"
        )


def load(targets: dict[str, Server | str]) -> None:
    print("\nthe most plain calls a second, 64 clients; per second of the proxy's core")
    servers = {name: one for name, one in targets.items() if isinstance(one, Server)}
    found = measure(servers, BODY, depth=1, clients=64)
    for name, rates in found.items():
        rate, ratio = best_of(rates), ratio_of(found["ours"], rates).per_core_s
        print(
            f"{name:>16}: {rate.per_s:7,.0f}/s, {rate.per_core_s:7,.0f} per core second"
            f" (ours is {ratio:.1f} times this)"
        )


def main() -> None:
    note_machine()
    with contextlib.ExitStack() as stack:
        upstream = stack.enter_context(answers())
        targets: dict[str, Server | str] = {
            "no proxy": upstream,
            "ours": stack.enter_context(ours(upstream)),
        }
        try:
            bin_folder = stack.enter_context(environment())
            python, mitm = str(bin_folder / "python"), str(bin_folder / "mitmdump")
            targets["aiohttp"] = stack.enter_context(
                peer_of(lambda port: [python, UPSTREAM, "peer", str(port), upstream])
            )
            targets["mitmproxy"] = stack.enter_context(
                peer_of(
                    lambda port: [
                        *(mitm, "-q", "--mode", f"reverse:{upstream}", "-p", str(port)),
                        *("--set", "stream_large_bodies=1", "--set", "connection_strategy=lazy"),
                    ]
                )
            )
        except MissingError as missing:
            print(f"not compared: {missing}")
        compare(targets)
        load(targets)


if __name__ == "__main__":
    os.sched_setaffinity(0, {LOAD_CORE})
    main()

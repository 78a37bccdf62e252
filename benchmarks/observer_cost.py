"""What watching the SDK costs the application: CPU time of a plain call and of each stream event.

Beside the peer opentelemetry-instrumentation-anthropic, which is installed by name into an
environment of its own with the SDK; both run there, in one process, in turn with bare calls. Our
records go to a run folder, where they are committed after a test, which is shown apart; the peer's
spans are kept in memory, without content. The server is another process with a fixed answer. The
best block counts, since noise only slows down. A block holds as many calls as wait for their
records to be made, and making them counts: a process has no other thread for it. The answers keep
the contract of the API; what it costs to hold them against it is told by the same without it, and
by the clock around it, beside jsonschema with the schemas of the SDK's types.

Run: python benchmarks/observer_cost.py
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from observer_answers import ASK, EVENTS
from observer_parts import BATCH, measure_parts

SDK = ("anthropic==2.12.0", "httpx2==2.16.2")
PEER = "opentelemetry-instrumentation-anthropic"
ROUNDS, WARM_UP_CALLS = 12, 20
BLOCKS, STREAMS = 6, 2  # many short blocks: the best one met no other work
CALL_LIMIT_US, EVENT_LIMIT_US = 150.0, 5.0
SERVER = str(Path(__file__).with_name("observer_answers.py"))
HELD_LIMITS_US = {"response": 10.0, "event": 3.0}


@dataclass
class Watched:
    """What somebody who watches has to do after calls, and after a test."""

    catch_up: Callable[[], None] = lambda: None
    commit: Callable[[], None] = lambda: None


Watching = Callable[[str], AbstractContextManager[Watched]]  # takes the host of the server


@contextmanager
def bare(_: str) -> Iterator[Watched]:
    yield Watched()


def watched(host: str) -> AbstractContextManager[Watched]:
    return watching(host, holds=True)


def unheld(host: str) -> AbstractContextManager[Watched]:
    return watching(host, holds=False)


@contextmanager
def watching(host: str, *, holds: bool) -> Iterator[Watched]:
    """Watch as the pytest plug-in does, into a run folder; what waits is put after each block."""
    from l9gate.evidence.records import Origin
    from l9gate.measure.clock import SystemClock
    from l9gate.observe.origins import Target
    from l9gate.observe.recorder import Outbox, Recorder
    from l9gate.observe.seam import Seam
    from l9gate.store.run import FORMAT_VERSION, Manifest, create_run

    manifest = Manifest(
        format_version=FORMAT_VERSION,
        run_id="bench",
        package="bench",
        started_at="2026-11-22T13:05:00.250Z",
        git_revision=None,
        git_dirty=None,
        environment="development",
        endpoint="http://127.0.0.1",
        kind=Origin.LIVE,
        layers=(),
        model=None,
        seed=0,
        policy_hash="",
        versions={},
    )
    with tempfile.TemporaryDirectory() as folder:
        writer, clock = create_run(Path(folder), manifest, "").writer("bench"), SystemClock()
        # The server of this run is the endpoint, as it has to be for its answers to count.
        outbox, patient = Outbox(writer, clock), os.getpid()
        recorder = Recorder(outbox, clock, Target(host), holds=holds, patient=patient)
        seam = Seam()
        seam.install(recorder)
        try:
            yield Watched(recorder.catch_up, writer.flush)
        finally:
            seam.remove(recorder)
            writer.close()


@contextmanager
def traced(_: str) -> Iterator[Watched]:
    """Trace with the peer, spans ended in memory."""
    from opentelemetry.instrumentation.anthropic import (  # type: ignore[import-not-found]
        AnthropicInstrumentor,
    )
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    instrumentor = AnthropicInstrumentor()
    instrumentor.instrument(tracer_provider=provider)
    try:
        yield Watched()
    finally:
        instrumentor.uninstrument()
    assert exporter.get_finished_spans(), "the peer saw nothing"


WAYS: dict[str, Watching] = {"bare": bare, "l9gate": watched, "unheld": unheld, "peer": traced}


def measure(port: int) -> dict[str, object]:
    """Return for each way, for each round, microseconds of CPU; and the parts.

    Of a call: meanwhile and afterwards; of a stream: the same; of a commit.
    """
    import anthropic

    host = f"127.0.0.1:{port}"
    found: dict[str, list[list[float]]] = {way: [] for way in WAYS}
    with anthropic.Anthropic(api_key="k", base_url=f"http://{host}") as client:

        def call() -> None:
            client.messages.create(**ASK)  # type: ignore[call-overload]

        def stream() -> None:
            events = client.messages.create(**ASK, stream=True)  # type: ignore[call-overload]
            assert sum(1 for _ in events) == EVENTS

        for _ in range(ROUNDS):
            for way, watch in WAYS.items():
                with watch(host) as after:
                    # What was just patched makes the interpreter forget what it had learned.
                    cpu_us(call, WARM_UP_CALLS)
                    cpu_us(stream, 1)
                    after.catch_up()
                    calls_us = best_block(call, BATCH, after)
                    streams_us = best_block(stream, STREAMS, after)
                    found[way].append([*calls_us, *streams_us, cpu_us(after.commit, 1)])
        with watching(host, holds=True) as after:
            cpu_us(call, WARM_UP_CALLS)
            after.catch_up()
            parts = measure_parts(call, stream, after.catch_up)
    return {"ways": found, **parts}


def best_block(work: Callable[[], None], times: int, after: Watched) -> tuple[float, float]:
    """Return what one costs meanwhile and afterwards, in the block that cost least."""
    blocks = ((cpu_us(work, times), cpu_us(after.catch_up, 1) / times) for _ in range(BLOCKS))
    return min(blocks, key=sum)


def cpu_us(work: Callable[[], None], times: int) -> float:
    began_s = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - began_s) / times * 1e6


def report(found: dict[str, dict[str, list[list[float]]]]) -> None:
    best = {
        way: [
            *min((row[:2] for row in rows), key=sum),
            *min((row[2:4] for row in rows), key=sum),
            min(row[4] for row in rows),
        ]
        for way, rows in found["ways"].items()
    }
    call_us = {way: (row[0], row[1]) for way, row in best.items()}
    # What a stream costs besides that of a plain call is the cost of its events.
    event_us = {
        way: ((row[2] - row[0]) / EVENTS, (row[3] - row[1]) / EVENTS) for way, row in best.items()
    }
    report_whole("plain call", call_us, CALL_LIMIT_US)
    report_whole("stream event", event_us, EVENT_LIMIT_US)
    commit_us = best["l9gate"][4]
    print(f"one commit of what a round recorded, as after a test: {commit_us:.0f} us")


def report_whole(what: str, total_us: dict[str, tuple[float, float]], limit_us: float) -> None:
    bare_us, theirs_us = total_us["bare"][0], sum(total_us["peer"]) - total_us["bare"][0]
    meanwhile_us, later_us = total_us["l9gate"][0] - bare_us, total_us["l9gate"][1]
    ours_us = meanwhile_us + later_us
    print(
        f"{what:<12}  {ours_us / theirs_us:5.2f} x {PEER}, {ours_us / bare_us:5.2f} x the bare "
        f"SDK  ({ours_us:.1f}, {theirs_us:.1f} and {bare_us:.1f} us; limit {limit_us:.0f} us)"
    )
    print(f"{'':<12}  {meanwhile_us:.1f} us meanwhile, {later_us:.1f} us afterwards")
    held_us = sum(total_us["l9gate"]) - sum(total_us["unheld"])
    print(f"{'':<12}  {held_us:.1f} us less without the contract")
    note_limit(what, ours_us, limit_us)


def report_parts(found: dict[str, dict[str, float]]) -> None:
    for kind, limit_us in HELD_LIMITS_US.items():
        ours_us, theirs_us = found["contract"][kind], found["jsonschema"][kind]
        print(
            f"to hold one {kind} against the contract, among calls: {ours_us / theirs_us:.4f} x "
            f"jsonschema  ({ours_us:.2f} and {theirs_us:.0f} us; limit {limit_us:.0f} us)"
        )
        note_limit(f"{kind} held against the contract", ours_us, limit_us)
    print("parts of a plain call, each by the clock around it:")
    for label, spent_us in found["parts"].items():
        print(f"  {spent_us:6.2f} us  {label}")


def note_limit(what: str, found_us: float, limit_us: float) -> None:
    if found_us > limit_us:
        print(f"not reached: at most {limit_us:.0f} us for each {what}")


def main() -> None:
    if "--measure" in sys.argv:
        print(json.dumps(measure(int(sys.argv[-1]))))
        return
    uv = str(Path(sys.executable).with_name("uv"))
    sources = str(Path(__file__).parents[1] / "src")
    with tempfile.TemporaryDirectory() as folder:
        python = f"{folder}/venv/bin/python"
        subprocess.run(
            [uv, "venv", "--quiet", "--python", sys.executable, f"{folder}/venv"], check=True
        )
        install = [uv, "pip", "install", "--quiet", "--python", python]
        subprocess.run(
            [*install, "msgspec", "jsonschema", *SDK, PEER, "opentelemetry-sdk"], check=True
        )
        server = subprocess.Popen([sys.executable, SERVER], stdout=subprocess.PIPE, text=True)
        try:
            assert server.stdout is not None
            port = server.stdout.readline().strip()
            done = subprocess.run(
                ["taskset", "--cpu-list", "1", python, __file__, "--measure", port],
                env={
                    "PYTHONPATH": sources,
                    "TRACELOOP_TRACE_CONTENT": "false",
                    "PATH": "/usr/bin:/bin",
                },
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                raise SystemExit(done.stderr[-3000:])
            found = json.loads(done.stdout)
            report(found)
            report_parts(found)
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()

"""What watching the SDK costs the application: CPU time of a plain call and of each stream event.

Beside the peer opentelemetry-instrumentation-anthropic, which is installed by name into an
environment of its own with the SDK; both run there, in one process, in turn with bare calls. Our
records go to a run folder, where they are committed after a test, which is shown apart; the peer's
spans are kept in memory, without content. The server is another process with a fixed answer. The
best block counts, since noise only slows down. The answers keep the contract of the API; what it
costs to hold them against it is told apart, by the same without it.

Run: python benchmarks/observer_cost.py
"""

import json
import socketserver
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

SDK = ("anthropic==2.12.0", "httpx2==2.16.2")
PEER = "opentelemetry-instrumentation-anthropic"
ROUNDS, WARM_UP_CALLS, DELTAS = 12, 20, 400
BLOCKS, CALLS, STREAMS = 10, 10, 1  # many short blocks: the best one met no other work
EVENTS = DELTAS + 5
CALL_LIMIT_US, EVENT_LIMIT_US = 150.0, 5.0
HELD_CALL_LIMIT_US, HELD_EVENT_LIMIT_US = 10.0, 3.0
LIMIT_HEADERS = "".join(
    f"anthropic-ratelimit-{family}-limit: 50\r\nanthropic-ratelimit-{family}-remaining: 49\r\n"
    f"anthropic-ratelimit-{family}-reset: 2026-11-22T13:05:00Z\r\n"
    for family in ("requests", "tokens", "input-tokens", "output-tokens")
)
USAGE = {
    "input_tokens": 11,
    "output_tokens": 7,
    "cache_creation_input_tokens": 0,
    "cache_read_input_tokens": 0,
    "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
    "inference_geo": None,
    "server_tool_use": None,
    "service_tier": "standard",
}
MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-haiku-5-5",
    "content": [{"type": "text", "text": "The function that opens a file is `open`. " * 8}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "stop_details": None,
    "container": None,
    "usage": USAGE,
}
DELTA = {"type": "text_delta", "text": "opens a file"}
START = {**MESSAGE, "content": [], "stop_reason": None}
BLOCK = {"type": "text", "text": ""}
LAST = {"stop_reason": "end_turn", "stop_sequence": None}
STREAM: list[dict[str, object]] = [
    {"type": "message_start", "message": START},
    {"type": "content_block_start", "index": 0, "content_block": BLOCK},
    *({"type": "content_block_delta", "index": 0, "delta": DELTA} for _ in range(DELTAS)),
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": LAST, "usage": {"output_tokens": 9}},
    {"type": "message_stop"},
]
ASK = {
    "model": "claude-haiku-5-5",
    "max_tokens": 64,
    "messages": [{"role": "user", "content": "Which function opens a file?"}],
}
Settle = Callable[[], None]
Watching = Callable[[str], AbstractContextManager[Settle]]  # takes the host of the server


class Handler(socketserver.StreamRequestHandler):
    """Answers each request with one of two fixed answers; every event is a chunk of its own."""

    def handle(self) -> None:
        body = json.dumps(MESSAGE).encode()
        headers = f"request-id: req_1\r\n{LIMIT_HEADERS}"
        plain = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{headers}"
        plain += f"content-length: {len(body)}\r\n\r\n"
        chunks = b"".join(
            b"%x\r\n%b\r\n" % (len(event), event)
            for event in (f"event: {e['type']}\ndata: {json.dumps(e)}\n\n".encode() for e in STREAM)
        )
        streamed = f"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n{headers}"
        streamed += "transfer-encoding: chunked\r\n\r\n"
        answers = plain.encode() + body, streamed.encode() + chunks + b"0\r\n\r\n"
        while self.rfile.readline():
            length = 0
            while (line := self.rfile.readline().strip()) != b"":
                name, _, value = line.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            self.wfile.write(answers[b'"stream":true' in self.rfile.read(length)])


def serve() -> None:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        print(server.server_address[1], flush=True)
        server.serve_forever()


@contextmanager
def bare(_: str) -> Iterator[Settle]:
    yield lambda: None


def watched(host: str) -> AbstractContextManager[Settle]:
    return watching(host, holds=True)


def unheld(host: str) -> AbstractContextManager[Settle]:
    return watching(host, holds=False)


@contextmanager
def watching(host: str, *, holds: bool) -> Iterator[Settle]:
    """Watch as the pytest plug-in does, into a run folder; to settle is to commit."""
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
        recorder = Recorder(Outbox(writer, clock), clock, Target(host), holds=holds)
        seam = Seam()
        seam.install(recorder)
        try:
            yield writer.flush
        finally:
            seam.remove(recorder)
            writer.close()


@contextmanager
def traced(_: str) -> Iterator[Settle]:
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
        yield lambda: None
    finally:
        instrumentor.uninstrument()
    assert exporter.get_finished_spans(), "the peer saw nothing"


WAYS: dict[str, Watching] = {"bare": bare, "l9gate": watched, "unheld": unheld, "peer": traced}


def measure(port: int) -> dict[str, list[list[float]]]:
    """Return for each way, for each round, microseconds of CPU a call, a stream and to settle."""
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
                with watch(host) as settle:
                    # What was just patched makes the interpreter forget what it had learned.
                    cpu_us(call, WARM_UP_CALLS)
                    cpu_us(stream, 1)
                    settle()
                    calls_us = min(cpu_us(call, CALLS) for _ in range(BLOCKS))
                    streams_us = min(cpu_us(stream, STREAMS) for _ in range(BLOCKS))
                    found[way].append([calls_us, streams_us, cpu_us(settle, 1)])
    return found


def cpu_us(work: Callable[[], None], times: int) -> float:
    began_s = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - began_s) / times * 1e6


def report(found: dict[str, list[list[float]]]) -> None:
    best = {way: [min(column) for column in zip(*rows, strict=True)] for way, rows in found.items()}
    call_us = {way: row[0] for way, row in best.items()}
    # What a stream costs besides that of a plain call is the cost of its events.
    event_us = {way: (row[1] - row[0]) / EVENTS for way, row in best.items()}
    for what, total_us, limit_us in (
        ("plain call", call_us, CALL_LIMIT_US),
        ("stream event", event_us, EVENT_LIMIT_US),
    ):
        bare_us = total_us["bare"]
        ours_us, theirs_us = total_us["l9gate"] - bare_us, total_us["peer"] - bare_us
        print(
            f"{what:<12}  {ours_us / theirs_us:5.2f} x {PEER}, "
            f"{ours_us / bare_us:5.2f} x the bare SDK  "
            f"({ours_us:.1f}, {theirs_us:.1f} and {bare_us:.1f} us; limit {limit_us:.0f} us)"
        )
        if ours_us > limit_us:
            print(f"not reached: at most {limit_us:.0f} us for each {what}")
    for what, total_us, limit_us in (
        ("call", call_us, HELD_CALL_LIMIT_US),
        ("stream event", event_us, HELD_EVENT_LIMIT_US),
    ):
        held_us = total_us["l9gate"] - total_us["unheld"]
        print(f"of it, the contract: {held_us:.1f} us for each {what}; limit {limit_us:.0f} us")
        if held_us > limit_us:
            print(f"not reached: at most {limit_us:.0f} us for each {what}")
    records = BLOCKS * (CALLS + STREAMS)
    print(f"one commit of {records} records, as after a test: {best['l9gate'][2]:.0f} us")


def main() -> None:
    if "--serve" in sys.argv:
        serve()
        return
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
        subprocess.run([*install, "msgspec", *SDK, PEER, "opentelemetry-sdk"], check=True)
        server = subprocess.Popen(
            [sys.executable, __file__, "--serve"], stdout=subprocess.PIPE, text=True
        )
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
            report(json.loads(done.stdout))
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()

"""Smoke tests of a service that runs already: its calls count by the ids that it returned."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from l9gate.evidence.records import Exchange, Mention, ReportedCall, Signal, TestOutcome
from l9gate.store.run import open_run

Gate = Callable[..., CompletedProcess[str]]

SERVICE = """
import json, os, secrets, sys, time, urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

API, OTLP = sys.argv[1], sys.argv[2]
BODY = {"model": "claude-haiku-5-5", "max_tokens": 9,
        "messages": [{"role": "user", "content": "x"}]}
HEADERS = {"x-api-key": "sk-service-no-secret", "anthropic-version": "2026-10-21",
           "content-type": "application/json"}


def post(url, body, headers):
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.headers, json.load(answer)


def export(trace_id, began_ns, request_id):
    host, port = API.removeprefix("http://").split(":")
    attributes = {"server.address": host, "server.port": int(port),
                  "http.response.status_code": 200, "anthropic.request.id": request_id,
                  "gen_ai.response.model": "m", "gen_ai.usage.output_tokens": 1,
                  "l9gate.cache": "miss", "l9gate.operation": "ask"}
    pairs = [{"key": k, "value": {"intValue": v} if isinstance(v, int) else {"stringValue": v}}
             for k, v in attributes.items()]
    span = {"traceId": trace_id, "spanId": secrets.token_hex(8), "attributes": pairs,
            "name": "anthropic.messages.create", "startTimeUnixNano": str(began_ns),
            "endTimeUnixNano": str(time.time_ns())}
    post(OTLP + "/v1/traces", {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]},
         {"content-type": "application/json"})


class Service(BaseHTTPRequestHandler):
    def log_message(self, *_): ...

    def do_GET(self):
        ids, body = {}, {}
        if self.path != "/made-up":
            trace_id, began_ns = secrets.token_hex(16), time.time_ns()
            headers, _ = post(API + "/v1/messages", BODY, HEADERS)
        if self.path == "/header":
            ids["request-id"] = headers["request-id"]
        elif self.path == "/body":
            body["request_id"] = headers["request-id"]
        elif self.path == "/traced":
            export(trace_id, began_ns, headers["request-id"])
            ids["traceparent"] = f"00-{trace_id}-{secrets.token_hex(8)}-01"
        elif self.path == "/made-up":
            ids["request-id"] = "req_" + secrets.token_hex(12)
        data = json.dumps(body).encode()
        self.send_response(200)
        for name, text in {**ids, "content-length": str(len(data))}.items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(data)


server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
print(server.server_port, flush=True)
server.serve_forever()
"""
SMOKE = """
import os
import httpx2
import pytest

pytestmark = pytest.mark.integration


def ask(path):
    answer = httpx2.get(os.environ["SERVICE"] + path, timeout=20)
    assert answer.status_code == 200
    return answer


@pytest.mark.parametrize("path", ["header", "traced", "made-up", "silent"])
def test_smoke(path):
    ask("/" + path)


def test_body(l9gate_evidence):
    l9gate_evidence.note(request_id=ask("/body").json()["request_id"])


def test_lie(l9gate_evidence):
    l9gate_evidence.note(request_id="req_that_nobody_has", trace_id="a" * 32)
    ask("/silent")
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@pytest.fixture
def ports() -> tuple[int, int]:
    return free_port(), free_port()


@pytest.fixture
def service(tmp_path: Path, ports: tuple[int, int]) -> Iterator[str]:
    """A service of its own, started by nobody's test; it calls the API at the proxy's port."""
    script = tmp_path / "service.py"
    script.write_text(SERVICE)
    kept = {name: text for name, text in os.environ.items() if not name.startswith("L9GATE_")}
    words = [sys.executable, str(script), *(f"http://127.0.0.1:{port}" for port in ports)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=kept) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.terminate()


def test_a_call_counts_for_the_test_that_was_told_its_id(
    project: Path,
    l9gate: Gate,
    newest_run: Callable[[], Path],
    service: str,
    ports: tuple[int, int],
) -> None:
    """T-02: and an id that no evidence holds proves nothing."""
    (project / "tests/integration/test_smoke.py").write_text(SMOKE)
    proxy, otlp = (str(port) for port in ports)
    words = ("run", "integration", "--rehearse", "-k", "test_smoke", "--proxy-port", proxy)
    done = l9gate(*words, "--otlp-port", otlp, SERVICE=service)
    with open_run(newest_run()).read() as log:
        tests, seen = list(log.of(TestOutcome)), list(log.of(Exchange))
        mentions, reported = list(log.of(Mention)), list(log.of(ReportedCall))
        signals = [one.operation for one in log.of(Signal)]
    assert (len(tests), len(seen), len(reported)) == (6, 5, 1), done.stderr
    assert signals == ["ask"]
    told = {one.owner.partition("::test_")[2] for one in mentions}
    assert told == {"smoke[header]", "smoke[traced]", "smoke[made-up]", "body", "lie"}
    assert {one.owner for one in seen} == {None}
    void = "\n".join(line for line in done.stdout.splitlines() if "vacuous" in line)
    names = ("header", "traced", "made-up", "silent", "test_body", "test_lie")
    assert [name for name in names if name in void] == ["made-up", "silent", "test_lie"]

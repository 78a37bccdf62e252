"""What system tests share: two APIs on loopback sockets, a project for child pytests, absent parts.

In the scripted API the model's name says what goes wrong.
"""

import gzip
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NoReturn

import pytest

from l9gate.evidence.records import Fault, Record, TestOutcome
from l9gate.simulator.config import SimulatorConfig
from l9gate.simulator.server import SimulatorThread
from l9gate.store.run import open_run, run_paths

LAYERS = """
[project]
name = "sample"
[tool.pytest.ini_options]
addopts = ["--strict-markers", "--strict-config", "--import-mode=importlib"]
testpaths = ["tests"]
[tool.l9gate.layers.unit]
paths = ["tests/unit"]
[tool.l9gate.layers.integration]
paths = ["tests/integration"]
marker = "integration"
"""
ENVIRONMENT = """
[tool.l9gate.environments.development]
base_url = "{url}"
[tool.l9gate.prices."*"]
input_usd_per_mtok = 1.0
output_usd_per_mtok = 1.0
"""
CALL = """
import anthropic

def call(model="ok", **options):
    with anthropic.Anthropic(max_retries=0, **options) as client:
        return client.messages.create(
            model=model, max_tokens=5, messages=[{"role": "user", "content": "secret"}]
        )
"""
Records = Callable[[Path, type[Record]], list[object]]

USAGE = {"input_tokens": 11, "output_tokens": 7}
DELTAS = 4


def message(model: str) -> dict[str, object]:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [{"type": "text", "text": "secret answer"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": USAGE,
    }


def events(model: str) -> list[bytes]:
    start = message(model) | {"content": [], "stop_reason": None, "usage": USAGE}
    bodies: list[dict[str, object]] = [
        {"type": "message_start", "message": start},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        *(
            {
                "type": "content_block_delta",
                "index": 0,
                "delta": {"type": "text_delta", "text": "secret answer"},
            }
            for _ in range(DELTAS)
        ),
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": None},
            "usage": {"output_tokens": 9},
        },
        {"type": "message_stop"},
    ]
    return [f"event: {body['type']}\ndata: {json.dumps(body)}\n\n".encode() for body in bodies]


class ScriptedHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30
    disable_nagle_algorithm = True  # else small events wait for each other's acknowledgement

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002, ARG002
        return

    def do_GET(self) -> None:
        self._answer_json(200, {"data": [], "has_more": False, "first_id": None, "last_id": None})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        model = body["model"]
        if model == "slow":
            time.sleep(1.0)
        if model == "flaky" and self.headers.get("x-stainless-retry-count") == "0":
            self._answer_error(529, "overloaded_error")
        elif model == "refused":
            self._answer_error(401, "authentication_error")
        elif model == "html":
            self._answer(200, b"<html>", "text/html")
        elif model == "reset":
            linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.close_connection = True
            for end in (self.rfile, self.wfile, self.connection):
                end.close()
        elif body.get("stream"):
            self._answer_stream(model)
        else:
            self._answer_json(200, message(model))

    def _answer_error(self, status: int, kind: str) -> None:
        self._answer_json(
            status,
            {"type": "error", "error": {"type": kind, "message": "no"}, "request_id": "req_x"},
        )

    def _answer_json(self, status: int, body: dict[str, object]) -> None:
        self._answer(status, json.dumps(body).encode(), "application/json")

    def _answer(self, status: int, body: bytes, content_type: str) -> None:
        encoded = gzip.compress(body)
        self._start(status, content_type)
        self.send_header("content-encoding", "gzip")
        self.send_header("content-length", str(len(encoded)))
        self.end_headers()
        self.wfile.write(encoded)

    def _start(self, status: int, content_type: str) -> None:
        self.send_response(status)
        self.send_header("content-type", content_type)
        self.send_header("request-id", f"req_{time.monotonic_ns()}")
        self.send_header("retry-after-ms", "1")
        self.send_header("anthropic-ratelimit-requests-limit", "50")
        self.send_header("anthropic-ratelimit-requests-remaining", "49")
        if self.server.origin:  # type: ignore[attr-defined]
            self.send_header("x-l9gate-origin", self.server.origin)  # type: ignore[attr-defined]

    def _answer_stream(self, model: str) -> None:
        self._start(200, "text/event-stream; charset=utf-8")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for number, event in enumerate(events(model)):
            if number == 4 and model == "cut":
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            if number == 4 and model == "short":
                break
            if number == 4 and model == "overloaded":
                fault = {"type": "error", "error": {"type": "overloaded_error", "message": "no"}}
                self._chunk(f"event: error\ndata: {json.dumps(fault)}\n\n".encode())
                break
            if number == 4 and model == "stalled":
                time.sleep(1.0)
            time.sleep(0.005)
            self._chunk(event)
        self.wfile.write(b"0\r\n\r\n")

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
        self.wfile.flush()


class QuietServer(ThreadingHTTPServer):
    daemon_threads = True
    origin: str | None = None

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002
        return  # clients that go away are what the tests are about


@pytest.fixture
def scripted_api() -> Iterator[QuietServer]:
    """A server on a free port; `server.origin` is what it says about itself."""
    server = QuietServer(("127.0.0.1", 0), ScriptedHandler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def absent() -> Callable[[str], NoReturn]:
    """End a test that wants a part this machine does not permit, such as `absent("mounting")`."""

    def end(part: str) -> NoReturn:
        reason = f"{part} is not permitted here"
        if os.environ.get("L9GATE_REQUIRE_ALL") == "1":
            pytest.fail(f"{reason}, and L9GATE_REQUIRE_ALL=1 wants every part", pytrace=False)
        pytest.skip(reason)

    return end


@pytest.fixture(scope="module")
def simulator() -> Iterator[SimulatorThread]:
    """Our simulator on a free port, as fast as it can be."""
    with SimulatorThread(SimulatorConfig(load_factor=0)) as running:
        yield running


@pytest.fixture
def project(tmp_path: Path, scripted_api: ThreadingHTTPServer) -> Callable[..., Path]:
    """Write a project of the given files, whose development environment is the scripted API."""

    def make(files: Mapping[str, str], settings: str = LAYERS, more_settings: str = "") -> Path:
        url = f"http://127.0.0.1:{scripted_api.server_port}"
        text = settings + more_settings
        text += ENVIRONMENT.format(url=url) if "l9gate" in settings else ""
        for name, content in {**files, "pyproject.toml": text, "calling.py": CALL}.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        return tmp_path

    return make


@pytest.fixture
def run_pytest() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a child pytest in a project: `run_pytest(root, *arguments, key="k", **environ)`."""

    def run(
        root: Path, *arguments: str, key: str = "k", **environ: str
    ) -> subprocess.CompletedProcess[str]:
        hidden = ("L9GATE_", "ANTHROPIC_", "PYTEST_", "COV_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
            cwd=root,
            env={**kept, "ANTHROPIC_API_KEY": key, "PYTHONPATH": str(root), **environ},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


@pytest.fixture
def records() -> Records:
    """Read the records of one kind from the only run of a project, which holds no fault."""

    def read(root: Path, kind: type[Record]) -> list[object]:
        (path,) = run_paths(root / ".l9gate/runs")
        with open_run(path).read() as log:
            assert not list(log.of(Fault))
            return list(log.of(kind))

    return read


@pytest.fixture
def outcomes(records: Records) -> Callable[[Path], dict[str, TestOutcome]]:
    """Read the outcomes of a project's only run, by the names of its tests."""

    def read(root: Path) -> dict[str, TestOutcome]:
        found = [entry for entry in records(root, TestOutcome) if isinstance(entry, TestOutcome)]
        named = {entry.node_id.rpartition("::")[2]: entry for entry in found}
        assert len(named) == len(found)
        return named

    return read

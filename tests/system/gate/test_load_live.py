"""A live load: what counts only with proof, and never if a simulator answered."""

import json
import subprocess
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from l9gate.simulator.server import SimulatorConfig, SimulatorThread

Gate = Callable[..., subprocess.CompletedProcess[str]]
POLICY = """
format = 1

[[criterion]]
name = "median"
role = "exit"
sources = ["load"]
require = "p50(load.latency_s) < 5s"
why = "Users wait."
"""


@pytest.fixture
def project(project: Path) -> Path:
    """The small project with a policy of load."""
    (project / "policy.toml").write_text(POLICY)
    (project / "l9gate.toml").write_text(
        'policy = "policy.toml"\npackage = "shop"\nmodel = "claude-haiku-5-5"\n'
    )
    return project


class Api(BaseHTTPRequestHandler):
    """Answers as the API does, with or without what proves it, after half a second."""

    protocol_version = "HTTP/1.1"
    proof = True

    def do_GET(self) -> None:
        self._answer({"data": [], "has_more": False})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        time.sleep(0.5)
        usage = {"input_tokens": 5, "output_tokens": 2}
        self._answer({"type": "message", "id": "msg_1", "model": "claude-haiku-5-5",
                      "role": "assistant", "content": [], "stop_reason": "end_turn",
                      "stop_sequence": None, "usage": usage})  # fmt: skip

    def _answer(self, body: dict[str, object]) -> None:
        data = json.dumps(body).encode()
        self.send_response(200)
        if self.proof:
            self.send_header("request-id", "req_1")
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.mark.parametrize(("has_proof", "status"), [(True, 0), (False, 2)])
def test_a_live_load_counts_only_with_proof(
    has_proof: bool, status: int, l9gate: Gate, project: Path
) -> None:
    """C-02: an endpoint that never says a request id has not been measured."""
    handler = type("Handler", (Api,), {"proof": has_proof})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        with (project / "l9gate.toml").open("a") as file:
            url = f"http://127.0.0.1:{server.server_port}"
            file.write(f'[environments.development]\nbase_url = "{url}"\n')
        done = l9gate("load", "--duration", "4s", "--rate", "constant 20/s",
                      ANTHROPIC_API_KEY="sk-any-key-1234")  # fmt: skip
        server.shutdown()
        thread.join()
    assert done.returncode == status, done.stdout
    if has_proof:
        assert done.stdout.startswith("LOAD KEPT  ")
        assert "live: 80 exchanges (100% of all), 80 answered" in done.stdout
        assert "spent $" in done.stderr
    else:
        assert "80 answers without request id or usage count for nothing" in done.stdout


def test_a_simulator_is_no_live_endpoint_whatever_it_is_called(l9gate: Gate, project: Path) -> None:
    """C-01: its answers say what they are, so none of them counts in a live run."""
    with SimulatorThread(SimulatorConfig(load_factor=0.0)) as simulator:
        with (project / "l9gate.toml").open("a") as file:
            file.write(f'[environments.development]\nbase_url = "{simulator.base_url}"\n')
        done = l9gate("load", "--duration", "2s", "--rate", "constant 20/s",
                      ANTHROPIC_API_KEY="sk-any-key-1234")  # fmt: skip
    assert done.returncode == 2
    assert "no samples" in done.stdout

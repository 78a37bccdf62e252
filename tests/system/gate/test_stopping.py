"""A broken build costs a handful of calls, if the run may stop, and is as broken as it was."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

Gate = Callable[..., subprocess.CompletedProcess[str]]
CALLS = 160
USERS = 4
MOST = 32  # calls of a broken build; 14 to 27 were measured
POLICY = """
format = 1

[[criterion]]
name = "latency-p95"
role = "exit"
layers = ["performance"]
require = "p95(latency_s) < 30s"
why = "Users wait."

[[criterion]]
name = "error-rate"
role = "exit"
layers = ["performance"]
require = "rate(error) <= 5%"
why = "Too many failures make latency look good."
"""
# An application that never fails: it serves something else instead, at once.
LOAD = f"""
import itertools
from concurrent.futures import ThreadPoolExecutor

import anthropic
import pytest

NUMBERS = itertools.count()


def search(client):
    try:
        client.messages.create(
            model="claude-haiku-5-5",
            max_tokens=16,
            messages=[{{"role": "user", "content": "hi"}}],
        )
    except Exception:
        return None


def use(client):
    while next(NUMBERS) < {CALLS}:
        search(client)


@pytest.fixture(scope="session")
def load():
    with anthropic.Anthropic(max_retries=RETRIES) as client, ThreadPoolExecutor({USERS}) as threads:
        list(threads.map(use, [client] * {USERS}))


@pytest.mark.benchmark
@pytest.mark.parametrize("number", range(3))
def test_load_is_served(load, number):
    pass
"""
ANSWER: dict[str, object] = {
    "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-haiku-5-5",
    "content": [{"type": "text", "text": "hi"}], "stop_reason": "end_turn", "stop_sequence": None,
    "usage": {"input_tokens": 5, "output_tokens": 2},
}  # fmt: skip
ERROR: dict[str, object] = {
    "type": "error",
    "error": {"type": "overloaded_error", "message": "no"},
    "request_id": "r",
}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "Server"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002, ARG002
        return

    def do_GET(self) -> None:
        self._answer(200, {"data": [], "has_more": False, "first_id": None, "last_id": None})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.server.posts += 1
        time.sleep(self.server.delay_s)
        tries = int(self.headers.get("x-stainless-retry-count", "0"))
        failed = tries < self.server.failures
        self._answer(529 if failed else 200, ERROR if failed else ANSWER)

    def _answer(self, status: int, body: dict[str, object]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {
            "content-type": "application/json",
            "content-length": str(len(data)),
            "request-id": f"req_{time.monotonic_ns()}",
            "retry-after-ms": "1",
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    posts = 0
    delay_s = 0.0
    failures = 0  # of each call before it succeeds


@pytest.fixture
def server() -> Iterator[Server]:
    found = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield found
    finally:
        found.shutdown()
        found.server_close()
        thread.join()


@pytest.fixture
def run(
    server: Server, project: Path, l9gate: Gate
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run layers of the project against the server: `run("performance", "--stopping", …)`."""
    (project / "policy.toml").write_text(POLICY)

    def call(*words: str, retries: int = 0) -> subprocess.CompletedProcess[str]:
        text = LOAD.replace("RETRIES", str(retries))
        (project / "tests/performance/test_performance.py").write_text(text)
        url = f"http://127.0.0.1:{server.server_port}"
        return l9gate("run", *words, ANTHROPIC_API_KEY="sk-planted", ANTHROPIC_BASE_URL=url)

    return call


@pytest.mark.parametrize(("failures", "delay_s"), [(9, 0.0), (0, 0.55)])
def test_broken_build_costs_a_handful_of_calls(
    run: Gate, project: Path, server: Server, failures: int, delay_s: float
) -> None:
    """All 529, or all slow: ten calls that have ended are enough, and those in flight."""
    (project / "policy.toml").write_text(POLICY.replace("30s", "500ms"))
    server.failures, server.delay_s = failures, delay_s
    done = run("performance", "--stopping", "anytime")
    assert done.returncode == 1, done.stdout + done.stderr
    assert 10 <= server.posts <= MOST
    assert "performance decided" in done.stdout
    assert "the decision ended" in done.stdout
    name = "error-rate" if failures else "latency-p95"
    assert name in done.stdout.splitlines()[0]


def test_judging_again_finds_it_as_broken(run: Gate, server: Server, l9gate: Gate) -> None:
    server.failures = 9
    first = run("performance", "--stopping", "anytime")
    again = l9gate("judge")
    assert (again.returncode, again.stdout) == (1, first.stdout)


def test_without_leave_to_stop_every_call_is_made(run: Gate, server: Server) -> None:
    server.failures = 9
    done = run("performance")
    assert done.returncode == 1, done.stdout + done.stderr
    assert server.posts == CALLS
    assert "performance decided" not in done.stdout


def test_build_that_keeps_its_limits_is_measured_to_its_end(run: Gate, server: Server) -> None:
    done = run("performance", "--stopping", "anytime")
    assert done.returncode == 0, done.stdout + done.stderr
    assert server.posts == CALLS


def test_failures_that_a_retry_mends_break_nothing(run: Gate, server: Server) -> None:
    """Every first attempt fails: whoever takes it for the end of a call stops a good build."""
    server.failures = 1
    done = run("performance", "--stopping", "anytime", retries=2)
    assert done.returncode == 0, done.stdout + done.stderr
    assert server.posts == 2 * CALLS


def test_layers_after_it_call_nobody(run: Gate, server: Server) -> None:
    server.failures = 9
    done = run("performance", "contract", "unit", "--stopping", "anytime")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "contract decided: not started" in done.stdout
    assert server.posts <= MOST


def test_pytest_itself_stops_as_well_and_keeps_its_own_status(
    server: Server, project: Path, clean_environ: Mapping[str, str]
) -> None:
    server.failures = 9
    stopping = '[statistics]\nstopping = "anytime"\n'
    (project / "policy.toml").write_text(POLICY.replace("[[", f"{stopping}\n[[", 1))
    text = LOAD.replace("RETRIES", "0")
    (project / "tests/performance/test_performance.py").write_text(text)
    url = f"http://127.0.0.1:{server.server_port}"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "tests/performance", "-m", "benchmark"],
        cwd=project,
        env={**clean_environ, "ANTHROPIC_API_KEY": "sk-planted", "ANTHROPIC_BASE_URL": url},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == pytest.ExitCode.INTERRUPTED, done.stdout + done.stderr
    assert server.posts <= MOST
    assert "NOT READY  error-rate" in done.stdout
    assert "the decision ended" in done.stdout

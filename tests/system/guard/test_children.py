"""Calls of the API that Python children of a real layer make are evidence, and whose they are."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from l9gate.evidence.records import Exchange, Layer, Origin, Record, Signal, TestOutcome

Project = Callable[..., Path]
RunPytest = Callable[..., subprocess.CompletedProcess[str]]
Records = Callable[[Path, type[Record]], list[object]]
Outcomes = Callable[[Path], dict[str, TestOutcome]]

CALL = """
import os
import httpx2  # the SDK would take a second to import in every child

def call():
    body = {"model": "ok", "max_tokens": 5, "messages": []}
    url = os.environ["ANTHROPIC_BASE_URL"] + "/v1/messages"
    return httpx2.post(url, json=body).raise_for_status().json()["content"][0]["text"]
"""
SERVICE = """
import http.server, logging, os, sys
from app import call

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        text = call().encode()
        fields = {"operation": "search", "duration_s": 0.1, "cache": "miss"}
        logging.getLogger("app").warning("done", extra={"l9gate": fields})
        if self.path == "/killed":
            os.kill(os.getpid(), 9)
        self.send_response(200)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)
    def log_message(self, *words): pass

call()
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
"""
TESTS = """
import multiprocessing, os, subprocess, sys, urllib.request
import pytest
from app import call

pytestmark = pytest.mark.integration

def start(**environ):
    words = [sys.executable, "service.py"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, env={**os.environ, **environ})
    return process, f"http://127.0.0.1:{int(process.stdout.readline())}/"

def end(process):
    process.terminate(); process.wait(); process.stdout.close()

@pytest.fixture(scope="module")
def service():
    process, url = start()
    yield url
    end(process)

def read(url): return urllib.request.urlopen(url).read()

def test_asks(service): assert read(service) == b"secret answer"
def test_asks_twice(service): assert read(service) + read(service)
def test_asks_nothing(service): pass
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(method):
    process = multiprocessing.get_context(method).Process(target=call)
    process.start(); process.join()
    assert process.exitcode == 0
def test_fork():
    if (child := os.fork()) == 0:
        call()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
@pytest.fixture(scope="module")
def forked():
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    def serve():
        while theirs.recv():
            theirs.send(call())
    process = context.Process(target=serve)
    process.start()
    def ask():
        ours.send(True)
        return ours.recv()
    yield ask
    ours.send(False)
    process.join()
def test_forked_before(forked): assert forked() == "secret answer"
def test_clean_environment():
    keep = {name: os.environ[name] for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL")}
    subprocess.run([sys.executable, "-c", "import calling; calling.call()"], env=keep, check=True)
def test_killed():
    process, url = start()
    with pytest.raises(OSError):
        read(url + "killed")
    assert process.wait() == -9
    process.stdout.close()
def test_asyncio():
    code = "import asyncio, sys; sys.path.insert(0, '.'); " \\
           "from app import call; asyncio.run(asyncio.to_thread(call))"
    subprocess.run([sys.executable, "-c", code], check=True)
def test_switched_off():
    process, url = start(L9GATE_OFF="1")
    assert read(url) == b"secret answer"
    end(process)
"""


def names_of(entries: list[object]) -> list[str]:
    """Return the last part of each owner."""
    owners = [getattr(entry, "owner", None) or "nobody" for entry in entries]
    return sorted(owner.rpartition("::")[2].partition("#")[0] for owner in owners)


@pytest.fixture
def root(project: Project) -> Path:
    files = {"tests/integration/test_it.py": TESTS, "service.py": SERVICE, "app.py": CALL}
    return project(files)


@pytest.mark.parametrize("arguments", [(), ("-n2", "--dist=loadfile")])
def test_calls_of_children_belong_to_whoever_works_meanwhile(
    root: Path,
    run_pytest: RunPytest,
    records: Records,
    outcomes: Outcomes,
    arguments: tuple[str, ...],
) -> None:
    done = run_pytest(root, "tests/integration", *arguments)
    assert "12 passed" in done.stdout, done.stdout + done.stderr
    exchanges = records(root, Exchange)
    assert names_of(exchanges) == [
        "service",
        *("test_asks", "test_asks_twice", "test_asks_twice", "test_asyncio"),
        *(
            "test_clean_environment",
            "test_fork",
            "test_forked_before",
            "test_killed",
            "test_killed",
        ),
        *(f"test_multiprocessing[{name}]" for name in ("fork", "forkserver", "spawn")),
    ]
    for entry in exchanges:
        assert isinstance(entry, Exchange)
        assert (entry.origin, entry.layer, entry.status) == (Origin.LIVE, Layer.INTEGRATION, 200)
        assert entry.was_answered
    assert names_of(records(root, Signal)) == [
        *("test_asks", "test_asks_twice", "test_asks_twice", "test_killed"),
    ]
    (service,) = (owner for owner in outcomes(root)["test_asks_nothing"].owners if "#" in owner)
    assert service in {getattr(entry, "owner", None) for entry in exchanges}

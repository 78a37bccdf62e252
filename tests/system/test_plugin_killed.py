"""What a test left is durable once the test has ended, however its process ends."""

import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

from l9gate.evidence.records import Exchange, Held, Origin, Record

Project = Callable[..., Path]
RunPytest = Callable[..., subprocess.CompletedProcess[str]]
Records = Callable[[Path, type[Record]], list[object]]

SUITE = """
import os
import signal
import httpx2
import pytest

pytestmark = pytest.mark.integration
ERROR = {"type": "error", "error": {"type": "api_error", "message": "m"}, "request_id": "req_1"}

def ask():
    transport = httpx2.MockTransport(lambda _: httpx2.Response(500, json=ERROR))
    with httpx2.Client(transport=transport, trust_env=False) as client:
        client.post("https://api.example.com/v1/messages", json={"model": "m"})

def test_one():
    for _ in range(40):
        ask()

def test_forks():
    if not os.fork():
        try:
            ask()
        finally:
            os._exit(0)
    os.wait()

def test_killed():
    ask()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_exchanges_of_tests_that_had_ended_survive_a_kill(
    project: Project, run_pytest: RunPytest, records: Records
) -> None:
    """Each was looked at, also those of a fork, which ends without a last word."""
    root = project({"tests/integration/test_a.py": SUITE})
    assert run_pytest(root).returncode == -signal.SIGKILL
    found = [one for one in records(root, Exchange) if isinstance(one, Exchange)]
    owners = [(one.owner or "").rpartition("::")[2] for one in found]
    assert {name: owners.count(name) for name in owners} == {"test_one": 40, "test_forks": 1}
    assert {(one.origin, one.held) for one in found} == {(Origin.MOCKED, Held.KEPT)}

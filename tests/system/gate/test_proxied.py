"""`l9gate run --proxy`: calls of programs in other languages belong to the tests that ran them."""

import shutil
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import NoReturn

import pytest

from l9gate.evidence.records import Budget, End, Exchange, Held, Origin, TestOutcome, Witness
from l9gate.store.run import open_run

Gate = Callable[..., CompletedProcess[str]]

CURL = """
import os, subprocess, pytest
from client import ask

pytestmark = pytest.mark.integration
MESSAGE = '{"role": "user", "content": "x"}'
BODY = '{"model": "claude-haiku-5-5", "max_tokens": 9, "messages": [%s]}' % MESSAGE
CURL = '''curl -sS "$ANTHROPIC_BASE_URL/v1/messages" -H "x-api-key: $ANTHROPIC_API_KEY" \
-H "anthropic-version: 2026-10-21" -H "content-type: application/json" -d "$BODY" '''


def curl():
    environ = {**os.environ, "BODY": BODY}
    return subprocess.run(CURL, shell=True, check=True, capture_output=True, env=environ).stdout


@pytest.fixture(scope="module")
def shared():
    return curl()


def test_a_program():
    assert b"msg_" in curl()


def test_in_process():
    assert ask().status_code == 200


def test_nothing():
    assert True


def test_shared(shared):
    assert b"msg_" in shared
"""


@pytest.fixture
def proxied(project: Path) -> Path:
    if shutil.which("curl") is None:
        pytest.fail("curl is not installed")
    (project / "tests/integration/test_curl.py").write_text(CURL)
    return project


def test_a_call_is_seen_once_and_belongs_to_its_test(
    proxied: Path, l9gate: Gate, newest_run: Callable[[], Path]
) -> None:
    """H-02."""
    done = l9gate("run", "integration", "--rehearse", "--proxy", "-k", "test_curl")
    folder = open_run(newest_run())
    with folder.read() as log:
        seen, tests = list(log.of(Exchange)), list(log.of(TestOutcome))
    file = "tests/integration/test_curl.py"
    by_owner = {one.owner: one for one in seen}
    assert len(by_owner) == len(seen) == 3, done.stderr
    program, own = by_owner[f"{file}::test_a_program"], by_owner[f"{file}::test_in_process"]
    assert (program.witness, own.witness) == (Witness.PROXY, Witness.SEAM)
    for one in seen:
        assert (one.origin, one.end) == (Origin.SIMULATED, End.COMPLETE)
        assert (one.host, one.path) == (program.host, "/v1/messages")
        assert one.request_id is not None
        assert one.held is Held.KEPT
    shared = next(test for test in tests if test.node_id.endswith("test_shared"))
    assert set(shared.owners) & set(by_owner) == set(shared.owners) - {shared.node_id}
    void = [line for line in done.stdout.splitlines() if "vacuous" in line]
    assert any("test_nothing" in line for line in void)
    assert not any("test_a_program" in line or "test_shared" in line for line in void)
    assert sorted(path.name for path in folder.path.iterdir() if path.is_dir()) == []


def test_each_worker_of_xdist_has_its_own_programs(
    proxied: Path, l9gate: Gate, newest_run: Callable[[], Path]
) -> None:
    settings = (proxied / "l9gate.toml").read_text()
    layer = 'marker = "integration"\n'
    wanted = layer + 'proxy = true\narguments = ["-n", "2"]\n'
    (proxied / "l9gate.toml").write_text(settings.replace(layer, wanted))
    done = l9gate("run", "integration", "--rehearse", "-k", "test_curl and not shared")
    with open_run(newest_run()).read() as log:
        owners = sorted(f"{one.owner}".partition("::")[2] for one in log.of(Exchange))
    assert owners == ["test_a_program", "test_in_process"], done.stderr


def test_a_program_spends_from_the_budget_of_the_run(
    proxied: Path, l9gate: Gate, newest_run: Callable[[], Path]
) -> None:
    words = ("run", "integration", "--rehearse", "--proxy", "-k", "test_a_program")
    assert "402" not in l9gate(*words, "--budget", "1").stderr
    with open_run(newest_run()).read() as log:
        *_, budget = log.of(Budget)
    assert [(one.layer, one.calls) for one in budget.layers] == [("integration", 1)]
    l9gate(*words, "--budget", "0.0000001")
    with open_run(newest_run()).read() as log:
        *_, budget = log.of(Budget)
        assert list(log.of(Exchange)) == []
    assert budget.refusal is not None


NODE = """
import subprocess, pytest

SCRIPT = '''
fetch(process.env.ANTHROPIC_BASE_URL + "/v1/messages", {
  method: "POST",
  headers: {"x-api-key": process.env.ANTHROPIC_API_KEY, "anthropic-version": "2026-10-21",
            "content-type": "application/json"},
  body: JSON.stringify({model: "claude-haiku-5-5", max_tokens: 50, stream: true,
                        messages: [{role: "user", content: "x"}]}),
}).then(answer => answer.text()).then(text => console.log(text.includes("message_stop")))
'''


@pytest.mark.integration
def test_node():
    done = subprocess.run(["node", "-e", SCRIPT], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "true"
"""


def test_a_stream_that_node_reads_is_seen(
    project: Path,
    l9gate: Gate,
    newest_run: Callable[[], Path],
    absent: Callable[[str], NoReturn],
) -> None:
    if shutil.which("node") is None:
        absent("node")
    (project / "tests/integration/test_node.py").write_text(NODE)
    done = l9gate("run", "integration", "--rehearse", "--proxy", "-k", "test_node")
    with open_run(newest_run()).read() as log:
        (seen,) = log.of(Exchange)
    assert seen.owner == "tests/integration/test_node.py::test_node", done.stderr
    assert (seen.stream, seen.end, seen.witness) == (True, End.COMPLETE, Witness.PROXY)
    assert seen.usage is not None

"""L4-07: an upgrade of the API version, foretold by what the application's own tests sent."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Gate = Callable[..., subprocess.CompletedProcess[str]]
PLANTED = "planted-prompt-that-nobody-may-keep"
ASKS = '''
import json
import os
import subprocess
import httpx2
import pytest

pytestmark = pytest.mark.integration


def body(**more):
    said = [{"role": "user", "content": "planted-prompt-that-nobody-may-keep"}]
    return {"model": "claude-haiku-4-5", "max_tokens": 9, "messages": said, **more}


def ask(version, **more):
    key = os.environ["ANTHROPIC_API_KEY"]
    headers = {"authorization": "Bearer " + key, "anthropic-version": version}
    url = os.environ["ANTHROPIC_BASE_URL"] + "/v1/messages"
    return httpx2.post(url, headers=headers, json=body(**more), timeout=10)


@pytest.mark.parametrize("n", range(3))
def test_sampled(n):
    assert ask("2023-06-01", temperature=0.5).status_code == 200


def test_plain():
    assert ask("2023-06-01").status_code == 200


def test_upgraded():
    assert ask("2026-10-21").status_code == 200


def test_a_program():
    command = """curl -sS "$ANTHROPIC_BASE_URL/v1/messages" -H "x-api-key: $ANTHROPIC_API_KEY" \\
-d "$BODY" -H "anthropic-version: 2023-06-01" -H "content-type: application/json" """
    environ = {**os.environ, "BODY": json.dumps(body(top_k=3))}
    found = subprocess.run(command, shell=True, check=True, capture_output=True, env=environ)
    assert b"msg_" in found.stdout
'''


@pytest.fixture
def recorded(l9gate: Gate, project: Path) -> Callable[[str], tuple[int, str]]:
    """Run some of the tests, and return what the report on their run says."""
    (project / "tests/integration/test_integration.py").unlink()
    (project / "tests/integration/test_asks.py").write_text(ASKS)

    def run(names: str) -> tuple[int, str]:
        done = l9gate("run", "integration", "--rehearse", "--proxy", "-k", names)
        assert "failed" not in done.stderr, done.stderr
        report = l9gate("contract", "upgrade-report", "--format", "json")
        return report.returncode, report.stdout

    return run


def test_what_would_be_refused_is_named_by_test_also_of_other_programs(
    recorded: Callable[[str], tuple[int, str]],
) -> None:
    status, text = recorded("test_")
    assert status == 1, text
    found = {line["subject"]: line for line in json.loads(text)["lines"]}
    name = "tests/integration/test_asks.py::"
    assert found.keys() == {
        *(f"{name}test_sampled[{n}] (1x)" for n in range(3)),
        f"{name}test_a_program (1x)",
    }
    places = {line["drift"]["path"] for line in found.values()}
    assert places == {"/temperature", "/top_k"}
    assert json.loads(text)["unproven"] == []
    assert PLANTED not in text


def test_requests_that_hold_nothing_to_refuse_are_ready_for_the_upgrade(
    recorded: Callable[[str], tuple[int, str]],
) -> None:
    status, text = recorded("plain or upgraded")
    assert status == 0, text
    assert json.loads(text)["headline"].startswith("no difference in 2 requests")

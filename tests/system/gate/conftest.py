"""A small project of somebody else's, and the gate as its user starts it."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

Gate = Callable[..., subprocess.CompletedProcess[str]]

POLICY = """
format = 1

[[criterion]]
name = "latency-p50"
role = "exit"
layers = ["performance"]
require = "p50(latency_s) < 5s"
where = { route = "POST /v1/messages" }
why = "Users wait."

[[criterion]]
name = "pass-rate"
role = "blocker"
layers = []
require = "pass_rate >= 95%"
why = "Everything works."
"""

SETTINGS = """
policy = "policy.toml"
package = "shop"

[layers.unit]
paths = ["tests/unit"]

[layers.integration]
paths = ["tests/integration"]
marker = "integration"

[layers.performance]
paths = ["tests/performance"]
marker = "benchmark"

[layers.contract]
paths = ["tests/contract"]
marker = "contract"
"""

CLIENT = """
import os
import httpx2

PLANTED = "planted-prompt-that-nobody-may-keep"


def ask(model="claude-haiku-5-5"):
    return httpx2.post(
        os.environ["ANTHROPIC_BASE_URL"] + "/v1/messages",
        headers={
            "authorization": "Bearer " + os.environ["ANTHROPIC_API_KEY"],
            "anthropic-version": "2026-10-21",
        },
        json={
            "model": model,
            "max_tokens": 16,
            "messages": [{"role": "user", "content": PLANTED}],
        },
        timeout=10,
    )
"""

REAL_TEST = """
import pytest
from client import ask


@pytest.mark.{marker}
@pytest.mark.parametrize("n", range({count}))
def test_it_answers(n):
    assert ask().status_code == 200
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Four layers of few tests, with settings and a policy of its own."""
    root = tmp_path / "shop"
    for layer in ("unit", "integration", "performance", "contract"):
        (root / "tests" / layer).mkdir(parents=True)
    (root / "policy.toml").write_text(POLICY)
    (root / "l9gate.toml").write_text(SETTINGS)
    (root / "client.py").write_text(CLIENT)
    (root / "conftest.py").write_text("import sys\nsys.path.insert(0, str(__file__)[:-11])\n")
    (root / "pytest.ini").write_text("[pytest]\naddopts = --strict-markers\n")
    (root / "tests/unit/test_sum.py").write_text("def test_sum():\n    assert 1 + 1 == 2\n")
    for layer, marker, count in (
        ("integration", "integration", 2),
        ("performance", "benchmark", 8),
        ("contract", "contract", 2),
    ):
        text = REAL_TEST.format(marker=marker, count=count)
        (root / f"tests/{layer}/test_{layer}.py").write_text(text)
    return root


@pytest.fixture
def clean_environ() -> dict[str, str]:
    """What a user's shell holds, without any key or endpoint."""
    hidden = ("ANTHROPIC_", "L9GATE_", "STAGING_", "PROD_", "PYTEST_", "COV_")
    return {name: value for name, value in os.environ.items() if not name.startswith(hidden)}


@pytest.fixture
def l9gate(project: Path, clean_environ: Mapping[str, str]) -> Gate:
    """Run `l9gate WORDS…` in the project and return what it said."""

    def call(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "l9gate", *words],
            cwd=project,
            env={**clean_environ, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return call


@pytest.fixture
def newest_run(project: Path) -> Callable[[], Path]:
    """Return the folder of the newest run."""
    return lambda: max((project / ".l9gate" / "runs").iterdir())


class ProcessTable:
    """What runs on this machine, as `ps` sees it."""

    def descendants_of(self, pid: int) -> set[int]:
        words = ["ps", "-eo", "pid=,ppid="]
        listed = subprocess.run(words, capture_output=True, text=True, check=True)
        parents = {int(one): int(two) for one, two in map(str.split, listed.stdout.splitlines())}
        found: set[int] = set()
        while more := {one for one, two in parents.items() if two in {pid, *found}} - found:
            found |= more
        return found

    def is_running(self, pid: int) -> bool:
        words = ["ps", "-o", "stat=", "-p", str(pid)]
        state = subprocess.run(words, capture_output=True, check=False)
        return state.stdout.strip()[:1] not in {b"", b"Z"}


@pytest.fixture
def processes() -> ProcessTable:
    return ProcessTable()

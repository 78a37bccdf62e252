"""The way to *ready*: a server that is the declared endpoint and says nothing of a simulator."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

Gate = Callable[..., subprocess.CompletedProcess[str]]
NewestRun = Callable[[], Path]
KEY = "sk-planted-key-0123456789"


@pytest.fixture
def endpoint(scripted_api: ThreadingHTTPServer) -> dict[str, str]:
    """The variables that point the project at its endpoint."""
    port = scripted_api.server_address[1]
    return {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{port}"}


def test_everything_kept_live_is_ready(
    l9gate: Gate, newest_run: NewestRun, endpoint: dict[str, str]
) -> None:
    done = l9gate("run", "all", **endpoint)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("READY  ")
    document = json.loads((newest_run() / "report.json").read_text())
    assert {row["origin"]: row["answered"] for row in document["provenance"]} == {"live": 12}
    assert KEY.encode() not in (newest_run() / "evidence.db").read_bytes()


def test_a_real_test_that_calls_nobody_makes_it_not_ready(
    l9gate: Gate, project: Path, endpoint: dict[str, str]
) -> None:
    """Design 2.2."""
    (project / "tests/integration/test_empty.py").write_text(
        "import pytest\n\n@pytest.mark.integration\ndef test_nothing():\n    assert True\n"
    )
    done = l9gate("run", "all", **endpoint)
    assert done.returncode == 1
    assert done.stdout.startswith("NOT READY  ")
    assert "test_empty.py::test_nothing: vacuous" in done.stdout


def test_a_call_to_some_other_host_is_no_live_call(
    l9gate: Gate, project: Path, endpoint: dict[str, str]
) -> None:
    settings = project / "l9gate.toml"
    declared = '\n[environments.development]\nbase_url = "http://localhost:{}"\n'
    port = endpoint["ANTHROPIC_BASE_URL"].rpartition(":")[2]
    settings.write_text(settings.read_text() + declared.format(port))
    client = project / "client.py"
    target = f'"{endpoint["ANTHROPIC_BASE_URL"]}"'
    client.write_text(client.read_text().replace('os.environ["ANTHROPIC_BASE_URL"]', target))
    done = l9gate("run", "integration", ANTHROPIC_API_KEY=KEY)
    assert done.returncode == 1
    assert "other: 2 exchanges" in done.stdout


def test_pytest_called_directly_judges_a_whole_layer(
    project: Path, clean_environ: Mapping[str, str], newest_run: NewestRun, endpoint: dict[str, str]
) -> None:
    """L4-01."""
    words = [sys.executable, "-m", "pytest", "tests/contract/", "-m", "contract", "-v"]
    done = subprocess.run(
        words,
        cwd=project,
        env={**clean_environ, **endpoint, "COLUMNS": "120"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "LAYERS KEPT: contract" in done.stdout
    assert "2 passed" in done.stdout
    assert (newest_run() / "evidence.db").is_file()
    assert not os.path.exists(newest_run() / "evidence.db-wal")  # noqa: PTH110  # sealed

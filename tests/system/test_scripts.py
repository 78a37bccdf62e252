"""The scripts that people and pipelines call, on this repository itself."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NoReturn

import pytest

ROOT = Path(__file__).parents[2]
RUN = "./scripts/run-production-tests.sh"


@pytest.fixture
def keyless() -> dict[str, str]:
    hidden = ("ANTHROPIC_", "L9GATE_", "STAGING_", "PROD_", "PYTEST_", "COV_")
    return {name: value for name, value in os.environ.items() if not name.startswith(hidden)}


def call(
    *words: str, environ: Mapping[str, str], limit_s: float = 60
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words, cwd=ROOT, env=dict(environ), stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=limit_s, check=False,
    )  # fmt: skip


def test_the_runner_is_a_valid_script(keyless: dict[str, str]) -> None:
    """R-01."""
    for script in (ROOT / "scripts").glob("*.sh"):
        assert call("bash", "-n", str(script), environ=keyless).returncode == 0
    assert os.access(ROOT / RUN, os.X_OK)


@pytest.mark.parametrize("words", [(), ("nope",), ("--rehearse",)])
def test_anything_but_a_layer_gets_usage(keyless: dict[str, str], words: tuple[str, ...]) -> None:
    """R-07."""
    done = call(RUN, *words, environ=keyless)
    assert done.returncode == 64
    assert "Usage: ./scripts/run-production-tests.sh LAYER" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("layer", ["integration", "performance", "contract", "all"])
@pytest.mark.parametrize("key", [None, ""])
def test_without_a_key_real_layers_refuse(
    keyless: dict[str, str], layer: str, key: str | None
) -> None:
    """R-03 to R-06, R-09."""
    environ = keyless if key is None else keyless | {"ANTHROPIC_API_KEY": key}
    done = call(RUN, layer, environ=environ)
    assert done.returncode == 69
    assert "ANTHROPIC_API_KEY" in done.stderr
    assert "nothing was tested" in done.stderr


@pytest.mark.parametrize(
    ("folder", "marker"),
    [("integration", "integration"), ("performance", "benchmark"), ("contract", "contract")],
)
def test_pytest_itself_refuses_without_a_key(
    keyless: dict[str, str], folder: str, marker: str
) -> None:
    """L2-02, L3-01, L4-01: the same refusal, the same status."""
    words = (".venv/bin/python", "-m", "pytest", f"tests/{folder}/", "-m", marker, "-v")
    done = call(*words, environ=keyless)
    assert done.returncode == 69
    assert "ANTHROPIC_API_KEY" in done.stdout + done.stderr
    assert "nothing was tested" in done.stdout + done.stderr
    assert "passed" not in done.stdout


def test_the_unit_layer_needs_no_network(
    keyless: dict[str, str], absent: Callable[[str], NoReturn]
) -> None:
    """L1-02, L1-03, R-02."""
    isolated = ("unshare", "-rn")
    if shutil.which("unshare") is None or call(*isolated, "true", environ=keyless).returncode:
        absent("a network namespace")
    call(RUN, "--help", environ=keyless)  # its set-up is not what is isolated
    done = call(*isolated, RUN, "unit", environ=keyless, limit_s=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("LAYERS KEPT: unit")


def test_the_main_job_ends_rehearsed(keyless: dict[str, str]) -> None:
    """The first of the two commands: under six minutes, and never the word."""
    started_s = time.monotonic()
    done = call(RUN, "all", "--rehearse", environ=keyless, limit_s=600)
    assert done.returncode == 0, done.stdout + done.stderr
    assert time.monotonic() - started_s < 360
    assert done.stdout.startswith("REHEARSED on the simulator")
    name = re.search(r"^run (\S+):", done.stderr, re.MULTILINE)
    assert name is not None
    run = ROOT / ".l9gate" / "runs" / name[1]
    shown = done.stdout + done.stderr + (run / "report.txt").read_text()
    assert re.search(r"\bready\b", shown, re.IGNORECASE) is None
    lines = [line for line in done.stdout.splitlines() if "p99(latency_s)" in line]
    assert re.search(r"\(\d{3,} calls, 95 % bounds", lines[0])
    judged = [call(".venv/bin/l9gate", "judge", run.name, environ=keyless) for _ in range(2)]
    assert judged[0].stdout == judged[1].stdout
    assert [one.returncode for one in judged] == [0, 0]

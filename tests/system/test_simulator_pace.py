"""The pace that a file asks for, on the wire."""

import subprocess
import sys
import time
from pathlib import Path

import httpx2
import pytest

from l9gate.simulator.latency import DEFAULT, LatencyProfile
from l9gate.simulator.server import SimulatorConfig, SimulatorThread

BODY = {
    "model": "claude-haiku-5-5",
    "max_tokens": 300,
    "messages": [{"role": "user", "content": "hi"}],
    "stream": True,
}
HEADERS = {"x-api-key": "sk-simulated-key", "anthropic-version": "2026-10-21"}
SIMULATE = (sys.executable, "-m", "l9gate", "simulate", "--latency")


def _arrivals_s(base_url: str) -> list[float]:
    """Return when each piece of text arrived, in seconds since the request."""
    started_s = time.monotonic()
    url = f"{base_url}/v1/messages"
    with httpx2.stream("POST", url, json=BODY, headers=HEADERS) as response:
        lines = response.iter_lines()
        return [time.monotonic() - started_s for line in lines if '"text_delta"' in line]


def test_first_tokens_and_gaps_come_when_they_were_asked_for() -> None:
    profile = LatencyProfile(first_token_s=0.3, token_gap_s=0.01, per_input_token_s=0)
    with SimulatorThread(SimulatorConfig(latency={DEFAULT: profile})) as simulator:
        _arrivals_s(simulator.base_url)  # the first one also imports and connects
        arrivals_s = _arrivals_s(simulator.base_url)
    assert arrivals_s[0] == pytest.approx(0.3, abs=0.15)
    mean_gap_s = (arrivals_s[-2] - arrivals_s[0]) / (len(arrivals_s) - 2)
    assert mean_gap_s == pytest.approx(6 * 0.01, rel=0.25)  # a piece holds six tokens


def test_a_file_sets_the_pace_of_the_command(tmp_path: Path) -> None:
    path = tmp_path / "latency.toml"
    path.write_text("[default]\nfirst_token_s = 0.4\ntoken_gap_s = 0.001\n")
    process = subprocess.Popen((*SIMULATE, path), stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        base_url = process.stdout.readline().strip()
        assert _arrivals_s(base_url)[0] > 0.4
    finally:
        process.terminate()
        process.communicate(timeout=10)


def test_a_file_that_cannot_be_meant_ends_the_command(tmp_path: Path) -> None:
    path = tmp_path / "latency.toml"
    path.write_text("[default]\nfirst_token_s = { p95 = 0.2, p50 = 0.4 }\ntoken_gap_s = 0.001\n")
    done = subprocess.run(
        (*SIMULATE, path), capture_output=True, text=True, timeout=20, check=False
    )
    assert done.returncode == 78
    assert "a higher quantile is shorter" in done.stderr

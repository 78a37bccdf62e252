"""A gateway from the registry, in front of the simulator: what it breaks is found and is true.

It is LiteLLM's proxy of one version, without a key of its own, on loopback, with its telemetry off
and every way out leading to a port where nobody may knock.
"""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from l9gate.simulator.config import SimulatorConfig
from l9gate.simulator.server import SimulatorThread

GATEWAY = "litellm[proxy]==1.106.2"
START_S = 100.0  # the first start compiles its modules
CONFIG = """
model_list:
  - model_name: claude-haiku-5-5
    litellm_params:
      model: anthropic/claude-haiku-5-5
      api_base: {url}
      api_key: sk-ant-upstream-of-a-test
litellm_settings:
  telemetry: false
"""
SILENT = {
    "LITELLM_TELEMETRY": "False",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true",
    "DO_NOT_TRACK": "1",
    "NO_PROXY": "127.0.0.1",
}


@pytest.fixture
def installed(tmp_path: Path, absent: Callable[[str], NoReturn]) -> Path:
    uv, venv = Path(sys.executable).with_name("uv"), tmp_path / "venv"
    for words in (
        ("venv", "--quiet", "--python", sys.executable, str(venv)),
        ("pip", "install", "--quiet", "--python", str(venv / "bin/python"), GATEWAY),
    ):
        try:
            done = subprocess.run(
                [uv, *words], capture_output=True, text=True, check=False, timeout=60
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            absent(f"installing {GATEWAY} ({type(error).__name__})")
        if done.returncode != 0:
            absent(f"installing {GATEWAY} ({done.stderr.strip()[-300:]})")
    return venv / "bin" / "litellm"


@pytest.fixture
def way_out() -> Iterator[socket.socket]:
    """A port that is named as the proxy for everything but loopback."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0)
        yield listening


@pytest.fixture
def gateway(
    installed: Path, way_out: socket.socket, tmp_path: Path, absent: Callable[[str], NoReturn]
) -> Iterator[str]:
    with SimulatorThread(SimulatorConfig(load_factor=0)) as behind:
        config, log = tmp_path / "config.yaml", tmp_path / "gateway.log"
        config.write_text(CONFIG.format(url=behind.base_url))
        port = _free_port()
        proxy = f"http://127.0.0.1:{way_out.getsockname()[1]}"
        path = f"{installed.parent}:{os.environ['PATH']}"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [installed, "--config", config, "--host", "127.0.0.1", "--port", str(port)],
                env={"PATH": path, "HOME": str(tmp_path), "HTTP_PROXY": proxy, "HTTPS_PROXY": proxy}
                | SILENT,
                stdout=output,
                stderr=output,
                cwd=tmp_path,
            )
        try:
            if not _is_up(port, process):
                absent(f"starting {GATEWAY} ({log.read_text()[-300:]})")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(20)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
    return port


def _is_up(port: int, process: "subprocess.Popen[bytes]") -> bool:
    ends_s = time.monotonic() + START_S
    while time.monotonic() < ends_s and process.poll() is None:
        with socket.socket() as trying:
            if trying.connect_ex(("127.0.0.1", port)) == 0:
                return True
        time.sleep(0.2)
    return False


@pytest.mark.timeout(240)
def test_what_the_gateway_breaks_is_named(
    gateway: str, way_out: socket.socket, tmp_path: Path
) -> None:
    hidden = ("L9GATE_", "ANTHROPIC_", "COV_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
    done = subprocess.run(
        [sys.executable, "-m", "l9gate", "contract", "check", "--url", gateway, "--format", "json"],
        cwd=tmp_path,
        env={**kept, "ANTHROPIC_API_KEY": "sk-any-key"},
        capture_output=True,
        text=True,
        timeout=70,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    report = json.loads(done.stdout)
    found = {
        (line["subject"], line["drift"]["code"], line["drift"]["path"]) for line in report["lines"]
    }
    assert report["unproven"] == []
    assert found >= {
        ("message", "header.missing", "header request-id"),
        ("message.stream", "header.rate_limit", "header anthropic-ratelimit-*"),
        ("error.no_json", "envelope.foreign", ""),
        ("error.unknown_path", "envelope.foreign", ""),
        ("error.empty_text", "shape.missing", "/request_id"),
        ("error.unknown_field", "status.changed", "status"),
        ("error.no_version", "status.changed", "status"),
        ("error.unknown_model", "status.changed", "status"),
        ("models.list", "shape.missing", "/data/0/lifecycle"),
        ("models.retrieve", "shape.missing", "/display_name"),
    }
    # What it leaves as it is must not be told: bodies of answers, order of events, usage.
    assert {code.partition(".")[0] for subject, code, _ in found if subject == "message"} == {
        "header"
    }
    with pytest.raises(BlockingIOError):
        way_out.accept()

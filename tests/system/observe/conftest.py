"""Environments of their own for versions and libraries that ours has not, and what runs in them."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

import l9gate
from l9gate.simulator.server import SimulatorThread
from l9gate.wire.json import JsonObject

CLIENTS = Path(__file__).with_name("clients")
OFFLINE = {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}  # LiteLLM fetches it when imported


@pytest.fixture(scope="session")
def environments(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path | str]:
    """Make an environment with packages, once each; return its Python, or what failed."""
    made: dict[tuple[str, ...], Path | str] = {}

    def make(*packages: str) -> Path | str:
        if packages not in made:
            root = tmp_path_factory.mktemp("environment")
            uv = Path(sys.executable).with_name("uv")
            python = root / "venv/bin/python"
            commands: tuple[list[str | Path], ...] = (
                [uv, "venv", "--quiet", "--python", sys.executable, root / "venv"],
                [uv, "pip", "install", "--quiet", "--python", python, "msgspec", *packages],
            )
            made[packages] = python
            for command in commands:
                done = subprocess.run(command, capture_output=True, text=True, check=False)
                if done.returncode != 0:
                    made[packages] = done.stderr.strip()
        return made[packages]

    return make


@pytest.fixture
def observe(
    environments: Callable[..., Path | str],
    absent: Callable[[str], NoReturn],
    simulator: SimulatorThread,
) -> Callable[..., dict[str, JsonObject]]:
    """Run scenarios of clients/ in an environment; return what was recorded of each."""

    def run(
        packages: tuple[str, ...],
        module: str,
        *names: str,
        moment: str = "after",
        url: str = "",
        kind: str = "simulated",
    ) -> dict[str, JsonObject]:
        python = environments(*packages)
        if isinstance(python, str):
            absent(f"installing {', '.join(packages)} ({python[-300:]})")
        url = url or simulator.base_url
        hidden = ("ANTHROPIC_", "L9GATE_", "PYTHON", "COV_", "AWS_")
        kept = {name: text for name, text in os.environ.items() if not name.startswith(hidden)}
        sources = str(Path(l9gate.__file__ or "").parents[1])
        done = subprocess.run(
            [python, CLIENTS / "observed.py", module, moment, url, kind, *names],
            env={**kept, "PYTHONPATH": sources, "ANTHROPIC_BASE_URL": url, **OFFLINE},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        found: dict[str, JsonObject] = json.loads(done.stdout)
        assert all(not entry["faults"] for entry in found.values()), found
        return found

    return run

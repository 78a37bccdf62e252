"""Fixtures: a simulator of one's own, and the official client bound to it.

What they need is imported when a test asks for them, since most sessions never do.
"""

import importlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from l9gate.simulator.config import SimulatorConfig
    from l9gate.simulator.server import SimulatorThread

KEY = "sk-simulated-no-secret"
TIMEOUT_S = 10.0


@pytest.fixture
def simulator_config() -> "SimulatorConfig":
    """Say how `simulator` answers: at once. A project overrides it for anything else."""
    from l9gate.simulator.config import SimulatorConfig

    return SimulatorConfig(load_factor=0)


@pytest.fixture
def simulator(simulator_config: "SimulatorConfig") -> "Iterator[SimulatorThread]":
    """Run a Messages API on a free loopback port for one test.

    It has `base_url`, `set_fault(text)`, `visits()` and `conduct()`.
    """
    from l9gate.simulator.server import SimulatorThread

    with SimulatorThread(simulator_config) as running:
        yield running


@pytest.fixture
def simulated_client(simulator: "SimulatorThread") -> Iterator[object]:
    """Give an `anthropic.Anthropic` that calls `simulator`; the SDK must be installed."""
    sdk = importlib.import_module("anthropic")
    with sdk.Anthropic(api_key=KEY, base_url=simulator.base_url, timeout=TIMEOUT_S) as client:
        yield client

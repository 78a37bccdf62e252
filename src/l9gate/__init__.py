"""Decides, with evidence, whether software built on the Anthropic Messages API may ship.

What is named in `__all__` is public; everything else may change.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from l9gate.errors import ExitCode, L9gateError
    from l9gate.evidence.records import Layer, Origin
    from l9gate.gate import Judgement, RunRequest, judge, run
    from l9gate.simulator.server import SimulatorConfig, SimulatorThread
    from l9gate.verdict import Outcome

__all__ = [
    "ExitCode",
    "Judgement",
    "L9gateError",
    "Layer",
    "Origin",
    "Outcome",
    "RunRequest",
    "SimulatorConfig",
    "SimulatorThread",
    "judge",
    "run",
]

_HOMES = {
    "ExitCode": "l9gate.errors",
    "Judgement": "l9gate.gate",
    "L9gateError": "l9gate.errors",
    "Layer": "l9gate.evidence.records",
    "Origin": "l9gate.evidence.records",
    "Outcome": "l9gate.verdict",
    "RunRequest": "l9gate.gate",
    "SimulatorConfig": "l9gate.simulator.server",
    "SimulatorThread": "l9gate.simulator.server",
    "judge": "l9gate.gate",
    "run": "l9gate.gate",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module `l9gate` has no attribute `{name}`")
    return getattr(import_module(_HOMES[name]), name)

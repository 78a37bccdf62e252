"""Issue 5: two seeded runs with other prompts, models, tools and streams differ in nothing grave.

A thrifty number of pairs; `benchmarks/contract_drift.py` plays a thousand.
"""

import importlib.util
import sys
from pathlib import Path

import pytest


def _load() -> object:
    place = Path(__file__).parents[2] / "benchmarks" / "contract_runs.py"
    spec = importlib.util.spec_from_file_location("contract_runs", place)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["contract_runs"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


RUNS = _load()


@pytest.mark.parametrize("number", range(30))
def test_two_seeded_runs_differ_in_nothing_grave(number: int) -> None:
    assert RUNS.play_pair(number).alarms == []  # type: ignore[attr-defined]

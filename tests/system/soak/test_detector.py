"""Issue 6: leaks are told from plateaus; `benchmarks/soak_detector.py` does it on 1,320 series."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from l9gate.measure.trend import Growth, TrendPlan, find_trend

SEED, PER_KIND = 42, 4
PRECISION, RECALL = 0.97, 0.95


def load_series() -> ModuleType:
    place = Path(__file__).parents[3] / "benchmarks" / "soak_series.py"
    spec = importlib.util.spec_from_file_location("soak_series", place)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["soak_series"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_leaks_are_found_and_plateaus_are_not_called_leaks() -> None:
    right, wrong, leaks = 0, [], 0
    for series in load_series().make_series(PER_KIND, SEED):
        plan = TrendPlan(tolerance=series.tolerance)
        found = find_trend(series.at_s, series.values, plan, series.operations)
        leaks += series.leaks
        if found.growth is Growth.GROWING:
            right += series.leaks
            wrong += [] if series.leaks else [series.kind]
    assert right >= RECALL * leaks
    assert right >= PRECISION * (right + len(wrong))
    assert [kind for kind in wrong if "plateau" in kind] == []

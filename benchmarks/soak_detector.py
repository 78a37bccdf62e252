"""How often a leak is told from what comes to rest, beside what people usually do.

Series are made anew from the seed; none of them was there when the detector's numbers were set
(seeds up to 40). *Undecided* counts as not found. The Mann-Kendall test is pymannkendall's, which
is installed by name into a temporary directory.

Run: python benchmarks/soak_detector.py [--per-kind 60] [--seed 47]
"""

import argparse
import importlib
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable

from scipy import stats
from soak_series import Series, make_series

from l9gate.measure.trend import Growth, TrendPlan, find_trend

PRECISION, RECALL = 0.97, 0.95
PEER = "pymannkendall"
Detector = Callable[[Series], bool]


def ours(series: Series) -> Growth:
    plan = TrendPlan(tolerance=series.tolerance)
    return find_trend(
        series.at_s.tolist(), series.values.tolist(), plan, series.operations.tolist()
    ).growth


def ends_higher(series: Series) -> bool:
    return bool(series.values[-1] > 1.1 * series.values[0])


def has_slope(series: Series) -> bool:
    line = stats.linregress(series.at_s, series.values)
    return bool(line.slope > 0 and line.pvalue < 0.05)


def mann_kendall() -> Detector | None:
    """Return the peer, None if it cannot be had."""
    place = tempfile.mkdtemp()
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", place, PEER]
    if subprocess.run(command, check=False, capture_output=True).returncode != 0:
        return None
    sys.path.append(place)
    test = importlib.import_module(PEER).original_test
    return lambda series: test(series.values).trend == "increasing"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--per-kind", type=int, default=60)
    parser.add_argument("--seed", type=int, default=47)
    asked = parser.parse_args()
    series = list(make_series(asked.per_kind, asked.seed))
    started_s = time.process_time()
    found = [ours(one) for one in series]
    cost_ms = 1000 * (time.process_time() - started_s) / len(series)
    print(f"{len(series):,} series, seed {asked.seed}; {cost_ms:.1f} ms of CPU a series\n")
    _print_kinds(series, found)
    print(f"\n{'':32} precision  recall  false alarms  of plateaus")
    is_good = _print_rates("l9gate", series, [one is Growth.GROWING for one in found])
    peers: dict[str, Detector | None] = {
        "end > start + 10 %": ends_higher,
        "least squares, p < .05": has_slope,
        f"Mann-Kendall ({PEER})": mann_kendall(),
    }
    for name, detector in peers.items():
        if detector is None:
            print(f"{name:32} could not be installed")
        else:
            _print_rates(name, series, [detector(one) for one in series])
    return 0 if is_good else 1


def _print_kinds(series: list[Series], found: list[Growth]) -> None:
    counts: dict[tuple[bool, str], Counter[Growth]] = {}
    for one, growth in zip(series, found, strict=True):
        counts.setdefault((one.leaks, one.kind), Counter())[growth] += 1
    print(f"{'':32} {'growing':>8} {'undecided':>10} {'not growing':>12}")
    for (leaks, kind), count in counts.items():
        name = f"{'leak' if leaks else 'no leak'}: {kind}"
        row = count[Growth.GROWING], count[Growth.UNDECIDED], count[Growth.STEADY]
        print(f"{name:32} {row[0]:8} {row[1]:10} {row[2]:12}")


def _print_rates(name: str, series: list[Series], alarms: list[bool]) -> bool:
    pairs = list(zip(series, alarms, strict=True))
    right = sum(alarm for one, alarm in pairs if one.leaks)
    wrong = sum(alarm for one, alarm in pairs if not one.leaks)
    plateaus = sum(alarm for one, alarm in pairs if not one.leaks and "plateau" in one.kind)
    precision, recall = right / max(right + wrong, 1), right / sum(one.leaks for one in series)
    harmless = sum(not one.leaks for one in series)
    print(f"{name:32} {precision:9.3f} {recall:7.3f} {wrong / harmless:13.3f} {plateaus:12}")
    return precision >= PRECISION and recall >= RECALL and plateaus == 0


if __name__ == "__main__":
    sys.exit(main())

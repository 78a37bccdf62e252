"""A load on a Ray cluster of two nodes: the whole schedule, and who is lost with his node."""

import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import msgspec
import pytest

from l9gate.criteria.shortfall import why_incomplete
from l9gate.drive.arrivals import Poisson
from l9gate.drive.order import LoadOrder
from l9gate.evidence.load import LoadPlan
from l9gate.evidence.records import Fault
from l9gate.store.run import RunFolder

ROOT = Path(__file__).parents[3]
PYTHON = Path(sys.prefix) / "ray" / "bin" / "python"  # `.ci/run` makes it
SCRIPT = Path(__file__).parent / "clusters" / "two_nodes.py"
Calls = Callable[[RunFolder], list[tuple[int, int, float]]]


class Outcome(msgspec.Struct):
    lost: list[str]
    sent: int
    planned: int


Loads = list[tuple[RunFolder, Outcome]]


@pytest.fixture(scope="module")
def loads(
    order: LoadOrder,
    new_folder: Callable[[Path], RunFolder],
    tmp_path_factory: pytest.TempPathFactory,
) -> Loads | None:
    """A load that both nodes carried out, and one of which a node was killed; None without Ray."""
    if not PYTHON.exists():
        return None
    folders = [new_folder(tmp_path_factory.mktemp(name)) for name in ("whole", "cut")]
    words = [*(str(folder.path) for folder in folders), msgspec.json.encode(order).decode()]
    environ = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "RAY_USAGE_STATS_ENABLED": "0"}
    # A short path, for Ray's sockets lie there.
    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as place:
        done = subprocess.run(
            [PYTHON, SCRIPT, *words],
            env={**environ, "RAY_TMPDIR": place},
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
    assert done.returncode == 0, done.stderr[-2000:]
    lines = [line for line in done.stdout.splitlines() if line.startswith('{"lost"')]
    return list(
        zip(folders, [msgspec.json.decode(line, type=Outcome) for line in lines], strict=True)
    )


@pytest.fixture
def done(loads: Loads | None, absent: Callable[[str], NoReturn]) -> Loads:
    return loads or absent("Ray in an environment of its own, which `.ci/run` makes,")


def test_two_nodes_send_the_schedule_of_one_process(done: Loads, calls: Calls) -> None:
    folder, outcome = done[0]
    offsets_s = list(Poisson(100.0, 2.0).offsets_s(7))
    assert (outcome.lost, outcome.sent, outcome.planned) == ([], len(offsets_s), len(offsets_s))
    seen = sorted(calls(folder), key=lambda call: call[1])
    assert [position for _, position, _ in seen] == list(range(len(offsets_s)))
    with folder.read() as log:
        (starts_s,) = {plan.starts_s for plan in log.of(LoadPlan)}
        assert why_incomplete("load", log) == ["load has no end: it was killed or never started"]
    assert [due_s for _, _, due_s in seen] == [starts_s + offset_s for offset_s in offsets_s]


def test_the_share_of_a_lost_node_is_missing_and_nobody_took_it_over(
    done: Loads, calls: Calls
) -> None:
    folder, outcome = done[1]
    (lost,) = outcome.lost
    assert "of 2 was lost (Actor" in lost
    sent = Counter(shard for shard, _, _ in calls(folder))
    with folder.read() as log:
        planned = {plan.shard: plan.planned or 0 for plan in log.of(LoadPlan)}
        (fault,) = log.of(Fault)
        reasons = why_incomplete("load", log)
    gone = int(fault.where.rpartition(".")[2])
    assert sent[1 - gone] == planned[1 - gone]
    missing = planned[gone] - sent[gone]
    assert missing > 0
    assert any(f"{missing:,} of {outcome.planned:,} planned calls" in reason for reason in reasons)

"""Loads against the simulator, and what was seen of their calls."""

import struct
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from l9gate.drive.order import LoadOrder
from l9gate.evidence.load import Arm, LoadBlock
from l9gate.evidence.records import Origin
from l9gate.simulator.config import SimulatorConfig
from l9gate.simulator.server import SimulatorThread
from l9gate.store.run import FORMAT_VERSION, Manifest, RunFolder, create_run

SEED = 7
RATE_PER_S = 100.0
DURATION_S = 2.0
Calls = Callable[[RunFolder], list[tuple[int, int, float]]]


@pytest.fixture(scope="module")
def order() -> Iterator[LoadOrder]:
    """Two hundred calls or so of a minimal workload."""
    with SimulatorThread(SimulatorConfig(load_factor=0)) as simulator:
        yield LoadOrder(
            base_url=simulator.base_url,
            rate=f"poisson {RATE_PER_S:g}/s",
            duration_s=DURATION_S,
            seed=SEED,
            model="claude-haiku-5-5",
            origin=Origin.SIMULATED,
        )


@pytest.fixture(scope="module")
def new_folder() -> Callable[[Path], RunFolder]:
    """Make the run folder of a load."""

    def make(place: Path) -> RunFolder:
        manifest = Manifest(
            format_version=FORMAT_VERSION,
            run_id=place.name,
            package="shop",
            started_at="2026-11-22T00:00:00Z",
            git_revision=None,
            git_dirty=None,
            environment="development",
            endpoint="http://127.0.0.1",
            kind=Origin.SIMULATED,
            layers=(),
            model=None,
            seed=SEED,
            policy_hash="",
            versions={},
            sources=("load",),
        )
        return create_run(place, manifest, "format = 1\n")

    return make


@pytest.fixture(scope="module")
def calls() -> Calls:
    """Read shard, place in the schedule and due time of every call of a run."""

    def read(folder: RunFolder) -> list[tuple[int, int, float]]:
        with folder.read() as log:
            return [
                (block.shard, position, due_s)
                for block in log.of(LoadBlock)
                if block.arm is Arm.MAIN
                for position, due_s in zip(
                    struct.unpack(f"<{block.calls}I", block.positions),
                    struct.unpack(f"<{block.calls}d", block.due_s),
                    strict=True,
                )
            ]

    return read


@pytest.fixture
def workers_of() -> Callable[[int], list[int]]:
    """Find the processes that share a load of some process."""

    def find(pid: int) -> list[int]:
        words = ["ps", "-o", "pid=", "--ppid", str(pid)]
        listed = subprocess.run(words, capture_output=True, text=True, check=False).stdout.split()
        found = []
        for number in map(int, listed):
            command = Path(f"/proc/{number}/cmdline")
            if command.exists() and b"sources.load.worker" in command.read_bytes():
                found.append(number)
        return found

    return find

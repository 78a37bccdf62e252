"""One load by several processes: the whole schedule, one moment to start, and who is lost."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from l9gate.criteria.criterion import Scope
from l9gate.criteria.shortfall import why_incomplete
from l9gate.drive.arrivals import Poisson
from l9gate.drive.order import LoadOrder
from l9gate.drive.plan import Progress, Reason
from l9gate.errors import PlanError
from l9gate.evidence.load import LoadPlan
from l9gate.evidence.records import Fault, Origin
from l9gate.measure.clock import SystemClock
from l9gate.sources.bench import Bench
from l9gate.sources.load.crew import SharedEnd
from l9gate.sources.load.plan import Asked, LoadAssignment, Place
from l9gate.sources.load.workers import drive_shards
from l9gate.store.run import RunFolder, open_run

Calls = Callable[[RunFolder], list[tuple[int, int, float]]]
SCOPE = Scope(layers=(), kind=Origin.SIMULATED, environment="development", sources=("load",))
SHELL = """
import asyncio, os, sys
from pathlib import Path
import msgspec
from l9gate.drive.order import LoadOrder
from l9gate.criteria.criterion import Scope
from l9gate.evidence.records import Origin
from l9gate.measure.clock import SystemClock
from l9gate.sources.bench import Bench
from l9gate.sources.load.plan import Asked, LoadAssignment, Place
from l9gate.sources.load.workers import drive_shards
from l9gate.store.run import open_run

folder = open_run(Path(sys.argv[1]))
order = msgspec.json.decode(sys.argv[2], type=LoadOrder)
with folder.writer("gate") as sink:
    bench = Bench(clock=SystemClock(), seed=1, sink=sink, say=print)
    scope = Scope(layers=(), kind=Origin.SIMULATED, environment="development")
    plan = LoadAssignment(order=order, asked=Asked(criteria=(), scope=scope), key="",
                          place=Place(workers=2), run=folder.path, environ=os.environ)
    look = lambda progress: print("progress", flush=True)
    asyncio.run(drive_shards(plan, bench, look))
"""


@pytest.fixture
def folder(tmp_path: Path, new_folder: Callable[[Path], RunFolder]) -> RunFolder:
    return new_folder(tmp_path / "runs")


@pytest.fixture
def environ() -> dict[str, str]:
    return {**os.environ, "ANTHROPIC_API_KEY": "sk-rehearsal-1"}


def carry_out(
    order: LoadOrder,
    folder: RunFolder,
    environ: dict[str, str],
    look: Callable[[Progress], bool] = lambda _: False,
) -> SharedEnd:
    with folder.writer("gate") as sink:
        bench = Bench(clock=SystemClock(), seed=7, sink=sink, say=lambda _: None)
        plan = LoadAssignment(
            order=order,
            asked=Asked(criteria=(), scope=SCOPE),
            key="",
            place=Place(workers=2),
            run=folder.path,
            environ=environ,
        )
        return asyncio.run(drive_shards(plan, bench, look))


def test_two_processes_send_the_schedule_of_one(
    order: LoadOrder, folder: RunFolder, environ: dict[str, str], calls: Calls
) -> None:
    """Every call of the seed's schedule once, at its time, in a shard that says so."""
    shared = carry_out(order, folder, environ)
    offsets_s = list(Poisson(100.0, 2.0).offsets_s(7))
    assert shared.lost == ()
    assert (shared.end.reason, shared.end.sent) == (Reason.COMPLETED, len(offsets_s))
    seen = sorted(calls(folder), key=lambda call: call[1])
    assert [position for _, position, _ in seen] == list(range(len(offsets_s)))
    assert all(shard == position % 2 for shard, position, _ in seen)
    with folder.read() as log:
        (starts_s,) = {plan.starts_s for plan in log.of(LoadPlan)}
    assert [due_s for _, _, due_s in seen] == [starts_s + offset_s for offset_s in offsets_s]


def test_who_is_killed_is_named_and_nobody_takes_his_share_over(
    order: LoadOrder,
    folder: RunFolder,
    environ: dict[str, str],
    calls: Calls,
    workers_of: Callable[[int], list[int]],
) -> None:
    killed: list[int] = []

    def look(_: Progress) -> bool:
        if not killed:
            killed.append(workers_of(os.getpid())[0])
            os.kill(killed[0], signal.SIGKILL)
        return False

    shared = carry_out(order, folder, environ, look)
    (lost,) = shared.lost
    assert "of 2 was lost (signal 9)" in lost
    sent = Counter(shard for shard, _, _ in calls(folder))
    with folder.read() as log:
        planned = {plan.shard: plan.planned or 0 for plan in log.of(LoadPlan)}
        short = [shard for shard in planned if sent[shard] < planned[shard]]
        assert len(short) == 1
        assert sent[1 - short[0]] == planned[1 - short[0]]
        (fault,) = log.of(Fault)
        assert fault.where == f"sources.load.worker.{short[0]}"
        reasons = why_incomplete("load", log)
    missing = planned[short[0]] - sent[short[0]]
    assert any(f"{missing} of {sum(planned.values())} planned calls" in why for why in reasons)


def test_who_has_seen_enough_ends_all_of_them(
    order: LoadOrder, folder: RunFolder, environ: dict[str, str], calls: Calls
) -> None:
    """What is in flight comes to its end: every call that was sent has a row."""
    long = msgspec.structs.replace(order, duration_s=60.0)
    shared = carry_out(long, folder, environ, lambda _: True)
    assert shared.lost == ()
    assert shared.end.reason is Reason.STOPPED
    assert 0 < shared.end.sent == len(calls(folder)) < 3000


def test_an_error_of_a_process_is_the_loads_error(
    order: LoadOrder, folder: RunFolder, environ: dict[str, str], tmp_path: Path
) -> None:
    module = tmp_path / "odd_workload.py"
    module.write_text("def bodies(seed):\n    yield 7\n")
    odd = msgspec.structs.replace(order, workload="odd_workload:bodies", warm_up=1)
    sys.path.insert(0, str(tmp_path))
    try:
        with pytest.raises(PlanError, match="yields a int"):
            carry_out(odd, folder, {**environ, "PYTHONPATH": f"{tmp_path}:{_path(environ)}"})
    finally:
        sys.path.remove(str(tmp_path))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_no_process_outlives_the_one_that_started_it(
    order: LoadOrder,
    folder: RunFolder,
    environ: dict[str, str],
    calls: Calls,
    number: signal.Signals,
    workers_of: Callable[[int], list[int]],
) -> None:
    """Ctrl-C and kill -9 alike; what had ended by then is kept."""
    long = msgspec.structs.replace(order, duration_s=60.0)
    words = [sys.executable, "-c", SHELL, str(folder.path), msgspec.json.encode(long).decode()]
    with subprocess.Popen(
        words, env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "progress\n"
        children = workers_of(parent.pid)
        assert len(children) == 2
        parent.send_signal(number)
        parent.wait(20)
    ends_s = time.monotonic() + 10
    while any(Path(f"/proc/{child}").exists() for child in children):
        assert time.monotonic() < ends_s
        time.sleep(0.05)
    assert len(calls(open_run(folder.path))) > 0


def _path(environ: dict[str, str]) -> str:
    return environ.get("PYTHONPATH", "")

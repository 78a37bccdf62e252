"""Issue 6: a Python process tells of its tasks, its objects and who allocates."""

import asyncio
import gc
import json
import os
from pathlib import Path

from l9gate.observe import pulse


def test_tasks_that_are_not_done_are_counted() -> None:
    async def count() -> tuple[int | None, int | None]:
        before = pulse.count_tasks()
        waiting = [asyncio.create_task(asyncio.sleep(60)) for _ in range(3)]
        await asyncio.sleep(0)
        during = pulse.count_tasks()
        for task in waiting:
            task.cancel()
        return before, during

    before, during = asyncio.run(count())
    assert before is not None
    assert during == before + 3


def test_objects_that_are_kept_are_counted() -> None:
    gc.collect()  # else what others left is collected in between
    before = pulse.count_objects()
    kept = [[number] for number in range(1_000)]
    assert pulse.count_objects() - before > 900
    assert kept


def test_processes_are_summed_and_what_one_cannot_tell_is_missing(tmp_path: Path) -> None:
    (tmp_path / "1").write_text(json.dumps({"tasks": 2, "objects": 10}))
    (tmp_path / "2").write_text(json.dumps({"tasks": None, "objects": 5}))
    (tmp_path / "3").write_text("{")
    assert pulse.read_pulses(tmp_path, {1, 3}) == {"tasks": 2, "objects": 10}
    assert pulse.read_pulses(tmp_path, {1, 2, 9}) == {"objects": 15}


def test_a_process_that_fell_silent_is_not_taken_for_one_at_rest(tmp_path: Path) -> None:
    path = tmp_path / "1"
    path.write_text(json.dumps({"tasks": 493, "objects": 10}))
    assert pulse.read_pulses(tmp_path, {1}) == {"tasks": 493, "objects": 10}
    long_ago_s = path.stat().st_mtime - pulse.STALE_S - 1
    os.utime(path, (long_ago_s, long_ago_s))
    assert pulse.read_pulses(tmp_path, {1}) == {}


def test_allocations_of_all_processes_are_summed_largest_first(tmp_path: Path) -> None:
    (tmp_path / "1.allocations.json").write_text(json.dumps([["a.py:1", 10, 1], ["b.py:2", 50, 2]]))
    (tmp_path / "2.allocations.json").write_text(json.dumps([["a.py:1", 100, 3]]))
    assert pulse.read_allocations(tmp_path) == [("a.py:1", 110, 4), ("b.py:2", 50, 2)]

"""What only a Python process itself knows: its asyncio tasks, its objects, who allocates.

`start_pulse` runs in somebody else's process, loaded from this file: it imports the standard
library alone. Each process has a file in the folder of the soak, replaced at every beat.
"""

import gc
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

EVERY = "L9GATE_PULSE_EVERY_S"
BEAT_S = 1.0  # where nobody says it
MAX_SHARE = 0.005  # of the time is what counting tasks may take, and objects again
TRACE = "trace"  # a file in the folder: processes that start note who allocates
BEFORE, AFTER = "before", "after"  # files that ask for the first and the second look
ALLOCATIONS = ".allocations.json"
MAX_SITES = 20
STALE_S = 5.0  # several beats
_CHANGED_ASYNCIO = (3, 14)  # from here on nothing lists the tasks of all loops


def count_objects() -> int:
    """Return how many objects the garbage collector of this Python looks after."""
    return len(gc.get_objects())


def count_tasks() -> int | None:
    """Return how many asyncio tasks of this Python are not done; None if it cannot be told.

    All threads' loops count. Nothing is imported for it: without asyncio there are none.
    """
    module = sys.modules.get("asyncio.tasks")
    if module is None:
        return 0
    if sys.version_info >= _CHANGED_ASYNCIO:
        return None
    known = getattr(module, "_scheduled_tasks", None)  # from 3.12 on
    known = getattr(module, "_all_tasks", None) if known is None else known
    for _ in range(10):
        try:
            return None if known is None else sum(not task.done() for task in set(known))
        except RuntimeError:  # another thread made one meanwhile
            continue
    return None


def start_pulse(folder: str) -> None:
    """Write what this process counts to a file of its own every second, until it ends."""
    look = _start_trace(Path(folder)) if Path(folder, TRACE).exists() else lambda: None

    def start() -> None:
        about = (Path(folder), look)
        threading.Thread(target=_beat, args=about, name="l9gate", daemon=True).start()

    start()
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=start)


def read_pulses(folder: Path, pids: set[int]) -> dict[str, int]:
    """Return the sums of what these processes wrote last; no key where one of them cannot tell.

    One that has been silent for `STALE_S` cannot: what it said then would look like rest.
    """
    sums: dict[str, int] = {}
    unknown = set[str]()
    for pid in pids:
        path = folder / str(pid)
        try:
            found = json.loads(path.read_text())
            is_stale = time.time() - path.stat().st_mtime > STALE_S
        except (OSError, ValueError):
            continue  # no Python, or it has only begun
        for name, value in found.items():
            if value is None or is_stale:
                unknown.add(name)
            else:
                sums[name] = sums.get(name, 0) + value
    return {name: value for name, value in sums.items() if name not in unknown}


def read_allocations(folder: Path) -> list[tuple[str, int, int]]:
    """Return where memory grew most: file:line, bytes and blocks, largest first."""
    total: dict[str, list[int]] = {}
    for path in folder.glob(f"*{ALLOCATIONS}"):
        for site, size, count in json.loads(path.read_text()):
            into = total.setdefault(site, [0, 0])
            into[0] += size
            into[1] += count
    ordered = sorted(total.items(), key=lambda one: -one[1][0])
    return [(site, size, count) for site, (size, count) in ordered[:MAX_SITES]]


def _beat(folder: Path, look: Callable[[], None]) -> None:
    target = folder / str(os.getpid())
    every_s = float(os.environ.get(EVERY, BEAT_S))
    objects, objects_due_s = None, 0.0
    while folder.is_dir():
        # Its own processor time: on a busy machine a thread waits for long and costs nothing.
        began_s = time.thread_time()
        tasks = count_tasks()
        counted_s = time.thread_time()
        pause_s = max(every_s, (counted_s - began_s) / MAX_SHARE)
        if time.perf_counter() >= objects_due_s:
            objects = count_objects()
            cost_s = time.thread_time() - counted_s
            objects_due_s = time.perf_counter() + cost_s / MAX_SHARE
        try:
            _replace(target, json.dumps({"tasks": tasks, "objects": objects}))
            look()
        except OSError:
            return  # the soak is over
        time.sleep(pause_s)


def _start_trace(folder: Path) -> Callable[[], None]:
    """Note who allocates; return what looks at it once it is asked to, and writes the growth."""
    import tracemalloc

    tracemalloc.start(1)
    looks: list[tracemalloc.Snapshot] = []
    ours = (tracemalloc.Filter(False, tracemalloc.__file__), tracemalloc.Filter(False, __file__))

    def look() -> None:
        asked = (folder / (AFTER if looks else BEFORE)).exists()
        if not asked or len(looks) > 1:
            return
        gc.collect()
        looks.append(tracemalloc.take_snapshot().filter_traces(ours))
        if len(looks) > 1:
            grown = looks[1].compare_to(looks[0], "lineno")[:MAX_SITES]
            sites = [
                (
                    f"{one.traceback[0].filename}:{one.traceback[0].lineno}",
                    one.size_diff,
                    one.count_diff,
                )
                for one in grown
                if one.size_diff > 0
            ]
            _replace(folder / f"{os.getpid()}{ALLOCATIONS}", json.dumps(sites))

    return look


def _replace(target: Path, text: str) -> None:
    partial = target.with_name(f".{target.name}.part")
    partial.write_text(text)
    partial.replace(target)

"""What is looked at beside a soak: a tree of processes, a folder, the simulator of a rehearsal."""

import os
import resource
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from l9gate.errors import PlanError
from l9gate.evidence.gauges import (
    CACHE_EXPIRIES,
    CACHE_LIVES,
    DESCRIPTORS,
    DISK,
    LIMITS,
    MEMORY,
    OBJECTS,
    SOCKETS,
    TASKS,
    THREADS,
    TOKEN_EXPIRIES,
    TOKEN_LIVES,
)
from l9gate.net.client import request
from l9gate.observe.gauges import (
    list_descendants,
    read_disk_bytes,
    read_memory_limit_bytes,
    read_start,
    read_tree,
)
from l9gate.observe.pulse import count_objects, count_tasks, read_pulses
from l9gate.simulator import metrics
from l9gate.simulator.commands import METRICS_PATH

_EXPIRIES = {
    metrics.CACHE_EXPIRED: CACHE_EXPIRIES,
    metrics.TOKENS_EXPIRED: TOKEN_EXPIRIES,
    metrics.CACHE_LIVES: CACHE_LIVES,
    metrics.TOKEN_LIVES: TOKEN_LIVES,
}
_METRIC = "l9gate_simulator_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A process with all that come from it.

    Raises:
        PlanError: there is no such process, or it may not be read.
    """

    pid: int
    pulses: Path | None = None  # where its Python processes report, if they were told to
    disk: Path | None = None
    simulator: str | None = None  # base URL, if it is one of ours

    def __post_init__(self) -> None:
        try:
            read_tree(self.pid)
        except OSError as error:
            raise PlanError(
                f"process {self.pid} cannot be watched: {error.strerror or error}",
                hint="name one of this machine that is yours; only Linux shows what one holds",
            ) from error

    @property
    def name(self) -> str:
        """What tells this process from a later one with its number.

        Raises:
            OSError: it is gone.
        """
        return f"{self.pid}@{read_start(self.pid)}"

    def read(self) -> dict[str, float]:
        """Return every gauge by name.

        Raises:
            OSError: the process is gone.
        """
        tree = read_tree(self.pid)
        found: dict[str, float] = {
            MEMORY: tree.memory_bytes,
            DESCRIPTORS: tree.descriptors,
            SOCKETS: tree.sockets,
            THREADS: tree.threads,
        }
        if self.disk is not None:
            found[DISK] = read_disk_bytes(self.disk)
        return found | self._read_pulses()

    def read_limits(self) -> dict[str, float]:
        """Return where what the process holds is used up, as far as that is known."""
        found: dict[str, float] = {}
        most_bytes = read_memory_limit_bytes(self.pid)
        if most_bytes is not None:
            found[LIMITS[MEMORY]] = most_bytes
        with suppress(OSError, ValueError, AttributeError):
            most, _ = resource.prlimit(self.pid, resource.RLIMIT_NOFILE)
            if most != resource.RLIM_INFINITY:
                found[LIMITS[DESCRIPTORS]] = most
        return found

    async def read_expiries(self) -> dict[str, float]:
        """Return what expired so far, and after how long a use; only a simulator counts it.

        Raises:
            L9gateError: it does not answer.
        """
        if self.simulator is None:
            return {}
        answer = await request("GET", self.simulator.rstrip("/") + METRICS_PATH)
        counts = {}
        for line in answer.body.decode(errors="replace").splitlines():
            metric, _, value = line.removeprefix(_METRIC).partition(" ")
            if metric in _EXPIRIES and line.startswith(_METRIC):
                counts[_EXPIRIES[metric]] = float(value)
        return counts

    def _read_pulses(self) -> dict[str, float]:
        if self.pid == os.getpid():
            tasks = count_tasks()
            found: dict[str, float] = {OBJECTS: count_objects()}
            return found if tasks is None else found | {TASKS: tasks}
        if self.pulses is None:
            return {}
        counts = read_pulses(self.pulses, {self.pid, *list_descendants(self.pid)})
        names = {"tasks": TASKS, "objects": OBJECTS}
        return {names[name]: float(value) for name, value in counts.items() if name in names}

"""Memory, descriptors and threads of a process or a tree of them, as the system counts them."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_HAS_PROC = (_PROC / "self/statm").exists()
_CGROUPS = Path("/sys/fs/cgroup")
_KIB = 1024
_START_TICKS = 19  # place in /proc/PID/stat after the name, which may hold spaces


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """A process and all that come from it, at one moment."""

    processes: int
    memory_bytes: int  # proportional set of all together; resident sets where that is not told
    descriptors: int
    sockets: int  # which are descriptors, too
    threads: int


def read_rss_bytes(pid: int | None = None) -> int:
    """Return the resident memory of a process in bytes.

    On Linux it is the resident set of `/proc/PID/statm`. It is preferred to the proportional set
    of `smaps_rollup`, which changes when other processes that share pages come and go, so that its
    growth is not this process's own. Elsewhere (macOS) `ps -o rss=` is asked, in KiB.

    Raises:
        OSError: there is no such process, or it may not be read.
    """
    found = os.getpid() if pid is None else pid
    if not _HAS_PROC:
        return _ask_ps(found)
    resident_pages = (_PROC / str(found) / "statm").read_bytes().split()[1]
    return int(resident_pages) * os.sysconf("SC_PAGE_SIZE")


def count_descriptors(pid: int | None = None) -> int:
    """Return how many files, pipes and sockets a process has open (Linux).

    Raises:
        OSError: there is no such process, it may not be read, or there is no `/proc`.
    """
    return _count_entries(pid, "fd")


def count_threads(pid: int | None = None) -> int:
    """Return how many threads of the operating system a process has (Linux).

    Raises:
        OSError: there is no such process, it may not be read, or there is no `/proc`.
    """
    return _count_entries(pid, "task")


def read_tree(pid: int) -> Tree:
    """Return what a process and its descendants hold (Linux).

    Memory is the proportional set: what processes share is counted once. A descendant that ends
    meanwhile is left out.

    Raises:
        OSError: the process itself is gone or may not be read, or there is no `/proc`.
    """
    found = [_read_process(pid)]
    for child in list_descendants(pid):
        with suppress(OSError):
            found.append(_read_process(child))
    columns = list(zip(*found, strict=True))
    return Tree(
        processes=len(found),
        memory_bytes=sum(columns[0]),
        descriptors=sum(columns[1]),
        sockets=sum(columns[2]),
        threads=sum(columns[3]),
    )


def list_descendants(pid: int) -> Iterator[int]:
    """Yield the processes that come from one, parents first (Linux)."""
    with suppress(OSError):
        for task in (_PROC / str(pid) / "task").iterdir():
            with suppress(OSError):
                for child in (task / "children").read_text().split():
                    yield int(child)
                    yield from list_descendants(int(child))


def read_start(pid: int) -> str:
    """Return what tells a process from a later one with its number: clock ticks since boot (Linux).

    Raises:
        OSError: there is no such process, or no `/proc`.
    """
    stat = (_PROC / str(pid) / "stat").read_text()
    return stat.rpartition(")")[2].split()[_START_TICKS]


def read_memory_limit_bytes(pid: int) -> int | None:
    """Return how much memory a process may have: its control group's limit, else the machine's.

    None where neither is known. Only the unified hierarchy (cgroup v2) is looked at.
    """
    limits: list[int | None] = []
    with suppress(OSError, ValueError):
        limits.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    with suppress(OSError, ValueError):
        for line in (_PROC / str(pid) / "cgroup").read_text().splitlines():
            if line.startswith("0::"):
                group = _CGROUPS / line.removeprefix("0::").strip("/")
                limits += map(_read_max_bytes, [group, *_parents(group)])
    return min((limit for limit in limits if limit is not None), default=None)


def read_disk_bytes(folder: Path) -> int:
    """Return what the files below a folder take up on disk, without those that go meanwhile."""
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):
            status = path.lstat()
            total += getattr(status, "st_blocks", -(-status.st_size // 512)) * 512
    return total


def _parents(group: Path) -> list[Path]:
    return [parent for parent in group.parents if parent.is_relative_to(_CGROUPS)]


def _read_max_bytes(group: Path) -> int | None:
    with suppress(OSError, ValueError):  # there is no file, or it says `max`
        return int((group / "memory.max").read_text())
    return None


def _read_process(pid: int) -> tuple[int, int, int, int]:
    place = _PROC / str(pid)
    descriptors = sockets = 0
    for entry in (place / "fd").iterdir():
        descriptors += 1
        with suppress(OSError):  # closed meanwhile
            sockets += str(entry.readlink()).startswith("socket:")
    return _read_pss_bytes(pid), descriptors, sockets, count_threads(pid)


def _read_pss_bytes(pid: int) -> int:
    """Return the proportional set; the resident one where the kernel does not tell it."""
    try:
        for line in (_PROC / str(pid) / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * _KIB
    except (FileNotFoundError, PermissionError):
        pass
    return read_rss_bytes(pid)


def _count_entries(pid: int | None, folder: str) -> int:
    found = os.getpid() if pid is None else pid
    return sum(1 for _ in (_PROC / str(found) / folder).iterdir())


def _ask_ps(pid: int) -> int:
    answer = subprocess.run(  # noqa: S603 - no shell; the pid is a number
        ["/bin/ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    if not answer.stdout.strip().isdigit():
        raise OSError(f"`ps` does not know the memory of process {pid}")
    return int(answer.stdout) * 1024

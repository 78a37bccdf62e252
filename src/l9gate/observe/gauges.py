"""Memory, descriptors and threads of a process, as the operating system counts them."""

import os
import subprocess
from pathlib import Path

_PROC = Path("/proc")
_HAS_PROC = (_PROC / "self/statm").exists()


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

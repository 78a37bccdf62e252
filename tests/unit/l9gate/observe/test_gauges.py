import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from l9gate.observe import gauges


def test_memory_is_what_a_python_process_needs() -> None:
    assert 5e6 < gauges.read_rss_bytes() < 50e9


def test_memory_grows_with_what_is_kept() -> None:
    before = gauges.read_rss_bytes()
    kept = bytearray(b"x" * 32_000_000)
    assert gauges.read_rss_bytes() - before > 25e6
    assert kept


def test_an_open_file_is_counted(tmp_path: Path) -> None:
    before = gauges.count_descriptors()
    with (tmp_path / "x").open("w"):
        assert gauges.count_descriptors() == before + 1


def test_a_thread_is_counted() -> None:
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    before = gauges.count_threads()
    thread.start()
    try:
        assert gauges.count_threads() == before + 1
    finally:
        stop.set()
        thread.join()


def test_a_process_that_is_gone_is_an_error() -> None:
    with pytest.raises(OSError, match="999999999"):
        gauges.read_rss_bytes(999_999_999)


def test_without_proc_ps_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    class Answer:
        stdout = " 2048\n"

    monkeypatch.setattr(gauges, "_HAS_PROC", False)
    monkeypatch.setattr("subprocess.run", lambda *_, **__: Answer)
    assert gauges.read_rss_bytes() == 2048 * 1024
    monkeypatch.setattr(Answer, "stdout", "")
    with pytest.raises(OSError, match="does not know"):
        gauges.read_rss_bytes(7)


def test_a_tree_is_a_process_and_all_that_come_from_it() -> None:
    """Issue 6: descriptors, sockets and threads of children count with those of their parent."""
    code = "import socket, sys; s = socket.socket(); print(flush=True); sys.stdin.read()"
    before = gauges.read_tree(os.getpid())
    with subprocess.Popen(
        [sys.executable, "-S", "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        found = gauges.read_tree(os.getpid())
        assert child.pid in gauges.list_descendants(os.getpid())
        assert gauges.read_start(child.pid) != gauges.read_start(os.getpid())
        child.communicate()
    assert found.processes == before.processes + 1
    assert found.sockets == before.sockets + 1
    assert found.descriptors >= before.descriptors + 4
    assert found.threads == before.threads + 1
    assert before.memory_bytes + 1e6 < found.memory_bytes < before.memory_bytes + 50e6


def test_a_tree_without_a_root_is_an_error() -> None:
    with pytest.raises(OSError, match="999999999"):
        gauges.read_tree(999_999_999)


def test_shared_memory_is_told_as_resident_where_the_kernel_tells_no_shares(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    place = tmp_path / "7"
    (place / "fd").mkdir(parents=True)
    (place / "task" / "7").mkdir(parents=True)
    (place / "statm").write_text("900 10 5 1 0 90 0")
    monkeypatch.setattr(gauges, "_PROC", tmp_path)
    assert gauges.read_tree(7).memory_bytes == 10 * os.sysconf("SC_PAGE_SIZE")
    (place / "smaps_rollup").write_text("00400000-7ff [rollup]\nRss: 40 kB\nPss:  12 kB\n")
    assert gauges.read_tree(7).memory_bytes == 12 * 1024


def test_disk_is_what_files_take_up(tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    before = gauges.read_disk_bytes(tmp_path)
    (tmp_path / "inside" / "log").write_bytes(b"x" * 100_000)
    assert gauges.read_disk_bytes(tmp_path) - before >= 100_000


def test_memory_is_limited_by_the_tightest_group(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    proc, groups = tmp_path / "proc", tmp_path / "groups"
    inner = groups / "box" / "app"
    inner.mkdir(parents=True)
    (proc / "7").mkdir(parents=True)
    (proc / "7" / "cgroup").write_text("0::/box/app\n")
    monkeypatch.setattr(gauges, "_PROC", proc)
    monkeypatch.setattr(gauges, "_CGROUPS", groups)
    machine = gauges.read_memory_limit_bytes(7)
    assert machine is not None
    assert machine > 64_000_000
    (inner / "memory.max").write_text("max\n")
    assert gauges.read_memory_limit_bytes(7) == machine
    (groups / "box" / "memory.max").write_text("64000000\n")
    assert gauges.read_memory_limit_bytes(7) == 64_000_000

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

import os
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing

import pytest

from l9gate.errors import RunCorruptError, WriteError
from l9gate.evidence.records import Fault, Signal
from l9gate.store.run import RunFolder
from l9gate.store.writer import RunWriter

MakeSignal = Callable[[int], Signal]


def stored(run: RunFolder) -> int:
    with run.read() as log:
        return log.chains.records


def test_nothing_is_written_before_a_flush(run: RunFolder, signal: MakeSignal) -> None:
    writer = run.writer("test")
    writer.put(signal(1))
    before = stored(run)
    writer.flush()
    assert (before, stored(run)) == (0, 1)
    writer.flush()
    assert stored(run) == 1


def test_full_batch_is_written_by_itself(run: RunFolder, signal: MakeSignal) -> None:
    writer = run.writer("test", batch_records=3)
    for number in range(7):
        writer.put(signal(number))
    assert stored(run) == 6


def test_closed_writer_opens_again_and_continues(run: RunFolder, signal: MakeSignal) -> None:
    with run.writer("test") as writer:
        writer.put(signal(1))
    writer.close()
    writer.put(signal(2))
    writer.close()
    with run.read() as log:
        assert [one.operation for one in log.of(Signal)] == ["search 1", "search 2"]


def test_writers_of_one_name_differ(run: RunFolder) -> None:
    names = {run.writer("test").name for _ in range(3)}
    assert len(names) == 3
    assert all(name.startswith(f"test-{os.getpid()}-") for name in names)


def test_columns_beside_a_record_say_kind_layer_and_time(
    run: RunFolder, signal: MakeSignal
) -> None:
    with run.writer("test") as writer:
        writer.put(signal(1))
        writer.put(Fault(at_s=2.0, where="here", error_class="E"))
    with closing(sqlite3.connect(run.database)) as connection:
        rows = connection.execute("SELECT seq, kind, layer, at_s FROM record").fetchall()
    assert rows == [(0, "signal", "unit", 1001.0), (1, "fault", None, 2.0)]


def test_threads_share_a_writer_without_loss(run: RunFolder, signal: MakeSignal) -> None:
    writer = run.writer("test", batch_records=10)

    def put() -> None:
        for number in range(95):
            writer.put(signal(number))

    threads = [threading.Thread(target=put) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.close()
    assert stored(run) == 380


def limit_pages(writer: RunWriter, pages: int) -> None:
    assert writer._connection is not None
    writer._connection.execute(f"PRAGMA max_page_count={pages}")


def test_full_disk_keeps_what_was_put_for_the_next_flush(
    run: RunFolder, signal: MakeSignal
) -> None:
    writer = run.writer("test")
    writer.put(signal(0))
    writer.flush()
    limit_pages(writer, 1)
    for number in range(1, 2000):
        writer.put(signal(number))  # full batches fail here, in silence
    with pytest.raises(WriteError, match=r"cannot write .*evidence.db`: No space left") as caught:
        writer.flush()
    assert "free some space" in (caught.value.hint or "")
    before = stored(run)
    limit_pages(writer, 1_000_000)
    writer.close()
    assert before < 2000
    assert stored(run) == 2000


def test_what_is_dropped_is_counted(
    run: RunFolder, signal: MakeSignal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("l9gate.store.writer.MAX_BUFFERED_RECORDS", 5)
    writer = run.writer("test")
    for number in range(8):
        writer.put(signal(number))
    writer.close()
    with run.read() as log:
        assert len(list(log.of(Signal))) == 5
        assert [one.count for one in log.of(Fault)] == [3]


def test_deleted_run_is_a_write_error(run: RunFolder, signal: MakeSignal) -> None:
    writer = run.writer("test")
    writer.put(signal(1))
    run.database.unlink()
    with pytest.raises(WriteError, match="cannot write"):
        writer.flush()


def test_damaged_database_is_named_as_such(run: RunFolder, signal: MakeSignal) -> None:
    writer = run.writer("test")
    writer.put(signal(1))
    run.database.write_bytes(b"x" * 4096)
    with pytest.raises(RunCorruptError, match="is damaged"):
        writer.flush()


def test_forked_child_starts_a_chain_of_its_own(
    run: RunFolder, signal: MakeSignal, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = run.writer("test")
    writer.put(signal(1))
    writer.flush()
    writer.put(signal(2))  # the parent's, which the child must not write again
    parent = writer.name
    monkeypatch.setattr(os, "getpid", lambda: 4_000_000)
    writer.put(signal(3))
    writer.close()
    with run.read() as log:
        assert sorted(one.operation for one in log.of(Signal)) == ["search 1", "search 3"]
    assert writer.name != parent


def test_fork_before_the_first_record_is_harmless(
    run: RunFolder, signal: MakeSignal, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = run.writer("test")
    monkeypatch.setattr(os, "getpid", lambda: 4_000_000)
    with writer:
        writer.put(signal(1))
    assert stored(run) == 1

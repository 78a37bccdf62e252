import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest

from l9gate.errors import RunCorruptError
from l9gate.evidence.records import Fault, Record, Signal
from l9gate.store.run import RunFolder, open_run

MakeSignal = Callable[[int], Signal]


def fill(run: RunFolder, make: MakeSignal, records: int = 3) -> None:
    with run.writer("test") as writer:
        for number in range(records):
            writer.put(make(number))


def tamper(run: RunFolder, *statements: str) -> None:
    with closing(sqlite3.connect(run.database, isolation_level=None)) as connection:
        connection.execute("DROP TRIGGER no_update")
        connection.execute("DROP TRIGGER no_delete")
        for statement in statements:
            connection.execute(statement)


def test_records_come_in_the_order_of_writer_and_number(run: RunFolder, signal: MakeSignal) -> None:
    with run.writer("b") as second, run.writer("a") as first:
        second.put(signal(1))
        second.flush()
        first.put(signal(2))
        first.put(signal(3))
    with run.read() as log:
        assert [one.operation for one in log.of(Signal)] == ["search 2", "search 3", "search 1"]


def test_log_yields_one_kind_or_all(run: RunFolder, signal: MakeSignal) -> None:
    fault = Fault(at_s=1.0, where="here", error_class="ValueError")
    with run.writer("test") as writer:
        writer.put(signal(1))
        writer.put(fault)
    with run.read() as log:
        assert list(log.of(Fault)) == [fault]
        assert list(log.of(Record)) == [signal(1), fault]
        assert list(log.of(str)) == []


def test_log_is_what_stood_there_when_it_was_opened(run: RunFolder, signal: MakeSignal) -> None:
    fill(run, signal, 2)
    with run.read() as log:
        fill(run, signal, 2)
        assert len(list(log.of(Signal))) == 2
    with run.read() as log:
        assert len(list(log.of(Signal))) == 4


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("DELETE FROM record WHERE seq = 1", "record 2 where 1 belongs"),
        ("UPDATE record SET body = (SELECT body FROM record WHERE seq=0) WHERE seq=1", "record 1"),
        ("UPDATE record SET kind = 'hidden' WHERE seq = 1", "record 1"),
        ("UPDATE record SET writer = 'other'", "record 0"),
    ],
)
def test_tampered_evidence_is_refused(
    run: RunFolder, signal: MakeSignal, statement: str, message: str
) -> None:
    fill(run, signal)
    tamper(run, statement)
    with pytest.raises(RunCorruptError, match=f"does not hold what was written.*{message}"):
        run.read()


def test_changed_manifest_is_refused(run: RunFolder, signal: MakeSignal) -> None:
    fill(run, signal)
    path = run.path / "manifest.json"
    path.write_text(path.read_text().replace('"live"', '"simulated"'))
    with pytest.raises(RunCorruptError, match="or the manifest was changed"):
        open_run(run.path).read()


def test_records_cut_off_after_sealing_are_missed(run: RunFolder, signal: MakeSignal) -> None:
    fill(run, signal)
    run.seal()
    tamper(run, "DELETE FROM record WHERE seq = 2")
    with pytest.raises(RunCorruptError, match="changed after the run was sealed"):
        run.read()


def test_changed_manifest_of_an_empty_sealed_run_is_refused(run: RunFolder) -> None:
    run.seal()
    path = run.path / "manifest.json"
    path.write_text(path.read_text().replace('"live"', '"simulated"'))
    with pytest.raises(RunCorruptError, match="changed after the run was sealed"):
        open_run(run.path).read()


@pytest.mark.parametrize("statement", ["DELETE FROM record", "UPDATE record SET layer = NULL"])
def test_database_is_append_only(run: RunFolder, signal: MakeSignal, statement: str) -> None:
    fill(run, signal)
    with (
        closing(sqlite3.connect(run.database)) as connection,
        pytest.raises(sqlite3.IntegrityError, match="append only"),
    ):
        connection.execute(statement)

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from l9gate.errors import (
    RunCorruptError,
    RunDataError,
    RunNotFoundError,
    RunVersionError,
    WriteError,
)
from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import Fault, Layer, Origin, Signal
from l9gate.store.run import (
    Manifest,
    PooledLog,
    RunFolder,
    check_poolable,
    create_run,
    latest_run,
    open_run,
)

MakeSignal = Callable[[int], Signal]


def test_folder_is_named_by_time_and_id(run: RunFolder) -> None:
    assert run.path.name == "20261122T130500Z-ab12cd34"
    assert {file.name for file in run.path.iterdir()} == {
        "manifest.json",
        "policy.toml",
        "evidence.db",
    }


def test_opened_run_equals_the_created_one(run: RunFolder) -> None:
    assert open_run(run.path) == run


def test_policy_hash_is_that_of_the_policy_in_the_folder(run: RunFolder) -> None:
    assert len(run.manifest.policy_hash) == 64
    assert "strict" in run.policy_text()


def test_changed_policy_is_refused(run: RunFolder) -> None:
    (run.path / "policy.toml").write_text("[policy]\nname = 'lax'\n")
    with pytest.raises(RunCorruptError, match="not the policy that this run was started with"):
        run.policy_text()


def test_missing_policy_is_refused(run: RunFolder) -> None:
    (run.path / "policy.toml").unlink()
    with pytest.raises(RunCorruptError, match="cannot be read: No such file"):
        run.policy_text()


def test_same_run_is_not_created_twice(run: RunFolder) -> None:
    with pytest.raises(WriteError, match="File exists"):
        create_run(run.path.parent, run.manifest, "")


def test_missing_run_says_which_runs_there_are(run: RunFolder) -> None:
    with pytest.raises(RunNotFoundError) as caught:
        open_run(run.path.parent / "other")
    assert run.path.name in (caught.value.hint or "")


def test_missing_run_in_an_empty_place_says_how_to_start_one(tmp_path: Path) -> None:
    with pytest.raises(RunNotFoundError) as caught:
        latest_run(tmp_path / "none")
    assert "l9gate run" in (caught.value.hint or "")


def test_latest_run_is_the_one_started_last(run: RunFolder, manifest: Manifest) -> None:
    later = msgspec.structs.replace(manifest, run_id="b", started_at="2026-11-22T13:05:01Z")
    newest = create_run(run.path.parent, later, "")
    assert latest_run(run.path.parent) == newest


def test_latest_run_never_falls_back_to_an_older_one(run: RunFolder, manifest: Manifest) -> None:
    later = msgspec.structs.replace(manifest, run_id="b", started_at="2026-11-22T13:05:01Z")
    (create_run(run.path.parent, later, "").path / "manifest.json").write_text("{")
    with pytest.raises(RunCorruptError):
        latest_run(run.path.parent)


@pytest.mark.parametrize("name", ["manifest.json", "evidence.db"])
def test_folder_without_one_of_its_files_is_damaged(run: RunFolder, name: str) -> None:
    (run.path / name).unlink()
    with pytest.raises(RunCorruptError, match=f"has no {name}"):
        open_run(run.path)


def test_damaged_manifest_is_refused(run: RunFolder) -> None:
    (run.path / "manifest.json").write_text('{"format_version": 1}')
    with pytest.raises(RunCorruptError, match="is no manifest"):
        open_run(run.path)


def test_other_format_version_is_named_beside_ours(run: RunFolder) -> None:
    (run.path / "manifest.json").write_text('{"format_version": 9}')
    with pytest.raises(RunVersionError, match=r"version 9, this l9gate reads version 1"):
        open_run(run.path)


def test_other_version_of_the_records_is_named_beside_ours(run: RunFolder) -> None:
    with closing(sqlite3.connect(run.database)) as connection:
        connection.execute("PRAGMA user_version=8")
    with pytest.raises(RunVersionError, match="format 8, this l9gate reads format 1"):
        run.read()


def test_database_that_is_none_is_refused(run: RunFolder) -> None:
    run.database.write_bytes(b"no database at all" * 100)
    with pytest.raises(RunCorruptError, match="cannot be read"):
        run.read()
    with pytest.raises(RunCorruptError, match="is damaged"):
        run.seal()


def test_sealed_run_is_one_file_that_takes_no_more_records(
    run: RunFolder, signal: MakeSignal
) -> None:
    late = run.writer("late")
    with run.writer("test") as writer:
        writer.put(signal(1))
    run.seal()
    late.put(signal(2))
    with pytest.raises(WriteError, match="the run is sealed"):
        late.flush()
    with pytest.raises(WriteError, match="the run is sealed"):
        run.writer("later")
    late_files = [file.name for file in run.path.iterdir() if "db-" in file.name]
    with run.read() as log:
        assert (log.chains.records, log.chains.sealed, late_files) == (1, True, [])


def test_records_of_a_growing_run_are_counted_by_kind(run: RunFolder, signal: MakeSignal) -> None:
    writer = run.writer("test")
    writer.put(signal(1))
    writer.put(signal(2))
    writer.put(Fault(at_s=1.0, where="here", error_class="E"))
    before = run.count_records()
    writer.flush()
    assert (before, run.count_records()) == ({}, {"fault": 1, "signal": 2})


def test_sealing_twice_changes_nothing(run: RunFolder) -> None:
    run.seal()
    before = run.database.read_bytes()
    run.seal()
    assert run.database.read_bytes() == before


def test_run_is_sealed_while_somebody_still_looks(
    run: RunFolder, signal: MakeSignal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("l9gate.store.run._UNLOCK_WAIT_MS", 1)
    with run.writer("test") as writer:
        writer.put(signal(1))
    with run.read() as log:
        run.seal()
        assert len(list(log.of(Signal))) == 1
    assert run.is_sealed()


def test_read_only_folder_is_judged_without_writing_into_it(
    run: RunFolder, signal: MakeSignal, monkeypatch: pytest.MonkeyPatch
) -> None:
    with run.writer("test") as writer:
        writer.put(signal(1))
    run.seal()
    before = sorted(run.path.iterdir())
    monkeypatch.setattr(os, "access", lambda *_: False)
    with run.read() as log:
        assert list(log.of(Signal)) == [signal(1)]
        assert sorted(run.path.iterdir()) == before
    assert run.is_sealed()


def test_read_only_folder_of_a_killed_run_is_judged_from_a_copy(
    run: RunFolder, signal: MakeSignal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    writer = run.writer("test")
    writer.put(signal(1))
    writer.flush()  # and never closed: the write-ahead log stays
    monkeypatch.setattr(os, "access", lambda *_: False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with run.read() as log:
        assert list(log.of(Signal)) == [signal(1)]
        assert list(tmp_path.glob("l9gate-*"))
    assert not list(tmp_path.glob("l9gate-*"))


def test_failed_copy_leaves_nothing_behind(
    run: RunFolder, signal: MakeSignal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    writer = run.writer("test")
    writer.put(signal(1))
    writer.flush()
    monkeypatch.setattr(os, "access", lambda *_: False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("shutil.copyfile", fail)
    with pytest.raises(RunCorruptError, match="No space left on device"):
        run.read()
    assert not list(tmp_path.glob("l9gate-*"))


def test_file_beside_the_evidence_is_written_whole(run: RunFolder) -> None:
    path = run.write("verdict.json", b"{}")
    assert path.read_bytes() == b"{}"
    assert not list(run.path.glob(".*"))


def test_file_that_cannot_be_written_is_one_line(run: RunFolder) -> None:
    with pytest.raises(
        WriteError, match=r"cannot write .*no.verdict.json`: No such file"
    ) as caught:
        run.write("no/verdict.json", b"")
    assert caught.value.hint


def test_runs_of_one_thing_are_pooled_in_the_order_given(
    manifest: Manifest, signal: MakeSignal
) -> None:
    """design.md §4."""
    check_poolable([manifest, msgspec.structs.replace(manifest, run_id="b", package="other")])
    pool = PooledLog([MemoryLog([signal(2)]), MemoryLog([signal(1)])])
    assert [one.operation for one in pool.of(Signal)] == ["search 2", "search 1"]
    assert list(pool.of(Fault)) == []


@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        ("git_revision", "e" * 40, "eeee"),
        ("policy_hash", "other", "other"),
        ("environment", "staging", "staging"),
        ("model", None, "None"),
        ("kind", Origin.SIMULATED, "simulated"),
        ("layers", (Layer.UNIT,), "`unit contract` and `unit`"),
        ("narrowed", "smoke", "smoke"),
    ],
)
def test_runs_that_differ_are_not_pooled(
    manifest: Manifest, field: str, value: object, shown: str
) -> None:
    other = msgspec.structs.replace(manifest, **{"run_id": "b", field: value})
    with pytest.raises(RunDataError, match=f"their {field} differs.*{shown}"):
        check_poolable([manifest, other])


def test_one_run_is_not_counted_twice(manifest: Manifest) -> None:
    with pytest.raises(RunDataError, match="given twice"):
        check_poolable([manifest, manifest])


def test_a_share_of_a_load_counts_once(manifest: Manifest) -> None:
    first, second, again = (
        msgspec.structs.replace(manifest, run_id=run_id, shard=shard, shards=2)
        for run_id, shard in (("a", 0), ("b", 1), ("c", 1))
    )
    check_poolable([first, second])
    with pytest.raises(RunDataError, match="share 1/2 of a load is given twice"):
        check_poolable([first, second, again])

"""The run folder under real processes: many writers, kill -9, a growing run, a full disk."""

import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from l9gate.errors import WriteError
from l9gate.evidence.records import Fault, Gauge, Layer, Origin
from l9gate.store.run import FORMAT_VERSION, Manifest, RunFolder, create_run, open_run

# Puts `batch` readings, flushes, prints how many were acknowledged so far, and so on.
CHILD = """
import sys
from pathlib import Path
from l9gate.evidence.records import Gauge
from l9gate.store.run import open_run

path, name, rounds, batch = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
writer = open_run(Path(path)).writer(name, batch_records=37)
for done in range(rounds):
    for number in range(done * batch, (done + 1) * batch):
        writer.put(Gauge(at_s=1.0, name="n", value=float(number), span=name, operations=number,
                         owner=None, layer=None))
    writer.flush()
    print((done + 1) * batch, flush=True)
writer.close()
"""
FOREVER = 1_000_000

Start = Callable[[RunFolder, str, int, int], "subprocess.Popen[str]"]
Mount = Callable[..., None]


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return new_run(tmp_path / "runs")


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[subprocess.Popen[str]] = []

    def begin(run: RunFolder, name: str, rounds: int, batch: int) -> "subprocess.Popen[str]":
        words = [sys.executable, "-c", CHILD, str(run.path), name, str(rounds), str(batch)]
        child = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        started.append(child)
        return child

    yield begin
    for child in started:
        child.kill()
        child.communicate(timeout=10)


def new_run(root: Path, run_id: str = "system") -> RunFolder:
    manifest = Manifest(
        format_version=FORMAT_VERSION,
        run_id=run_id,
        package="shop",
        started_at="2026-11-22T13:05:00Z",
        git_revision=None,
        git_dirty=None,
        environment="development",
        endpoint="https://api.anthropic.com",
        kind=Origin.LIVE,
        layers=(Layer.UNIT,),
        model=None,
        seed=1,
        policy_hash="",
        versions={},
    )
    return create_run(root, manifest, "")


def values_of(run: RunFolder, span: str) -> list[int]:
    with run.read() as log:
        return [int(one.value) for one in log.of(Gauge) if one.span == span]


def test_four_processes_write_at_once_without_loss(run: RunFolder, start: Start) -> None:
    names = ["a", "b", "c", "d"]
    children = [start(run, name, 40, 25) for name in names]
    for child in children:
        child.communicate(timeout=60)
    assert [child.returncode for child in children] == [0, 0, 0, 0]
    assert all(values_of(run, name) == list(range(1000)) for name in names)


def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path: Path, start: Start) -> None:
    for number, lines in enumerate((1, 7, 20, 53, 120)):
        run = new_run(tmp_path / "runs", f"killed{number}")
        child = start(run, "victim", FOREVER, 11)
        bystander = start(run, "bystander", 20, 5)
        assert child.stdout is not None
        for _ in range(lines):
            child.stdout.readline()
        child.send_signal(signal.SIGKILL)
        rest, _ = child.communicate(timeout=10)
        bystander.communicate(timeout=30)
        # A line may be cut by the kill, so the last whole one counts.
        whole = [int(line) for line in rest.splitlines(keepends=True) if line.endswith("\n")]
        acknowledged = whole[-1] if whole else lines * 11
        found = values_of(open_run(run.path), "victim")
        assert found == list(range(len(found)))
        assert len(found) >= acknowledged >= lines * 11
        assert values_of(run, "bystander") == list(range(100))
        assert not run.is_sealed()


def test_killed_run_can_be_sealed_and_is_one_file(run: RunFolder, start: Start) -> None:
    child = start(run, "victim", FOREVER, 11)
    assert child.stdout is not None
    child.stdout.readline()
    child.kill()
    child.communicate(timeout=10)
    before = values_of(run, "victim")
    run.seal()
    assert values_of(run, "victim") == before
    assert not list(run.path.glob("evidence.db-*"))


def test_reader_sees_a_growing_run(run: RunFolder, start: Start) -> None:
    child = start(run, "writer", FOREVER, 50)
    assert child.stdout is not None
    seen = []
    for _ in range(5):
        acknowledged = int(child.stdout.readline())
        found = values_of(run, "writer")
        assert found == list(range(len(found)))
        assert len(found) >= acknowledged
        seen.append(len(found))
    assert seen == sorted(seen)
    assert child.poll() is None


def test_forked_child_and_parent_write_side_by_side(run: RunFolder) -> None:
    writer = run.writer("parent")
    writer.put(reading("parent", 0))
    writer.flush()
    writer.put(reading("parent", 1))  # still in the buffer when the process forks
    child = os.fork()
    if child == 0:
        try:
            writer.put(reading("child", 0))
            writer.flush()
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    writer.close()
    assert values_of(run, "parent") == [0, 1]
    assert values_of(run, "child") == [0]


def reading(span: str, number: int) -> Gauge:
    return Gauge(
        at_s=1.0,
        name="n",
        value=float(number),
        span=span,
        operations=number,
        owner=None,
        layer=None,
    )


@pytest.fixture
def mount(absent: Callable[[str], NoReturn]) -> Mount:
    def mount_on(target: Path, *options: str) -> None:
        words = ["mount", *options, str(target)]
        is_there = shutil.which("mount") is not None
        if not is_there or subprocess.run(words, capture_output=True, check=False).returncode:
            absent("mounting")

    return mount_on


@pytest.fixture
def tiny_disk(tmp_path: Path, mount: Mount) -> Iterator[Path]:
    target = tmp_path / "tiny"
    target.mkdir()
    mount(target, "-t", "tmpfs", "-o", "size=512k", "tmpfs")
    yield target
    subprocess.run(["umount", "-l", str(target)], check=True)


def test_full_disk_is_one_clear_line_and_the_run_stays_readable(tiny_disk: Path) -> None:
    run = new_run(tiny_disk)
    writer = run.writer("test")
    flushed = 0

    def fill() -> None:
        nonlocal flushed
        while flushed < FOREVER:
            for number in range(flushed, flushed + 100):
                writer.put(reading("test", number))
            writer.flush()
            flushed += 100

    with pytest.raises(WriteError, match=r"cannot write `.*`: No space left on device") as caught:
        fill()
    assert "free some space" in (caught.value.hint or "")
    assert values_of(run, "test") == list(range(flushed))
    with pytest.raises(WriteError, match="No space left on device"):
        run.write("report.txt", bytes(1_000_000))
    assert not list(run.path.glob(".*"))


def test_limited_file_size_is_one_clear_line(run: RunFolder) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    writer = run.writer("test")
    for number in range(20_000):
        writer.put(reading("test", number))
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        for number in range(20_000):
            writer.put(reading("late", number))
        with pytest.raises(WriteError, match="cannot write"):
            writer.flush()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    writer.close()
    with run.read() as log:
        assert not list(log.of(Fault))
    assert values_of(run, "late") == list(range(20_000))


@pytest.fixture
def frozen(tmp_path: Path, mount: Mount) -> Iterator[Callable[[], None]]:
    """Make the folder of all runs read-only, also for root."""
    target = tmp_path / "runs"
    frozen: list[Path] = []

    def freeze() -> None:
        mount(target, "--bind", str(target))
        frozen.append(target)
        mount(target, "-o", "remount,bind,ro")

    yield freeze
    for path in frozen:
        subprocess.run(["umount", "-l", str(path)], check=True)


def test_read_only_folder_is_judged_and_not_written(
    run: RunFolder, frozen: Callable[[], None]
) -> None:
    with run.writer("test") as writer:
        writer.put(reading("test", 0))
    run.seal()
    killed = new_run(run.path.parent, "killed")
    left = killed.writer("test")
    left.put(reading("test", 1))
    left.flush()  # the write-ahead log stays, as after a kill
    frozen()
    assert values_of(open_run(run.path), "test") == [0]
    assert values_of(open_run(killed.path), "test") == [1]
    with pytest.raises(WriteError, match="Read-only file system"):
        run.write("report.txt", b"")
    with pytest.raises(WriteError, match="Read-only file system"):
        new_run(run.path.parent, "another")
    refused = killed.writer("test")
    refused.put(reading("test", 2))
    with pytest.raises(WriteError, match="it is read-only"):
        refused.flush()

"""A run folder: what was judged, and the evidence."""

import hashlib
import os
import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from l9gate.errors import RunCorruptError, RunDataError, RunNotFoundError, RunVersionError
from l9gate.evidence import codec
from l9gate.evidence.log import EvidenceLog
from l9gate.evidence.records import Layer, Origin
from l9gate.measure.sequential import Stopping
from l9gate.store.database import (
    create_database,
    is_sealed,
    open_snapshot,
    open_to_append,
    reading,
    release,
    writing,
)
from l9gate.store.log import RunLog, verify_chains
from l9gate.store.writer import BATCH_RECORDS, RunWriter, sealed_error

FORMAT_VERSION = 1
MANIFEST = "manifest.json"
POLICY = "policy.toml"
DATABASE = "evidence.db"
_UNLOCK_WAIT_MS = 2_000
# What must agree for two samples to be samples of one thing; several packages are rolled up.
_POOLED_BY = (
    "git_revision",
    "policy_hash",
    "stopping",
    "environment",
    "model",
    "kind",
    "layers",
    "narrowed",
    "sources",
)
R = TypeVar("R")


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What was judged; written before the first record."""

    format_version: int
    run_id: str
    package: str  # the project under test
    started_at: str  # RFC 3339, UTC
    git_revision: str | None
    git_dirty: bool | None
    environment: str
    endpoint: str  # scheme, host and port; no path, no credentials
    kind: Origin  # LIVE, or SIMULATED in a rehearsal
    layers: tuple[Layer, ...]  # the layers that were asked for
    model: str | None
    seed: int
    policy_hash: str  # sha256 of policy.toml in this folder, hex
    versions: dict[str, str]  # l9gate, python, anthropic, httpx2
    narrowed: str | None = None  # pytest's -k expression, if only some tests were run
    shard: int = 0  # of a load that several runs share
    shards: int = 1
    stopping: Stopping = Stopping.FIXED  # whether it may have been stopped once it was decided
    sources: tuple[str, ...] = ()  # what was asked for beside layers: "load", "soak"


class _Versioned(msgspec.Struct):
    format_version: int


@dataclass(frozen=True, slots=True)
class RunFolder:
    """One run on disk; `create_run` and `open_run` make it."""

    path: Path
    manifest: Manifest
    manifest_bytes: bytes

    @property
    def database(self) -> Path:
        """Where the records are."""
        return self.path / DATABASE

    def policy_text(self) -> str:
        """Return the policy that the run was started with.

        Raises:
            RunCorruptError: it is missing, or not the one that the manifest names.
        """
        with reading(self.path / POLICY):
            text = (self.path / POLICY).read_bytes()
        if hashlib.sha256(text).hexdigest() != self.manifest.policy_hash:
            raise RunCorruptError(
                f"`{self.path / POLICY}` is not the policy that this run was started with",
                hint="try another policy with `l9gate judge RUN --policy FILE`",
            )
        return text.decode(errors="replace")

    def writer(self, name: str, *, batch_records: int = BATCH_RECORDS) -> RunWriter:
        """Return a sink of this process; `name` says which part of it, e.g. "pytest".

        Raises:
            WriteError: the run is sealed.
            RunCorruptError: the database cannot be read.
        """
        if self.is_sealed():
            raise sealed_error(self.database)
        return RunWriter(self.database, self.manifest_bytes, name, batch_records=batch_records)

    def read(self) -> RunLog:
        """Return all evidence as it stands now, verified; works while others write.

        Raises:
            RunVersionError: the records have a format that this version does not read.
            RunCorruptError: a record was changed, removed or is missing.
        """
        return RunLog(self.database, self.manifest_bytes)

    def count_records(self) -> dict[str, int]:
        """Return how many records of each kind there are by now; nothing is verified.

        Raises:
            RunCorruptError: the database cannot be read.
        """
        with reading(self.database):
            connection, copy = open_snapshot(self.database)
            try:
                return dict(connection.execute("SELECT kind, count(*) FROM record GROUP BY kind"))
            finally:
                release(connection, copy)

    def is_sealed(self) -> bool:
        """Return whether the run was finished; a killed run never is.

        Raises:
            RunCorruptError: the database cannot be read.
        """
        with reading(self.database):
            connection, copy = open_snapshot(self.database)
            try:
                return is_sealed(connection)
            finally:
                release(connection, copy)

    def seal(self) -> None:
        """Finish the run: verify it, refuse further records, leave one self-contained file.

        Raises:
            RunCorruptError: the evidence is damaged.
            WriteError: the disk refuses.
        """
        with writing(self.database), closing(open_to_append(self.database)) as connection:
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("BEGIN IMMEDIATE")
            chains = verify_chains(connection, self.database, self.manifest_bytes)
            if not chains.sealed:
                connection.execute("INSERT INTO seal (digest) VALUES (?)", (chains.digest,))
            connection.execute("COMMIT")
            _leave_wal_mode(connection)

    def write(self, name: str, data: bytes) -> Path:
        """Write a file beside the evidence, whole or not at all, e.g. `verdict.json`.

        Raises:
            WriteError: the disk refuses.
        """
        target = self.path / name
        with writing(target):
            _write_whole(target, data)
        return target


def create_run(root: Path, manifest: Manifest, policy_text: str) -> RunFolder:
    """Create `<root>/<utc-time>-<run id>/` with manifest, policy and an empty evidence.db.

    `root` is the folder of all runs. `policy_hash` of the manifest is set from the policy here, so
    that it is always true.

    Raises:
        WriteError: the disk refuses, or the folder exists.
    """
    policy = policy_text.encode()
    manifest = msgspec.structs.replace(manifest, policy_hash=hashlib.sha256(policy).hexdigest())
    data = msgspec.json.format(msgspec.json.encode(manifest, order="deterministic"), indent=2)
    path = root / _folder_name(manifest)
    with writing(path):
        path.mkdir(parents=True)
        create_database(path / DATABASE, codec.FORMAT_VERSION)
        _write_whole(path / POLICY, policy)
        _write_whole(path / MANIFEST, data)  # last: a folder without it was never a run
    return RunFolder(path, manifest, data)


def open_run(path: Path) -> RunFolder:
    """Open an existing run folder.

    Raises:
        RunNotFoundError: there is none at that place.
        RunVersionError: another version of l9gate wrote it.
        RunCorruptError: the manifest cannot be read, or the evidence is missing.
    """
    if not (path / MANIFEST).is_file() and not (path / DATABASE).is_file():
        raise RunNotFoundError(f"`{path}` is no run folder", hint=_where_runs_are(path.parent))
    for name in (MANIFEST, DATABASE):
        if not (path / name).is_file():
            raise RunCorruptError(
                f"`{path}` has no {name}", hint="it was damaged, or killed while being created"
            )
    with reading(path / MANIFEST):
        data = (path / MANIFEST).read_bytes()
    return RunFolder(path, _parse_manifest(path / MANIFEST, data), data)


def run_paths(root: Path) -> list[Path]:
    """Return all folders under the folder of all runs, newest first."""
    if not root.is_dir():
        return []
    return sorted((path for path in root.iterdir() if path.is_dir()), reverse=True)


def latest_run(root: Path) -> RunFolder:
    """Open the newest run; it never falls back to an older one when that is damaged.

    Raises:
        RunNotFoundError: there is no run yet.
        RunVersionError, RunCorruptError: see `open_run`.
    """
    paths = run_paths(root)
    if not paths:
        raise RunNotFoundError(f"there are no runs in `{root}`", hint=_where_runs_are(root))
    return open_run(paths[0])


def check_poolable(manifests: Sequence[Manifest]) -> None:
    """Return if all runs are of one revision, policy, environment, model, kind and set of layers.

    Raises:
        RunDataError: two runs differ, with the field and both values; or one run is given twice,
            which would count its evidence twice.
    """
    seen: set[str] = set()
    shares: set[tuple[int, int, int]] = set()
    for manifest in manifests:
        share = manifest.seed, manifest.shards, manifest.shard
        if manifest.shards > 1 and share in shares:
            raise RunDataError(
                f"share {manifest.shard}/{manifest.shards} of a load is given twice",
                hint="its calls would count twice; name one run of each share",
            )
        shares.add(share)
        if manifest.run_id in seen:
            raise RunDataError(f"run `{manifest.run_id}` is given twice", hint="name each run once")
        seen.add(manifest.run_id)
        for field in _POOLED_BY:
            _check_field(field, manifests[0], manifest)


class PooledLog:
    """Several logs, one after another."""

    def __init__(self, logs: Iterable[EvidenceLog]) -> None:
        self._logs = tuple(logs)

    def of(self, kind: type[R]) -> Iterator[R]:
        """Yield every record of one class: run by run, in the order the runs were given."""
        for log in self._logs:
            yield from log.of(kind)


def _folder_name(manifest: Manifest) -> str:
    time = re.sub(r"\.\d+|[^0-9TZ]", "", manifest.started_at)
    return f"{time}-{re.sub(r'[^A-Za-z0-9._-]', '_', manifest.run_id)}"


def _parse_manifest(path: Path, data: bytes) -> Manifest:
    try:
        found = msgspec.json.decode(data, type=_Versioned).format_version
        if found == FORMAT_VERSION:
            return msgspec.json.decode(data, type=Manifest)
    except msgspec.MsgspecError as error:
        raise RunCorruptError(f"`{path}` is no manifest: {error}") from error
    raise RunVersionError(
        f"`{path}` has format version {found}, this l9gate reads version {FORMAT_VERSION}",
        hint="judge it with the l9gate that wrote it (`versions` in that file), or run again",
    )


def _where_runs_are(root: Path) -> str:
    newest = [path.as_posix() for path in run_paths(root) if (path / MANIFEST).is_file()][:3]
    return f"the newest runs are {', '.join(newest)}" if newest else "start one with `l9gate run`"


def _check_field(field: str, first: Manifest, other: Manifest) -> None:
    one, two = _text(first, field), _text(other, field)
    if one != two:
        raise RunDataError(
            f"runs `{first.run_id}` and `{other.run_id}` cannot be pooled: "
            f"their {field} differs, `{one}` and `{two}`",
            hint="judge them one by one",
        )


def _text(manifest: Manifest, field: str) -> str:
    value: object = getattr(manifest, field)
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _leave_wal_mode(connection: sqlite3.Connection) -> None:
    """Copy the write-ahead log into the file, and do without one if nobody else is there."""
    connection.execute(f"PRAGMA busy_timeout={_UNLOCK_WAIT_MS}")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    try:
        connection.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.OperationalError:
        # Somebody still looks. The seal stands; the file merely stays in WAL mode.
        return


def _write_whole(target: Path, data: bytes) -> None:
    partial = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with partial.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)

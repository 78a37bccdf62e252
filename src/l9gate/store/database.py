"""evidence.db: its schema, its connections, and what its errors mean.

Writers commit in WAL mode with `synchronous=NORMAL`: a commit that returned outlives the death of
any process, since its pages are the operating system's by then. Only sealing waits for the disk,
because a wait in every flush would stall the event loop whose latencies are being measured.
"""

import errno
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from l9gate.errors import RunCorruptError, WriteError

BUSY_TIMEOUT_S = 30.0

SCHEMA = """
CREATE TABLE record (
  writer TEXT NOT NULL, seq INTEGER NOT NULL, kind TEXT NOT NULL, layer TEXT, at_s REAL,
  chain BLOB NOT NULL, body BLOB NOT NULL, PRIMARY KEY (writer, seq));
CREATE INDEX record_kind ON record (kind, writer, seq);
CREATE TABLE seal (digest BLOB NOT NULL);
CREATE TRIGGER no_update BEFORE UPDATE ON record BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER no_delete BEFORE DELETE ON record BEGIN SELECT RAISE(ABORT, 'append only'); END;
"""

_NO_SPACE = os.strerror(errno.ENOSPC)
_READ_ONLY = "it is read-only"
_WHY_NOT_WRITTEN = {
    "SQLITE_FULL": _NO_SPACE,
    "SQLITE_IOERR_WRITE": _NO_SPACE,
    "SQLITE_READONLY": _READ_ONLY,
    "SQLITE_READONLY_DIRECTORY": _READ_ONLY,
    "SQLITE_READONLY_DBMOVED": "it was moved or deleted meanwhile",
    "SQLITE_BUSY": f"another process has locked it for {BUSY_TIMEOUT_S:.0f} s",
}
_DAMAGED = frozenset({"SQLITE_CORRUPT", "SQLITE_CORRUPT_INDEX", "SQLITE_NOTADB"})
_SPACE_HINT = 'free some space, or move the runs with `runs = "…"` in [tool.l9gate]'


def create_database(path: Path, version: int) -> None:
    """Create an empty evidence.db in WAL mode; the parent does this before any worker starts."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.executescript(f"BEGIN; {SCHEMA} PRAGMA user_version={version:d}; COMMIT;")
    finally:
        connection.close()


def open_to_append(path: Path) -> sqlite3.Connection:
    """Open an existing evidence.db for writing, from any thread of one process at a time."""
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        timeout=BUSY_TIMEOUT_S,
        isolation_level=None,
        check_same_thread=False,
    )
    connection.execute("PRAGMA synchronous=NORMAL")
    return connection


def open_snapshot(path: Path) -> tuple[sqlite3.Connection, str | None]:
    """Open an evidence.db for reading, also in a read-only folder; `release` closes both results.

    The second is the temporary folder of a copy, where one was needed: a killed run leaves a
    write-ahead log, and to replay it SQLite must be able to write beside it.
    """
    if os.access(path.parent, os.W_OK) and os.access(path, os.W_OK):
        return _connect_to_read(path, "mode=ro"), None
    left = path.with_name(f"{path.name}-wal")
    if not left.exists() or not left.stat().st_size:
        return _connect_to_read(path, "immutable=1"), None
    folder = tempfile.mkdtemp(prefix="l9gate-")
    try:
        copy = shutil.copyfile(path, Path(folder, path.name))
        shutil.copyfile(left, copy.with_name(left.name))
        return _connect_to_read(copy, "mode=ro"), folder
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def release(connection: sqlite3.Connection, folder: str | None) -> None:
    """Close what `open_snapshot` opened."""
    connection.close()
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)


def _connect_to_read(path: Path, query: str) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?{query}",
        uri=True,
        timeout=BUSY_TIMEOUT_S,
        isolation_level=None,
        check_same_thread=False,
    )


def is_sealed(connection: sqlite3.Connection) -> bool:
    """Return whether the run was finished."""
    return connection.execute("SELECT 1 FROM seal").fetchone() is not None


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the disk or SQLite refuses into one line.

    Raises:
        WriteError: the disk is full, read-only or locked.
        RunCorruptError: the file is no database any more.
    """
    try:
        yield
    except sqlite3.Error as error:
        name = getattr(error, "sqlite_errorname", "")
        if name in _DAMAGED:
            raise RunCorruptError(f"`{path}` is damaged: {error}") from error
        reason = _WHY_NOT_WRITTEN.get(name, "SQLite refuses")
        raise WriteError(f"cannot write `{path}`: {reason} ({error})", hint=_SPACE_HINT) from error
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise WriteError(f"cannot write `{path}`: {reason}", hint=_SPACE_HINT) from error


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what cannot be read into one line.

    Raises:
        RunCorruptError: the file is damaged or cannot be opened.
    """
    try:
        yield
    except sqlite3.Error as error:
        raise RunCorruptError(f"`{path}` cannot be read: {error}") from error
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise RunCorruptError(f"`{path}` cannot be read: {reason}") from error

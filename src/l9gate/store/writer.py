"""One process's end of a run folder: a sink that buffers, and commits in batches."""

import os
import secrets
import sqlite3
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from l9gate.errors import WriteError
from l9gate.evidence.codec import encode_record, kind_of
from l9gate.evidence.records import AnyRecord, Fault
from l9gate.store.chain import first_link, next_link
from l9gate.store.database import is_sealed, open_to_append, writing
from l9gate.wire.redaction import Redactor

BATCH_RECORDS = 500
MAX_BUFFERED_RECORDS = 100_000
Row = tuple[str, int, str, str | None, float, bytes, bytes]
_INSERT = (
    "INSERT INTO record (writer, seq, kind, layer, at_s, chain, body) VALUES (?, ?, ?, ?, ?, ?, ?)"
)

# A connection that was inherited through fork() must be neither used nor closed: closing would
# touch the parent's locks and write-ahead log.
_inherited: list[sqlite3.Connection] = []


class RunWriter:
    """Appends records under a name of its own; safe to use from several threads.

    `put` never fails and never grows without bound: what the disk refuses is kept for the next
    attempt, up to `MAX_BUFFERED_RECORDS`; what is dropped beyond is counted in a `Fault` record.
    """

    def __init__(
        self, database: Path, manifest: bytes, name: str, *, batch_records: int = BATCH_RECORDS
    ) -> None:
        self._database = database
        self._manifest = manifest
        self._label = name
        self._batch_records = batch_records
        self._redactor = Redactor.of_environ(os.environ)
        self._begin()

    @property
    def name(self) -> str:
        """The name in the column `writer`: label, process id, random suffix."""
        return self._name

    def put(self, record: AnyRecord) -> None:
        """Accept one record; every `batch_records` the buffer is committed.

        A failure to commit is not raised here but by `flush`, as the caller is often in the
        middle of the application's own request.
        """
        self._after_fork()
        with self._buffer_lock:
            if len(self._buffer) >= MAX_BUFFERED_RECORDS:
                self._dropped += 1
                return
            self._buffer.append(record)
            is_due = len(self._buffer) % self._batch_records == 0
        if is_due:
            self._try_flush()

    def flush(self) -> None:
        """Return once everything that was put survives the death of this process.

        Raises:
            WriteError: the disk is full or read-only, or the run is sealed; nothing is lost, and
                the next flush tries again.
        """
        self._after_fork()
        with self._commit_lock:
            batch = self._take()
            if not batch:
                return
            try:
                self._append(batch)
            except BaseException:
                with self._buffer_lock:
                    self._buffer[:0] = batch
                raise

    def close(self) -> None:
        """Flush and let go of the file; a later `put` opens it again.

        Raises:
            WriteError: see `flush`.
        """
        try:
            self.flush()
        finally:
            with self._commit_lock:
                self._disconnect()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._name = f"{self._label}-{self._pid}-{secrets.token_hex(4)}"
        self._seq = 0
        self._link = first_link(self._manifest, self._name)
        self._buffer: list[AnyRecord] = []
        self._dropped = 0
        self._buffer_lock = threading.Lock()
        self._commit_lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def _after_fork(self) -> None:
        if self._pid == os.getpid():
            return
        if self._connection is not None:
            _inherited.append(self._connection)
        self._begin()  # the buffer belongs to the parent, which writes it

    def _take(self) -> list[AnyRecord]:
        with self._buffer_lock:
            batch, self._buffer = self._buffer, []
            if self._dropped and batch:
                batch.append(
                    Fault(
                        at_s=batch[-1].at_s,
                        where="store.writer",
                        error_class="BufferFull",
                        count=self._dropped,
                    )
                )
                self._dropped = 0
        return batch

    def _try_flush(self) -> None:
        try:
            self.flush()
        except WriteError:
            return  # kept in the buffer; whoever calls `flush` hears of it

    def _append(self, batch: list[AnyRecord]) -> None:
        rows, link = self._rows(batch)
        with writing(self._database):
            connection = self._connect()
            # A deferred transaction that turns into a writer fails with SQLITE_BUSY at once,
            # whatever the timeout; an immediate one waits.
            connection.execute("BEGIN IMMEDIATE")
            try:
                self._insert(connection, rows)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
        self._seq += len(rows)
        self._link = link

    def _insert(self, connection: sqlite3.Connection, rows: list[Row]) -> None:
        if is_sealed(connection):
            raise sealed_error(self._database)
        connection.executemany(_INSERT, rows)

    def _rows(self, batch: list[AnyRecord]) -> tuple[list[Row], bytes]:
        rows: list[Row] = []
        link = self._link
        for seq, record in enumerate(batch, self._seq):
            kind, body = kind_of(record), encode_record(record, self._redactor)
            link = next_link(link, kind, body)
            layer = getattr(record, "layer", None)
            rows.append((self._name, seq, kind, layer, record.at_s, link, body))
        return rows, link

    def _connect(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = open_to_append(self._database)
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def sealed_error(database: Path) -> WriteError:
    """Return what a finished run answers to a writer."""
    return WriteError(
        f"cannot write `{database}`: the run is sealed",
        hint="evidence is never added to a finished run; start a new one with `l9gate run`",
    )

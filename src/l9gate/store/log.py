"""The evidence of a run as it stood at one moment, checked before it is used."""

import sqlite3
import weakref
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self, TypeVar, get_args

from l9gate.errors import RunCorruptError, RunVersionError
from l9gate.evidence.codec import FORMAT_VERSION, decode_record
from l9gate.evidence.records import AnyRecord
from l9gate.store.chain import first_link, next_link, seal_digest
from l9gate.store.database import open_snapshot, reading, release

R = TypeVar("R")

# The casts keep a tampered column type from reaching the hash as anything but bytes.
_SELECT_CHAINS = """
SELECT writer, seq, CAST(kind AS TEXT), CAST(chain AS BLOB), CAST(body AS BLOB)
FROM record ORDER BY writer, seq"""
_TAGS: dict[type, str] = {kind: str(kind.__struct_config__.tag) for kind in get_args(AnyRecord)}


class Chains(NamedTuple):
    """What a verification found."""

    records: int
    digest: bytes
    sealed: bool


class RunLog:
    """All records of one run in one read transaction, so that no criterion sees more than another.

    Close it, or use it as a context manager; a log that is dropped closes itself.
    """

    def __init__(self, database: Path, manifest: bytes) -> None:
        """Open and verify.

        Raises:
            RunVersionError: the records have a format that this version does not read.
            RunCorruptError: a record was changed, removed or is missing.
        """
        self._database = database
        with reading(database):
            self._connection, copy = open_snapshot(database)
            self._close = weakref.finalize(self, release, self._connection, copy)
            self._connection.execute("BEGIN")
            self._refuse_other_version()
            self.chains = verify_chains(self._connection, database, manifest)

    def of(self, kind: type[R]) -> Iterator[R]:
        """Yield every record of one class, in the order of writer and sequence number."""
        tags = [tag for record, tag in _TAGS.items() if issubclass(record, kind)]
        marks = ", ".join("?" * len(tags))
        query = f"SELECT body FROM record WHERE kind IN ({marks}) ORDER BY writer, seq"  # noqa: S608  # marks only
        with reading(self._database):
            rows = self._connection.execute(query, tags)
            records = (decode_record(body) for (body,) in rows)
            yield from (record for record in records if isinstance(record, kind))

    def close(self) -> None:
        """Let go of the file, and of the temporary copy if there is one."""
        self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _refuse_other_version(self) -> None:
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if version != FORMAT_VERSION:
            raise RunVersionError(
                f"`{self._database}` holds records of format {version}, "
                f"this l9gate reads format {FORMAT_VERSION}",
                hint="judge it with the l9gate that is named in its manifest.json",
            )


def verify_chains(connection: sqlite3.Connection, database: Path, manifest: bytes) -> Chains:
    """Return what stands in the database, if it is what was written.

    Raises:
        RunCorruptError: a record was changed, removed or is missing.
    """
    ends: dict[str, tuple[int, bytes]] = {}
    for writer, seq, kind, link, body in connection.execute(_SELECT_CHAINS):
        expected, before = ends.get(writer) or (0, first_link(manifest, writer))
        if seq != expected:
            raise _corrupt(database, f"writer `{writer}`: record {seq} where {expected} belongs")
        if next_link(before, kind, body) != link:
            raise _corrupt(database, f"writer `{writer}`: record {seq} or the manifest was changed")
        ends[writer] = (seq + 1, link)
    digest = seal_digest(manifest, [(name, *end) for name, end in ends.items()])
    seal = connection.execute("SELECT digest FROM seal").fetchone()
    if seal is not None and seal[0] != digest:
        raise _corrupt(database, "records or the manifest changed after the run was sealed")
    return Chains(sum(records for records, _ in ends.values()), digest, seal is not None)


def _corrupt(database: Path, what: str) -> RunCorruptError:
    return RunCorruptError(
        f"`{database}` does not hold what was written into it: {what}",
        hint="it is no evidence any more; run again with `l9gate run`",
    )

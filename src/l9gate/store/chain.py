"""Hash chains: each record is bound to the one before it, and the first one to the manifest."""

import hashlib
from collections.abc import Iterable


def first_link(manifest: bytes, writer: str) -> bytes:
    """Return what the first record of a writer is chained to.

    The manifest takes part, so that a rehearsal cannot be relabelled as a live run.
    """
    return hashlib.sha256(hashlib.sha256(manifest).digest() + writer.encode()).digest()


def next_link(before: bytes, kind: str, body: bytes) -> bytes:
    """Return the link of a record; the kind takes part, since readers select by it."""
    return hashlib.sha256(before + kind.encode() + b"\0" + body).digest()


def seal_digest(manifest: bytes, ends: Iterable[tuple[str, int, bytes]]) -> bytes:
    """Return one digest over the end of every chain: writer, number of records, last link.

    A chain alone does not show that its last records were cut off; this does.
    """
    digest = hashlib.sha256(manifest)
    for writer, records, link in sorted(ends):
        digest.update(f"\0{writer}\0{records}\0".encode() + link)
    return digest.digest()

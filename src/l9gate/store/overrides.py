"""Decisions to ship against the verdict: recorded beside it, never changing it or the evidence."""

import os
from datetime import date

import msgspec

from l9gate.errors import RunCorruptError, UsageError
from l9gate.store.database import reading, writing
from l9gate.store.run import RunFolder

OVERRIDES = "overrides.jsonl"


class Override(msgspec.Struct, frozen=True, kw_only=True):
    """Who decided to go against the verdict, why, and until when."""

    reason: str
    owner: str
    expires: date  # the last day on which it holds
    at: str  # RFC 3339, UTC


_encoder = msgspec.json.Encoder(order="deterministic")
_decoder = msgspec.json.Decoder(Override)


def append_override(run: RunFolder, override: Override) -> None:
    """Add one line to overrides.jsonl of a run, sealed or not.

    Raises:
        UsageError: reason or owner is blank.
        WriteError: the disk refuses.
    """
    for option in ("reason", "owner"):
        if not getattr(override, option).strip():
            raise UsageError(f"an override needs `--{option}`", hint=f'say it: --{option} "…"')
    path = run.path / OVERRIDES
    with writing(path), path.open("ab") as file:
        file.write(_encoder.encode(override) + b"\n")
        file.flush()
        os.fsync(file.fileno())


def read_overrides(run: RunFolder) -> tuple[Override, ...]:
    """Return all overrides of a run, oldest first.

    Raises:
        RunCorruptError: a line is no override, with its number.
    """
    path = run.path / OVERRIDES
    if not path.exists():
        return ()
    with reading(path):
        lines = path.read_bytes().splitlines()
    return tuple(_parse(f"{path} line {number}", line) for number, line in enumerate(lines, 1))


def _parse(place: str, line: bytes) -> Override:
    try:
        return _decoder.decode(line)
    except msgspec.MsgspecError as error:
        raise RunCorruptError(f"`{place}` is no override: {error}") from error

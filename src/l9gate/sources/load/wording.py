"""What the process of a shard and the one that started it say to each other, a line of JSON each.

Down: the `Task`, then the time to start, perhaps `STOP`. Up: `Ready`, `Standing` now and then, at
last `Ended` or `Failed`. When the line down closes, whoever held it is gone, and the shard ends.
"""

from typing import TypeAlias

import msgspec

from l9gate import errors
from l9gate.criteria.criterion import Scope
from l9gate.drive.order import LoadOrder, Share
from l9gate.drive.shards import Ended, Standing
from l9gate.errors import L9gateError

STOP = b"stop"


class Counting(msgspec.Struct, frozen=True, kw_only=True):
    """What a shard counts for those who may end the load early."""

    policy: str  # the text
    scope: Scope


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """What one shard has to do."""

    order: LoadOrder
    share: Share
    run: str = ""  # path of the run folder, if it is on this machine
    counting: Counting | None = None


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """All is warm; the shard waits for the time to start."""


class Failed(msgspec.Struct, frozen=True, kw_only=True, tag="failed"):
    """The shard cannot go on."""

    error: str  # name of a class of `l9gate.errors`
    message: str
    hint: str | None = None

    @classmethod
    def of(cls, error: L9gateError) -> "Failed":
        """Return an error as it is told."""
        return cls(error=type(error).__name__, message=str(error), hint=error.hint)

    def as_error(self) -> L9gateError:
        """Return the error that was told."""
        kind = getattr(errors, self.error, L9gateError)
        is_known = isinstance(kind, type) and issubclass(kind, L9gateError)
        return (kind if is_known else L9gateError)(self.message, hint=self.hint)


Said: TypeAlias = Ready | Standing | Ended | Failed

_SAID: "msgspec.json.Decoder[Said]" = msgspec.json.Decoder(Said)
_TASK = msgspec.json.Decoder(Task)


def encode_line(message: Task | Said) -> bytes:
    """Return a message as a line."""
    return msgspec.json.encode(message) + b"\n"


def decode_task(line: bytes) -> Task:
    """Return the task that a line holds.

    Raises:
        msgspec.MsgspecError: it holds none.
    """
    return _TASK.decode(line)


def decode_said(line: bytes) -> Said | None:
    """Return what a shard said; None for a line that somebody else printed."""
    try:
        return _SAID.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None

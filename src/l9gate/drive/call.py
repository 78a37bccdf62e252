"""One call on the wire: hears its answer and says in a row what came of it."""

from math import isnan, nan
from typing import Protocol

import msgspec

from l9gate.drive.columns import Row
from l9gate.drive.ear import StreamEar
from l9gate.drive.purse import Block
from l9gate.drive.workload import Job
from l9gate.evidence.load import Arm, CallEnd, CallMark
from l9gate.evidence.words import Origin
from l9gate.net.lane import Loss
from l9gate.wire.faults import ERROR_TYPES, parse_fault
from l9gate.wire.headers import ORIGIN
from l9gate.wire.messages import Usage, parse_response_facts

_ENDS = {
    Loss.UNCONNECTED: CallEnd.UNREACHABLE,
    Loss.UNREACHABLE: CallEnd.UNREACHABLE,
    Loss.CUT: CallEnd.CUT,
    Loss.TIMED_OUT: CallEnd.TIMED_OUT,
    Loss.MALFORMED: CallEnd.MALFORMED,
}
# Plain numbers: an operator of a flag costs as much as reading a head.
_HAS_REQUEST_ID, _HAS_USAGE = int(CallMark.HAS_REQUEST_ID), int(CallMark.HAS_USAGE)
_NEW_CONNECTION = int(CallMark.NEW_CONNECTION)
_MAX_BODY_BYTES = 64 * 1024 * 1024
_ORIGIN = f"\r\n{ORIGIN}:".encode()
_ORIGINS = {"simulated": Origin.SIMULATED, "replayed": Origin.REPLAYED}


class _Created(msgspec.Struct, gc=False):
    ephemeral_1h_input_tokens: int | None = 0


class _Usage(msgspec.Struct, gc=False):
    input_tokens: int | None = 0
    output_tokens: int | None = 0
    cache_read_input_tokens: int | None = 0
    cache_creation_input_tokens: int | None = 0
    cache_creation: _Created | None = None


class _Answer(msgspec.Struct, gc=False):
    """The usual answer; whatever else there is is read by `parse_response_facts`."""

    type: str
    model: str
    usage: _Usage
    content: msgspec.Raw


_ANSWERS = msgspec.json.Decoder(_Answer)


class Witness(msgspec.Struct, frozen=True):
    """How to tell whose answers these are."""

    origin: Origin  # of answers that say nothing else
    proof: bytes  # lower case: `\\r\\nrequest-id:`


class Desk(Protocol):
    """Who makes calls and takes their rows."""

    witness: Witness

    def render(self, job: Job, /) -> bytes:
        """Return a request as it goes out."""
        ...

    def take(self, call: "Call", row: Row, /) -> None:
        """Take the row of a call, once."""


class Call:
    """Hears one answer."""

    __slots__ = (
        "_desk",
        "_ear",
        "_headers_s",
        "_marks",
        "_origin",
        "_pieces",
        "_size_bytes",
        "_status",
        "arm",
        "block",
        "due_s",
        "is_new",
        "job",
        "position",
        "sent_s",
    )

    def __init__(self, desk: Desk, job: Job, arm: Arm, position: int, due_s: float) -> None:
        self.job = job
        self.arm = arm
        self.position = position
        self.due_s = due_s
        self.sent_s = due_s
        self.is_new: bool | None = None
        self.block: Block | None = None  # what pays for it
        self._desk = desk
        self._origin = desk.witness.origin
        self._status = 0
        self._headers_s = nan
        self._marks = 0
        self._pieces: list[bytes] = []
        self._size_bytes = 0
        self._ear: StreamEar | None = None

    def render(self) -> bytes:
        """Return the request as it goes out."""
        return self._desk.render(self.job)

    def on_head(self, status: int, head: bytes, at_s: float) -> None:
        """Note when the answer began and what its head proves."""
        self._status = status
        self._headers_s = at_s
        head = head.lower()
        _, is_there, rest = head.partition(self._desk.witness.proof)
        if is_there and rest.partition(b"\r\n")[0].strip():  # an empty one proves nothing
            self._marks = _HAS_REQUEST_ID
        if _ORIGIN in head:
            said = head.partition(_ORIGIN)[2].partition(b"\r\n")[0]
            self._origin = origin_said(said.decode("latin-1"), self._origin)
        if b"text/event-stream" in head and status == 200:
            self._ear = StreamEar()

    def on_body(self, data: bytes, at_s: float) -> None:
        """Take a piece."""
        if self._ear is not None:
            self._ear.feed(data, at_s)
        elif self._size_bytes < _MAX_BODY_BYTES:
            self._size_bytes += len(data)
            self._pieces.append(data)

    def on_end(self, at_s: float) -> None:
        """Say how it ended."""
        if self._ear is not None:
            self._end_stream(self._ear, at_s)
            return
        end, usage = classify_status(self._status), None
        body = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        if end is CallEnd.OK:
            model, usage = read_answer(body)
            if model is None or usage is None or self.job.stream:
                end = CallEnd.MALFORMED
            else:
                self._marks |= _HAS_USAGE
        self._put(end, at_s, usage, is_free=self._is_free(body))

    def on_loss(self, loss: Loss, at_s: float) -> None:
        """Say that it came to no end; a stream that had stopped before is whole."""
        if self._ear is not None and not isnan(self._ear.stopped_s):
            self._end_stream(self._ear, at_s)
        elif self._ear is not None and self._ear.has_failed:
            self._put(CallEnd.STREAM_ERROR, at_s, self._ear.usage)
        else:
            usage = None if self._ear is None else self._ear.usage
            is_unsent = loss is Loss.UNCONNECTED and self.is_new is None
            self._put(_ENDS[loss], at_s, usage, is_free=is_unsent)

    def _end_stream(self, ear: StreamEar, at_s: float) -> None:
        end = CallEnd.CUT
        if ear.has_failed:
            end = CallEnd.STREAM_ERROR
        elif ear.is_malformed or not self.job.stream:
            end = CallEnd.MALFORMED
        elif not isnan(ear.stopped_s):
            end, at_s = CallEnd.OK, ear.stopped_s
        if ear.model is not None and ear.usage is not None:
            self._marks |= _HAS_USAGE
        self._put(end, at_s, ear.usage)

    def _is_free(self, body: bytes) -> bool:
        """Whether the API refused; a gateway's own 502 does not say whether a model has worked."""
        if self._status < 500:
            return self._status >= 300
        fault = parse_fault(body)
        return fault is not None and fault.type in ERROR_TYPES

    def _put(
        self, end: CallEnd, at_s: float, usage: Usage | None, *, is_free: bool = False
    ) -> None:
        row = Row(
            due_s=self.due_s,
            sent_s=self.sent_s,
            ended_s=at_s,
            end=end,
            position=self.position,
            marks=self._marks | _NEW_CONNECTION if self.is_new else self._marks,
            origin=self._origin,
            headers_s=self._headers_s,
            usage=usage,
            is_free=is_free,
        )
        ear = self._ear
        if ear is not None:
            row.first_token_s = ear.first_token_s
            row.first_text_s = ear.first_text_s
            row.first_thinking_s = ear.first_thinking_s
            row.first_tool_s = ear.first_tool_s
            row.gaps_s = ear.gaps_s
        self._desk.take(self, row)


def classify_status(status: int) -> CallEnd:
    """Return what a status alone says of a call."""
    if 200 <= status < 300:
        return CallEnd.OK
    if status == 429:
        return CallEnd.RATE_LIMITED
    if status == 529:
        return CallEnd.OVERLOADED
    if 400 <= status < 500:
        return CallEnd.REFUSED
    return CallEnd.SERVER_ERROR if status >= 500 else CallEnd.MALFORMED


def read_answer(body: bytes) -> tuple[str | None, Usage | None]:
    """Return model and usage of a whole answer; None for what is not there."""
    try:
        answer = _ANSWERS.decode(body)
        seen = answer.usage
        hour = 0 if seen.cache_creation is None else seen.cache_creation.ephemeral_1h_input_tokens
        if answer.type == "message":
            return answer.model, Usage(
                input_tokens=seen.input_tokens or 0,
                output_tokens=seen.output_tokens or 0,
                cache_read_input_tokens=seen.cache_read_input_tokens or 0,
                cache_creation_input_tokens=seen.cache_creation_input_tokens or 0,
                cache_creation_1h_input_tokens=hour or 0,
            )
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass
    facts = parse_response_facts(body)
    return (None, None) if facts is None else (facts.model, facts.usage)


def origin_said(said: str | None, otherwise: Origin) -> Origin:
    """Return what an answer's own header says of where it comes from."""
    return otherwise if said is None else _ORIGINS.get(said.strip().lower(), Origin.OTHER)

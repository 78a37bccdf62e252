"""Rows of calls to columns of numbers."""

from array import array
from collections.abc import Iterable, Sequence
from math import isnan, nan

import msgspec

from l9gate.evidence.load import Arm, CallEnd, LoadBlock
from l9gate.evidence.words import Origin
from l9gate.wire.messages import Usage, sum_usage

_BIG_ENDIAN = array("H", [1]).tobytes() == b"\x00\x01"


class Row(msgspec.Struct, kw_only=True, gc=False):
    """What came of one call; times are seconds since the epoch, NaN is what did not happen."""

    due_s: float
    sent_s: float
    ended_s: float
    end: int  # `CallEnd`; plain numbers, since a row is made for every call
    position: int = 0
    marks: int = 0  # `CallMark`
    origin: Origin = Origin.LIVE
    headers_s: float = nan
    first_token_s: float = nan
    first_text_s: float = nan
    first_thinking_s: float = nan
    first_tool_s: float = nan
    gaps_s: Sequence[float] | None = None
    usage: Usage | None = None
    is_free: bool = False  # nothing was sent, or the API says that it did no work


class Group(msgspec.Struct, frozen=True):
    """What the calls of one block have in common."""

    arm: Arm
    origin: Origin
    model: str | None
    stream: bool


class Place(msgspec.Struct, frozen=True):
    """What all blocks of one shard have in common."""

    span: str
    shard: int
    host: str
    control_host: str  # that of bare calls, which always go to the endpoint
    origin: Origin = Origin.LIVE  # where answers of the run's kind come from


def build_block(place: Place, group: Group, rows: list[Row], at_s: float) -> LoadBlock:
    """Return calls as a block; columns in which no row has a value are left out."""
    return LoadBlock(
        at_s=at_s,
        span=place.span,
        arm=group.arm,
        shard=place.shard,
        origin=group.origin,
        host=place.control_host if group.arm is Arm.CONTROL else place.host,
        model=group.model,
        stream=group.stream,
        calls=len(rows),
        positions=_pack("I", [row.position for row in rows]),
        due_s=_pack("d", [row.due_s for row in rows]),
        sent_s=_pack("d", [row.sent_s for row in rows]),
        ended_s=_pack("d", [row.ended_s for row in rows]),
        ends=bytes([row.end for row in rows]),
        marks=bytes([row.marks for row in rows]),
        headers_s=_pack_times([row.headers_s for row in rows]),
        first_token_s=_pack_times([row.first_token_s for row in rows]),
        first_text_s=_pack_times([row.first_text_s for row in rows]),
        first_thinking_s=_pack_times([row.first_thinking_s for row in rows]),
        first_tool_s=_pack_times([row.first_tool_s for row in rows]),
        output_tokens=_pack_tokens(rows),
        **_pack_gaps(rows),
        usage=sum_usage(row.usage for row in rows),
    )


def _pack(kind: str, values: Iterable[float]) -> bytes:
    packed = array(kind, values)
    if _BIG_ENDIAN:
        packed.byteswap()
    return packed.tobytes()


def _pack_times(times_s: list[float]) -> bytes:
    return b"" if all(map(isnan, times_s)) else _pack("d", times_s)


def _pack_tokens(rows: list[Row]) -> bytes:
    if all(row.usage is None for row in rows):
        return b""
    counts = [0 if row.usage is None else row.usage.output_tokens for row in rows]
    return _pack("I", [min(count, 2**32 - 1) for count in counts])


def _pack_gaps(rows: list[Row]) -> dict[str, bytes]:
    counts = [0 if row.gaps_s is None else len(row.gaps_s) for row in rows]
    if not any(counts):
        return {}
    gaps_s = array("f")
    for row in rows:
        if row.gaps_s is not None:
            gaps_s.extend(row.gaps_s)
    return {"gap_counts": _pack("I", counts), "gaps_s": _pack("f", gaps_s)}


def is_measured(end: int) -> bool:
    """Whether a call's times are in a latency sample; a cached or degraded answer never is."""
    return end == CallEnd.OK

from collections.abc import Callable, Sequence
from math import nan

import numpy as np
import pytest

from l9gate.criteria.criterion import Scope
from l9gate.criteria.excerpt import Excerpt
from l9gate.evidence.load import (
    Arm,
    CallEnd,
    CallMark,
    ClientCheck,
    LoadBlock,
)
from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import AnyRecord, Origin
from l9gate.wire.messages import Usage

START_S = 1_700_000_000.0
WHOLE = CallMark.HAS_REQUEST_ID | CallMark.HAS_USAGE


@pytest.fixture
def load_block() -> Callable[..., LoadBlock]:
    """Return `load_block(took_s, …)`: whole answers, one due each second, that took so long."""

    def build(
        took_s: Sequence[float],
        *,
        ends: CallEnd | Sequence[CallEnd] = CallEnd.OK,
        marks: CallMark = WHOLE,
        arm: Arm = Arm.MAIN,
        span: str = "load",
        shard: int = 0,
        origin: Origin = Origin.LIVE,
        model: str | None = "claude-haiku-5-5",
        lag_s: float = 0.0,
        ttft_s: Sequence[float] | None = None,
        gaps_s: Sequence[Sequence[float]] | None = None,
        usage: Usage | None = None,
    ) -> LoadBlock:
        calls = len(took_s)
        due_s = START_S + np.arange(calls)
        all_ends = [ends] * calls if isinstance(ends, CallEnd) else list(ends)
        is_stream = ttft_s is not None or gaps_s is not None
        firsts_s = b"" if ttft_s is None else (due_s + np.array(ttft_s, dtype="<f8")).tobytes()
        gaps = [] if gaps_s is None else list(gaps_s)
        return LoadBlock(
            at_s=START_S, span=span, arm=arm, shard=shard, origin=origin, host="api", model=model,
            stream=is_stream, calls=calls, positions=np.arange(calls, dtype="<u4").tobytes(),
            due_s=due_s.tobytes(), sent_s=(due_s + lag_s).tobytes(),
            ended_s=(due_s + np.array(took_s, dtype="<f8")).tobytes(), ends=bytes(all_ends),
            marks=bytes([marks]) * calls, first_token_s=firsts_s, first_text_s=firsts_s,
            gap_counts=np.array([len(one) for one in gaps], dtype="<u4").tobytes(),
            gaps_s=np.array([gap for one in gaps for gap in one], dtype="<f4").tobytes(),
            usage=usage,
        )  # fmt: skip

    return build


@pytest.fixture
def client_check() -> Callable[..., ClientCheck]:
    """Return `client_check(…)`: a client that is at ease."""

    def build(
        cpu_share: float = 0.2,
        lag_s: float = 0.0001,
        loop_lag_s: float = 0.0001,
        span: str = "load",
    ) -> ClientCheck:
        return ClientCheck(
            at_s=START_S, span=span, shard=0, since_s=START_S, until_s=START_S + 5,
            cpu_share=cpu_share, schedule_lag_p99_s=lag_s, loop_lag_p99_s=loop_lag_s, sent=5, due=5,
        )  # fmt: skip

    return build


@pytest.fixture
def loaded() -> Callable[..., Excerpt]:
    """Return `loaded(record, …, where)`: the excerpt of a live load."""

    def build(*records: AnyRecord, kind: Origin = Origin.LIVE, **where: str) -> Excerpt:
        scope = Scope(layers=(), sources=("load",), kind=kind, environment="development")
        return Excerpt(MemoryLog(records), scope, frozenset(), where)

    return build


@pytest.fixture
def never() -> float:
    """What stands for a time at which nothing happened."""
    return nan

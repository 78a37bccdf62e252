"""Calls under load in columns, narrowed to what one criterion asks about."""

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from l9gate.criteria.ranked import Ranked
from l9gate.evidence.load import (
    Arm,
    CallEnd,
    CallMark,
    ClientCheck,
    LoadBlock,
    LoadHistogram,
    LoadPlan,
)
from l9gate.evidence.records import Origin

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LOAD_KEYS = frozenset({"span", "arm", "model", "stream", "end"})
PROOF = CallMark.HAS_REQUEST_ID | CallMark.HAS_USAGE
FAILURES = (
    CallEnd.RATE_LIMITED,
    CallEnd.OVERLOADED,
    CallEnd.SERVER_ERROR,
    CallEnd.REFUSED,
    CallEnd.STREAM_ERROR,
    CallEnd.CUT,
    CallEnd.TIMED_OUT,
    CallEnd.UNREACHABLE,
    CallEnd.MALFORMED,
    CallEnd.RAISED,
)

MADE_UP = (CallEnd.DEGRADED, CallEnd.CACHED)  # answers for which nobody need have been called


def word_of(end: CallEnd) -> str:
    """Return an end as policies write it, such as `rate_limited`."""
    return end.name.lower()


class LoadView:
    """The calls of one arm that a `where` leaves, one row a call.

    An answer without what proves it (request id, model and usage), or that says that it comes from
    elsewhere, is none of the run's kind. If all are so, the endpoint proves nothing and no answer
    counts, nor does what the application made up without one; else such an answer is an error.
    """

    def __init__(
        self,
        blocks: Iterable[LoadBlock],
        slices: Iterable[LoadHistogram],
        kind: Origin,
        where: Mapping[str, str],
    ) -> None:
        arm = Arm(where.get("arm", Arm.MAIN))
        self._end = where.get("end")
        self._kind = kind
        self.ranked: dict[str, Ranked] = {}  # samples that were put in order, by name
        self.blocks = [one for one in blocks if one.arm is arm and _is_within(one, where)]
        self.own_blocks = [one for one in self.blocks if one.origin is kind]
        shards = {(one.span, one.shard) for one in self.own_blocks}
        # Only what comes after a shard's blocks is counted, so that they tell its origin.
        self.slices = [
            one
            for one in slices
            if one.arm is arm and (one.span, one.shard) in shards and _is_within(one, where)
        ]

    @property
    def spans(self) -> frozenset[str]:
        """The spans that the calls belong to."""
        return frozenset(one.span for one in self.own_blocks)

    @cached_property
    def due_s(self) -> "NDArray[np.float64]":
        """When each call was due."""
        return self._times(lambda one: one.due_s)

    @cached_property
    def sent_s(self) -> "NDArray[np.float64]":
        """When each call was sent; NaN if it never was."""
        return self._times(lambda one: one.sent_s)

    @cached_property
    def ended_s(self) -> "NDArray[np.float64]":
        """When each call ended."""
        return self._times(lambda one: one.ended_s)

    @cached_property
    def first_token_s(self) -> "NDArray[np.float64]":
        """When the first content came; NaN if none did."""
        return self._times(lambda one: one.first_token_s)

    @cached_property
    def first_text_s(self) -> "NDArray[np.float64]":
        """When the first text came; NaN if none did."""
        return self._times(lambda one: one.first_text_s)

    @cached_property
    def ends(self) -> "NDArray[np.uint8]":
        """How each call ended, `CallEnd`."""
        return self._bytes(lambda one: one.ends)[self._kept]

    @cached_property
    def is_stream(self) -> "NDArray[np.bool_]":
        """Whether each call asked for a stream."""
        import numpy as np

        flags = [np.full(one.calls, one.stream) for one in self.blocks]
        return np.concatenate([np.empty(0, dtype=np.bool_), *flags])[self._kept]

    @cached_property
    def is_proven(self) -> "NDArray[np.bool_]":
        """Which calls were answered whole, with everything that proves the answer."""
        marks = self._bytes(lambda one: one.marks)[self._kept]
        proven: NDArray[np.bool_] = (self.ends == CallEnd.OK) & (marks & PROOF == PROOF)
        return proven & ~self.is_foreign

    @cached_property
    def is_timed_out(self) -> "NDArray[np.bool_]":
        """Which calls a deadline ended."""
        timed_out: NDArray[np.bool_] = self.ends == CallEnd.TIMED_OUT
        return timed_out & ~self.is_foreign

    @cached_property
    def is_unproven(self) -> "NDArray[np.bool_]":
        """Which calls were answered whole without what proves the answer, or from elsewhere."""
        unproven: NDArray[np.bool_] = (self.ends == CallEnd.OK) & ~self.is_proven
        return unproven | self.is_foreign

    @cached_property
    def is_failed(self) -> "NDArray[np.bool_]":
        """Which calls ended in an error."""
        import numpy as np

        failed: NDArray[np.bool_] = np.isin(self.ends, [int(end) for end in FAILURES])
        if bool(self.is_proven.any()):
            return failed | self.is_unproven
        return failed & ~self.is_foreign

    @cached_property
    def is_sent(self) -> "NDArray[np.bool_]":
        """Which calls were sent, and not answered by something that proves nothing at all."""
        sent: NDArray[np.bool_] = self.ends != CallEnd.NOT_PAID
        return sent if bool(self.is_proven.any()) else sent & ~self.is_unproven

    @cached_property
    def is_counted(self) -> "NDArray[np.bool_]":
        """The same without what the application made up, where nothing at all was proven."""
        import numpy as np

        if bool(self.is_proven.any()):
            return self.is_sent
        made_up = np.isin(self.ends, [int(end) for end in MADE_UP])
        counted: NDArray[np.bool_] = self.is_sent & ~made_up
        return counted

    def gaps(self) -> "tuple[NDArray[np.uint32], NDArray[np.float32]]":
        """Return how many gaps each call has, and those of all calls one after another."""
        import numpy as np

        none, nothing = np.empty(0, dtype=np.uint32), np.empty(0, dtype=np.float32)
        each = [
            np.frombuffer(one.gap_counts, "<u4")
            if one.gap_counts
            else np.zeros(one.calls, dtype=np.uint32)
            for one in self.blocks
        ]
        counts = np.concatenate([none, *each])
        gaps = np.concatenate([nothing, *(np.frombuffer(one.gaps_s, "<f4") for one in self.blocks)])
        if self._end is None:
            return counts, gaps
        return counts[self._kept], gaps[np.repeat(self._kept, counts)]

    def ends_beyond(self) -> dict[CallEnd, int]:
        """Return how the calls ended that only histograms count."""
        found: dict[CallEnd, int] = {}
        for one in self.slices:
            for number, count in one.ends.items():
                end = CallEnd(number)
                if self.may_end(end):
                    found[end] = found.get(end, 0) + count
        return found

    def may_end(self, end: CallEnd) -> bool:
        """Whether calls that ended so are shown."""
        return self._end in (None, word_of(end))

    @cached_property
    def is_foreign(self) -> "NDArray[np.bool_]":
        """Which answers say that they come from elsewhere than the run's do."""
        import numpy as np

        flags = [np.full(one.calls, one.origin is not self._kind) for one in self.blocks]
        return np.concatenate([np.empty(0, dtype=np.bool_), *flags])[self._kept]

    @cached_property
    def _kept(self) -> "NDArray[np.bool_]":
        """Which rows `where.end` leaves."""
        import numpy as np

        ends = self._bytes(lambda one: one.ends)
        if self._end is None:
            return np.ones(len(ends), dtype=np.bool_)
        kept: NDArray[np.bool_] = ends == CallEnd[self._end.upper()]
        return kept

    def _times(self, column: Callable[[LoadBlock], bytes]) -> "NDArray[np.float64]":
        import numpy as np

        parts = [
            np.frombuffer(column(one), "<f8") if column(one) else np.full(one.calls, np.nan)
            for one in self.blocks
        ]
        return np.concatenate([np.empty(0), *parts])[self._kept]

    def _bytes(self, column: Callable[[LoadBlock], bytes]) -> "NDArray[np.uint8]":
        import numpy as np

        return np.frombuffer(b"".join(column(one) for one in self.blocks), np.uint8)


class LoadLog:
    """Everything that load put into a log; remembers the views that it was asked for."""

    def __init__(
        self,
        blocks: Iterable[LoadBlock],
        slices: Iterable[LoadHistogram],
        plans: Iterable[LoadPlan],
        checks: Iterable[ClientCheck],
    ) -> None:
        self.blocks = tuple(blocks)
        self.slices = tuple(slices)
        self.plans = tuple(plans)
        self.checks = tuple(checks)
        self._views: dict[tuple[Origin, tuple[tuple[str, str], ...]], LoadView] = {}
        self._same: dict[tuple[Origin, str | None, tuple[int, ...]], LoadView] = {}

    def view(self, kind: Origin, where: Mapping[str, str]) -> LoadView:
        """Return the calls of one origin that a `where` leaves."""
        narrowed = {key: value for key, value in where.items() if key in LOAD_KEYS}
        key = (kind, tuple(sorted(narrowed.items())))
        if key not in self._views:
            view = LoadView(self.blocks, self.slices, kind, narrowed)
            shown = (kind, where.get("end"), tuple(id(one) for one in (*view.blocks, *view.slices)))
            self._views[key] = self._same.setdefault(shown, view)  # put in order only once
        return self._views[key]


def _is_within(one: LoadBlock | LoadHistogram, where: Mapping[str, str]) -> bool:
    stream = "true" if one.stream else "false"
    return (
        where.get("span", one.span) == one.span
        and where.get("model", one.model) == one.model
        and where.get("stream", stream) == stream
    )

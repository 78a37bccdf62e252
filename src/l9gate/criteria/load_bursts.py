"""Calls under load one by one, with when they were due: what bursts are told apart by."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from l9gate.criteria.load_view import LoadView
from l9gate.criteria.samples import Observation
from l9gate.evidence.load import CallEnd

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_CLOCK_DIGITS = 6


def observe_calls(quantity: str, view: LoadView) -> list[Observation]:
    """Return the sample of a quantity, each value with when its call was due; of an event 1 or 0.

    Calls that only histograms count have no time of their own and are left out.
    """
    import numpy as np

    kept, values = _COLUMNS[quantity](view)
    rounded = np.round(values[kept], _CLOCK_DIGITS)
    pairs = zip(view.due_s[kept].tolist(), rounded.tolist(), strict=True)
    return [Observation(at_s, value) for at_s, value in pairs]


Columns = Callable[[LoadView], "tuple[NDArray[np.bool_], NDArray[np.float64]]"]


def _until(column: "Callable[[LoadView], NDArray[np.float64]]", *, of_streams: bool) -> Columns:
    """Return from due to something; where a deadline came first, +infinity."""

    def read(view: LoadView) -> "tuple[NDArray[np.bool_], NDArray[np.float64]]":
        import numpy as np

        at_s = column(view)
        came = ~np.isnan(at_s) & (view.is_proven | (view.is_timed_out & of_streams))
        kept = came | view.is_timed_out
        if of_streams:
            kept = kept & view.is_stream
        return kept, np.where(came, at_s - view.due_s, np.inf)

    return read


def _among(*ends: CallEnd) -> Columns:
    """Return for each call whether it ended so."""

    def read(view: LoadView) -> "tuple[NDArray[np.bool_], NDArray[np.float64]]":
        import numpy as np

        found = np.isin(view.ends, [int(end) for end in ends]) & view.is_counted
        return view.is_counted, found.astype(np.float64)

    return read


_COLUMNS: dict[str, Columns] = {
    "load.latency_s": _until(lambda view: view.ended_s, of_streams=False),
    "load.ttft_s": _until(lambda view: view.first_token_s, of_streams=True),
    "load.first_text_s": _until(lambda view: view.first_text_s, of_streams=True),
    "load.error": lambda view: (view.is_counted, view.is_failed.astype(float)),
    "load.rejected": _among(CallEnd.RATE_LIMITED, CallEnd.OVERLOADED),
    "load.timeout": _among(CallEnd.TIMED_OUT),
}
BURSTING = frozenset(_COLUMNS)

"""Counts, while a load goes on, how what is asked of it stands."""

from collections.abc import Mapping

from l9gate.criteria.criterion import Role, Scope
from l9gate.criteria.excerpt import Excerpt
from l9gate.criteria.snapshot import Snapshot
from l9gate.criteria.stopping import Progress, look_at_all, progress_of, why_stop
from l9gate.criteria.threshold import Threshold
from l9gate.evidence.load import LoadBlock
from l9gate.evidence.log import MemoryLog, Sink
from l9gate.evidence.records import AnyRecord
from l9gate.measure.sequential import Stopping


class TallySink:
    """Passes records on and counts the calls in them; keeps none of them."""

    def __init__(
        self, sink: Sink, criteria: tuple[tuple[Threshold, Role], ...], scope: Scope
    ) -> None:
        self._sink = sink
        self._criteria = criteria
        self._scope = scope
        self._counts = {criterion.name: (0, 0) for criterion, _ in criteria}
        # Loads what counting needs: later it would hold up calls that are due.
        for criterion, _ in criteria:
            progress_of(criterion, Excerpt(MemoryLog(), scope, frozenset(), criterion.where))

    def put(self, record: AnyRecord) -> None:
        """Accept one record."""
        self._sink.put(record)
        if not isinstance(record, LoadBlock):
            return
        log = Snapshot(MemoryLog([record]))  # shared, so that a sample is put in order once
        for criterion, _ in self._criteria:
            excerpt = Excerpt(log, self._scope, frozenset(), criterion.where)
            part = progress_of(criterion, excerpt)
            if part is not None:
                n, wrong = self._counts[criterion.name]
                self._counts[criterion.name] = (n + part.n, wrong + part.wrong)

    def flush(self) -> None:
        """Return once everything that was put survives the death of this process."""
        self._sink.flush()

    @property
    def counts(self) -> dict[str, tuple[int, int]]:
        """How many values each criterion rests on so far, and how many of them are wrong."""
        return dict(self._counts)

    def take(self, counts: Mapping[str, tuple[int, int]]) -> None:
        """Take over what others counted, whose records do not come by here."""
        self._counts.update(counts)

    def why_stop(self, in_flight: int, planned: int | None, *, may_keep: bool) -> str | None:
        """Return why nothing more has to be sent; None if something has.

        Args:
            in_flight: calls without an end, each of which may turn out either way.
            planned: calls in all, where that was fixed before.
            may_keep: whether it may end, too, because all is certainly kept.
        """
        standing = {
            name: Progress(n=n, wrong=wrong, open=in_flight, planned=planned)
            for name, (n, wrong) in self._counts.items()
        }
        looks = look_at_all(self._criteria, standing, self._scope)
        once_kept = may_keep and self._scope.stopping is Stopping.ANYTIME
        return why_stop(looks, once_kept=once_kept)

"""What is left of visits that the journal lists no more: sums, and what clients did wrong.

Visits are judged before they are forgotten, together with what they may repeat, so no misconduct
is lost. All of this is bounded; what goes beyond is counted.
"""

from collections.abc import Sequence

import msgspec

from l9gate.simulator.conduct import ClientConduct, judge_visits, troubled_visits
from l9gate.simulator.journal import Visit

_MAX_CLIENTS = 10_000
_MAX_LISTED = 1_000  # misconduct of one client
_MAX_TROUBLED = 1_000  # visits that later ones may repeat


class Past:
    """Judges visits once and keeps what follows from them.

    Args:
        max_clients: whose conduct is kept; visits of others are only counted, as `lost`.
        max_listed: how much misconduct of a client is kept in detail.
    """

    def __init__(self, max_clients: int = _MAX_CLIENTS, max_listed: int = _MAX_LISTED) -> None:
        self._max_clients = max_clients
        self._max_listed = max_listed
        self._conduct: dict[int, ClientConduct] = {}
        self._connections: set[int] = set()  # of the last visits
        self._troubled: list[Visit] = []
        self.lost = 0

    def take(self, visits: Sequence[Visit]) -> None:
        """Take over visits that have ended, in the order of their arrival."""
        for new in judge_visits(visits, self._troubled):
            known = self._conduct.get(new.client)
            if known is None and len(self._conduct) >= self._max_clients:
                self.lost += new.requests
            else:
                self._conduct[new.client] = self._add(known, new, visits)
        self._connections = {visit.connection for visit in visits}
        self._troubled = troubled_visits([*self._troubled, *visits])[-_MAX_TROUBLED:]

    def conduct(self, visits: Sequence[Visit]) -> list[ClientConduct]:
        """Return the conduct of every client, with visits that are not forgotten yet."""
        found = dict(self._conduct)
        for new in judge_visits(visits, self._troubled):
            found[new.client] = self._add(found.get(new.client), new, visits)
        return list(found.values())

    def _add(
        self, known: ClientConduct | None, new: ClientConduct, visits: Sequence[Visit]
    ) -> ClientConduct:
        """Return the sum; a connection that rested for long counts again."""
        if known is None:
            listed, before = new.misconduct, new
        else:
            own = {visit.connection for visit in visits if visit.client == new.client}
            listed = known.misconduct + new.misconduct
            before = msgspec.structs.replace(
                known,
                connections=known.connections + len(own - self._connections),
                requests=known.requests + new.requests,
                retries=known.retries + new.retries,
                failures=known.failures + new.failures,
                left=known.left + new.left,
                waited_s=round(known.waited_s + new.waited_s, 6),
            )
        return msgspec.structs.replace(
            before,
            misconduct=listed[: self._max_listed],
            unlisted=before.unlisted + max(0, len(listed) - self._max_listed),
        )

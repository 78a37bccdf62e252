"""One message batch and its life: what became of it at any moment follows from three times."""

import math
from datetime import UTC, datetime

import msgspec

from l9gate.simulator.chance import digest
from l9gate.wire.json import Json, JsonObject

EXPIRY_S = 24 * 3600
_ARCHIVED_AFTER_S = 29 * 24 * 3600
_START_S = 2.0  # until the first request is done; all times by the load factor
_EACH_S = 0.01
_CANCEL_S = 0.5  # until a batch that was canceled has ended


class Batch(msgspec.Struct, kw_only=True):
    """A batch; `errors` holds, once it has ended, which of its requests failed."""

    id: str
    scope: str
    ordinal: int
    version: str
    requests: list[JsonObject]
    created_s: float
    load_factor: float
    canceled_s: float | None = None
    errors: frozenset[int] | None = None

    @property
    def ended_s(self) -> float:
        """When processing ends: by itself, by a cancel, or by expiry."""
        ends = [self._done_s(len(self.requests) - 1), self.created_s + EXPIRY_S]
        if self.canceled_s is not None:
            ends.append(self.canceled_s + _CANCEL_S * self.load_factor)
        return min(ends)

    def has_ended(self, now_s: float) -> bool:
        """Whether processing has ended."""
        return now_s >= self.ended_s

    def is_archived(self, now_s: float) -> bool:
        """Whether the results are gone."""
        return now_s >= self.created_s + _ARCHIVED_AFTER_S

    def fate(self, index: int) -> str:
        """Return what became of a request: `processed`, `canceled` or `expired`."""
        done_s = self._done_s(index)
        if self.canceled_s is not None and done_s > self.canceled_s:
            return "canceled"
        return "expired" if done_s > self.created_s + EXPIRY_S else "processed"

    def shuffled(self, seed: int) -> list[int]:
        """Return the indexes of all requests in the order of the results."""
        indexes = range(len(self.requests))
        return sorted(indexes, key=lambda index: digest(seed, self.id, index))

    def render(self, now_s: float, origin: str, *, is_new: bool = False) -> JsonObject:
        """Return the batch as the API shows it, every key present.

        Args:
            now_s: when somebody looks.
            origin: of this server, for the address of the results.
            is_new: whether it was created by the request that is answered.
        """
        has_ended = self.has_ended(now_s) and not is_new
        is_archived = self.is_archived(now_s)
        status = "in_progress" if self.canceled_s is None else "canceling"
        results = f"{origin}/v1/messages/batches/{self.id}/results"
        return {
            "id": self.id,
            "type": "message_batch",
            "processing_status": "ended" if has_ended else status,
            "request_counts": self._counts(has_ended=has_ended),
            "created_at": moment(self.created_s),
            "expires_at": moment(self.created_s + EXPIRY_S),
            "ended_at": moment(self.ended_s) if has_ended else None,
            "cancel_initiated_at": None if self.canceled_s is None else moment(self.canceled_s),
            "archived_at": moment(self.created_s + _ARCHIVED_AFTER_S) if is_archived else None,
            "results_url": results if has_ended and not is_archived else None,
        }

    def _counts(self, *, has_ended: bool) -> JsonObject:
        counts = dict.fromkeys(("processing", "succeeded", "errored", "canceled", "expired"), 0)
        if not has_ended:
            counts["processing"] = len(self.requests)
        for index in range(len(self.requests) if has_ended else 0):
            fate = self.fate(index)
            if fate == "processed":
                fate = "errored" if index in (self.errors or ()) else "succeeded"
            counts[fate] += 1
        shown: dict[str, Json] = {**counts}
        return shown

    def _done_s(self, index: int) -> float:
        return self.created_s + (_START_S + (index + 1) * _EACH_S) * self.load_factor


def moment(at_s: float) -> str:
    """Return a time as RFC 3339, to the microsecond below, so that it is never in the future."""
    micros = math.floor(at_s * 1e6)
    stamp = datetime.fromtimestamp(micros // 1_000_000, UTC).replace(microsecond=micros % 1_000_000)
    return stamp.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

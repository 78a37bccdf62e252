"""One message batch and its life: what became of it at any moment follows from three times."""

import math
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec

from l9gate.simulator.chance import digest
from l9gate.simulator.message import InputUse
from l9gate.simulator.refusal import Refusal
from l9gate.wire.json import JsonObject

EXPIRY_S = 24 * 3600
_ARCHIVED_AFTER_S = 29 * 24 * 3600
_START_S = 2.0  # until the first request is done; all times by the load factor
_EACH_S = 0.01
_COUNTED = ("processing", "succeeded", "errored", "canceled", "expired")
_CANCEL_S = 0.5  # until a batch that was canceled has ended


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What its creation says of how the requests of a batch are judged."""

    scope: str
    version: str
    has_betas: bool = False
    models: tuple[str, ...] | None = None  # that exist for the key; None: all


class Batch(msgspec.Struct, kw_only=True):
    """A batch; it is settled once it has ended and every request of it has an outcome."""

    id: str
    terms: Terms
    requests: list[JsonObject]
    created_s: float
    load_factor: float
    canceled_s: float | None = None
    outcomes: list[Refusal | InputUse | None] = []  # of the first requests; None: not processed
    counts: JsonObject | None = None  # of the whole, once it is settled

    @property
    def ended_s(self) -> float:
        """When processing ends: by itself, by a cancel, or by expiry."""
        ends = [self.done_s(len(self.requests) - 1), self.created_s + EXPIRY_S]
        if self.canceled_s is not None:
            ends.append(self.canceled_s + _CANCEL_S * self.load_factor)
        return min(ends)

    def has_ended(self, now_s: float) -> bool:
        """Whether processing has ended."""
        return now_s >= self.ended_s

    @property
    def is_settled(self) -> bool:
        """Whether every request has an outcome."""
        return len(self.outcomes) == len(self.requests)

    def is_archived(self, now_s: float) -> bool:
        """Whether the results are gone."""
        return now_s >= self.created_s + _ARCHIVED_AFTER_S

    def fate(self, index: int) -> str:
        """Return what became of a request: `processed`, `canceled` or `expired`."""
        done_s = self.done_s(index)
        if self.canceled_s is not None and done_s > self.canceled_s:
            return "canceled"
        return "expired" if done_s > self.created_s + EXPIRY_S else "processed"

    def shuffled(self, seed: int) -> Iterator[int]:
        """Yield the indexes of all requests in the order of the results."""
        size = max(1, len(self.requests))
        start = digest(seed, self.id, "start") % size
        step = digest(seed, self.id, "step") % size
        while math.gcd(step, size) != 1:  # else it would not meet them all
            step += 1
        return ((start + place * step) % size for place in range(len(self.requests)))

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
        if not has_ended:
            return {**dict.fromkeys(_COUNTED, 0), "processing": len(self.requests)}
        if self.counts is None:
            found = Counter(map(self.kind, range(len(self.requests))))
            self.counts = {name: found[name] for name in _COUNTED}
        return self.counts

    def kind(self, index: int) -> str:
        """Return the type of a request's result, of a batch that is settled."""
        outcome = self.outcomes[index]
        if outcome is None:
            return self.fate(index)
        return "errored" if isinstance(outcome, Refusal) else "succeeded"

    def done_s(self, index: int) -> float:
        """Return when a request is done, if nothing comes before."""
        return self.created_s + (_START_S + (index + 1) * _EACH_S) * self.load_factor


def moment(at_s: float) -> str:
    """Return a time as RFC 3339, to the microsecond below, so that it is never in the future."""
    micros = math.floor(at_s * 1e6)
    stamp = datetime.fromtimestamp(micros // 1_000_000, UTC).replace(microsecond=micros % 1_000_000)
    return stamp.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

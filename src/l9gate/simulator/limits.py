"""Rate limits: token buckets by model, refilled continuously."""

import math
from datetime import UTC, datetime
from functools import lru_cache

import msgspec

from l9gate.wire.headers import RATE_LIMIT_PREFIX

_FOREVER_S = 86_400.0  # what a bucket of nothing needs to fill, as far as headers go
_NAMES = {
    name: tuple(f"{RATE_LIMIT_PREFIX}{name}-{what}" for what in ("limit", "remaining", "reset"))
    for name in ("requests", "input-tokens", "output-tokens", "tokens")
}


class Tier(msgspec.Struct, frozen=True, kw_only=True):
    """What an organisation may use in a minute, of each model."""

    requests_per_min: int = 100_000
    input_tokens_per_min: int = 100_000_000
    output_tokens_per_min: int = 20_000_000


class Bucket:
    """Holds as much as one minute allows; empties by use and fills again at a constant rate."""

    def __init__(self, per_min: int, now_s: float) -> None:
        self.capacity = per_min
        self._level = float(per_min)
        self._at_s = now_s

    def level(self, now_s: float) -> float:
        """Return what is left; below 0 after something was charged that nobody could foresee."""
        refill = max(0.0, now_s - self._at_s) * self.capacity / 60
        self._level = min(float(self.capacity), self._level + refill)
        self._at_s = now_s
        return self._level

    def take(self, amount: float, now_s: float) -> None:
        """Charge an amount."""
        self._level = self.level(now_s) - amount

    def wait_s(self, amount: float, now_s: float) -> float:
        """Return the seconds until the amount is there; more than fits is there when it is full."""
        lack = min(amount, self.capacity) - self.level(now_s)
        if lack <= 0 and self.capacity:
            return 0.0
        return lack * 60 / self.capacity if self.capacity else math.inf


class LimitExceeded(msgspec.Struct, frozen=True):
    """Which limit a request would exceed, and when it would not."""

    name: str
    limit_per_min: int
    retry_after_s: int


class ModelLimits:
    """The three buckets of one model."""

    def __init__(self, tier: Tier, now_s: float) -> None:
        self._requests = Bucket(tier.requests_per_min, now_s)
        self._input = Bucket(tier.input_tokens_per_min, now_s)
        self._output = Bucket(tier.output_tokens_per_min, now_s)

    def admit(self, input_tokens: int, now_s: float) -> LimitExceeded | None:
        """Charge a request and its input, or say which limit it would exceed and charge nothing."""
        needs = (
            ("requests", self._requests, 1),
            ("input tokens", self._input, input_tokens),
            ("output tokens", self._output, 1),
        )
        for name, bucket, amount in needs:
            wait_s = bucket.wait_s(amount, now_s)
            if wait_s > 0:
                seconds = math.ceil(min(wait_s, _FOREVER_S))
                return LimitExceeded(name, bucket.capacity, seconds)
        self._requests.take(1, now_s)
        self._input.take(input_tokens, now_s)
        return None

    def charge_output(self, tokens: int, now_s: float) -> None:
        """Charge what was generated; `max_tokens` plays no part."""
        self._output.take(tokens, now_s)

    def headers(self, now_s: float) -> dict[str, str]:
        """Return the rate-limit headers; token counts are rounded to thousands."""
        found: dict[str, str] = {}
        total_limit, total_left, total_full_at_s = 0, 0, 0
        buckets = (
            ("requests", self._requests, 1),
            ("input-tokens", self._input, 1000),
            ("output-tokens", self._output, 1000),
        )
        for name, bucket, unit in buckets:
            full_at_s = math.ceil(now_s + min(bucket.wait_s(bucket.capacity, now_s), _FOREVER_S))
            left = max(0, round(bucket.level(now_s) / unit) * unit)
            _put_triple(found, name, (bucket.capacity, left, full_at_s))
            if unit > 1:
                total_limit += bucket.capacity
                total_left += left
                total_full_at_s = max(total_full_at_s, full_at_s)
        _put_triple(found, "tokens", (total_limit, total_left, total_full_at_s))
        return found


class Limits:
    """The limits of all models, of one organisation."""

    def __init__(self, tier: Tier) -> None:
        self._tier = tier
        self._models: dict[str, ModelLimits] = {}

    def of(self, model: str, now_s: float) -> ModelLimits:
        """Return the limits of a model; models come from a table, so there are not many."""
        limits = self._models.get(model)
        if limits is None:
            limits = self._models[model] = ModelLimits(self._tier, now_s)
        return limits


def _put_triple(headers: dict[str, str], name: str, values: tuple[int, int, int]) -> None:
    limit, remaining, reset = _NAMES[name]
    headers[limit] = str(values[0])
    headers[remaining] = str(values[1])
    headers[reset] = _moment(values[2])


@lru_cache(maxsize=256)
def _moment(second: int) -> str:
    """Return a second since the epoch as RFC 3339."""
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

"""Rate limits: token buckets by model, refilled continuously, for each organisation its own.

The limits of tiers are those of August 2026; see the sheet of the Messages API, section 12.
"""

import math
from datetime import UTC, datetime
from functools import lru_cache

import msgspec

from l9gate.simulator.production import Flow, Production
from l9gate.simulator.refusal import Refusal, refuse
from l9gate.wire.headers import RATE_LIMIT_PREFIX
from l9gate.wire.models import find_model

_FOREVER_S = 86_400.0  # what a bucket of nothing needs to fill, as far as headers go
_INSTANT_S = 1e-6  # what a clock in floating-point seconds cannot tell from nothing
_REQUESTS, _INPUT, _OUTPUT, _TOKENS = (
    tuple(f"{RATE_LIMIT_PREFIX}{name}-{what}" for what in ("limit", "remaining", "reset"))
    for name in ("requests", "input-tokens", "output-tokens", "tokens")
)
LEFT = (  # names of the headers that change from answer to answer
    _REQUESTS[1], _REQUESTS[2], _INPUT[1], _INPUT[2],
    _OUTPUT[1], _OUTPUT[2], _TOKENS[1], _TOKENS[2],
)  # fmt: skip
_FAMILIES = {  # models that share their buckets
    "claude-opus-4-8": "opus-4",
    "claude-opus-4-7": "opus-4",
    "claude-opus-4-6": "opus-4",
    "claude-opus-4-5-20251101": "opus-4",
    "claude-sonnet-4-6": "sonnet-4",
    "claude-sonnet-4-5-20250929": "sonnet-4",
}


class Tier(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an organisation may use in a minute, of each model."""

    requests_per_min: int = 100_000
    input_tokens_per_min: int = 100_000_000
    output_tokens_per_min: int = 20_000_000
    fable: tuple[int, int, int] | None = None  # the same three for Fable models, if they differ
    counts_per_min: int = 100_000  # requests to `count_tokens`
    batch_calls_per_min: int = 100_000  # requests to any of the endpoints of batches
    batch_queue: int = 10_000_000  # requests within batches that have not ended


TIERS = {
    "start": Tier(
        requests_per_min=1_000,
        input_tokens_per_min=2_000_000,
        output_tokens_per_min=400_000,
        fable=(1_000, 500_000, 100_000),
        counts_per_min=2_000,
        batch_calls_per_min=1_000,
        batch_queue=200_000,
    ),
    "build": Tier(
        requests_per_min=5_000,
        input_tokens_per_min=5_000_000,
        output_tokens_per_min=1_000_000,
        fable=(2_000, 1_500_000, 300_000),
        counts_per_min=4_000,
        batch_calls_per_min=2_000,
        batch_queue=300_000,
    ),
    "scale": Tier(
        requests_per_min=10_000,
        input_tokens_per_min=10_000_000,
        output_tokens_per_min=2_000_000,
        fable=(4_000, 4_000_000, 800_000),
        counts_per_min=8_000,
        batch_calls_per_min=4_000,
        batch_queue=500_000,
    ),
}


class Bucket:
    """Holds as much as one minute allows; empties by use and fills again at a constant rate."""

    def __init__(self, per_min: int, now_s: float) -> None:
        self.capacity = per_min
        self._full = float(per_min)
        self.last_level = self._full  # at the time of the last look
        self._at_s = now_s

    def level(self, now_s: float) -> float:
        """Return what is left; below 0 after something was charged that nobody could foresee."""
        passed_s = now_s - self._at_s
        if passed_s > 0:
            level = self.last_level + passed_s * self._full / 60
            self.last_level = self._full if level > self._full else level  # noqa: FURB136 - faster
        self._at_s = now_s
        return self.last_level

    def state(self, unit: int, now_s: float) -> tuple[int, int]:
        """Return what is left, in whole units, and the first whole second at which it is full."""
        level = self.last_level if now_s == self._at_s else self.level(now_s)
        wait_s = (self._full - level) * 60 / self._full if self._full else _FOREVER_S
        full_at_s = now_s
        if wait_s > _INSTANT_S:
            full_at_s += _FOREVER_S if wait_s > _FOREVER_S else wait_s  # noqa: FURB136 - faster
        return round(level / unit) * unit if level > 0 else 0, math.ceil(full_at_s)

    def take(self, amount: float, now_s: float) -> None:
        """Charge an amount."""
        self.last_level = self.level(now_s) - amount

    def wait_s(self, amount: float, now_s: float) -> float:
        """Return the seconds until the amount is there; more than fits is there when it is full."""
        if not self.capacity:
            return math.inf
        wait_s = (min(amount, self.capacity) - self.level(now_s)) * 60 / self.capacity
        return wait_s if wait_s > _INSTANT_S else 0.0


class OutputBucket(Bucket):
    """A bucket that is charged while answers are produced."""

    def __init__(self, per_min: int, now_s: float) -> None:
        super().__init__(per_min, now_s)
        self._flow = Flow()
        self._changes = self._flow.changes  # at hand, since they are looked at for every request

    def level(self, now_s: float) -> float:
        """Return what is left of it now."""
        if self._changes:
            for from_s, tokens in self._flow.advance(now_s):
                self.take(tokens, from_s)  # before the same time fills it again, up to its brim
        return Bucket.level(self, now_s)

    def wait_s(self, amount: float, now_s: float) -> float:
        """Return the seconds until the amount is there, whatever is produced meanwhile."""
        wait_s = super().wait_s(amount, now_s)
        if not self._changes or not self.capacity or not wait_s:
            return wait_s
        level, at_s, wanted = self.level(now_s), now_s, min(amount, self.capacity)
        for until_s, rate_per_s in self._flow.foresee():
            gain_per_s = self.capacity / 60 - rate_per_s
            after = min(level + gain_per_s * (until_s - at_s), self.capacity)
            if gain_per_s > 0 and after >= wanted:
                return at_s - now_s + (wanted - level) / gain_per_s
            level, at_s = after, until_s
        return wait_s

    def produce(self, tokens: int, start_s: float, end_s: float) -> Production:
        """Charge tokens evenly between two times, the first one not in the past."""
        return self._flow.begin(tokens, start_s, end_s)

    def settle(self, production: Production, tokens: float | None, now_s: float) -> None:
        """End a production, charged for so many tokens, or for those that its time has brought."""
        self.level(now_s)
        if tokens is not None:
            missing = tokens - production.charged(now_s)
            self.take(max(missing, self.level(now_s) - self.capacity), now_s)
        self._flow.stop(production)


class LimitExceeded(msgspec.Struct, frozen=True):
    """Which limit a request would exceed, and when it would exceed none."""

    name: str
    limit_per_min: int
    retry_after_s: int


class ModelLimits:
    """The three buckets of one model."""

    def __init__(self, tier: Tier, now_s: float) -> None:
        self._requests = Bucket(tier.requests_per_min, now_s)
        self._input = Bucket(tier.input_tokens_per_min, now_s)
        self._output = OutputBucket(tier.output_tokens_per_min, now_s)
        sizes = [tier.requests_per_min, tier.input_tokens_per_min, tier.output_tokens_per_min]
        families = (_REQUESTS, _INPUT, _OUTPUT, _TOKENS)
        self._headers = {name: "" for names in families for name in names}
        for names, size in zip(families, (*sizes, sizes[1] + sizes[2]), strict=True):
            self._headers[names[0]] = str(size)

    def admit(self, input_tokens: int, now_s: float) -> LimitExceeded | None:
        """Charge a request and its input, or say which limit it would exceed and charge nothing.

        Args:
            input_tokens: of the prompt, without those that are read from the cache.
            now_s: when the request came.
        """
        if (
            self._requests.level(now_s) >= 1
            and self._input.level(now_s) >= input_tokens
            and self._output.level(now_s) >= 1
        ):
            self._requests.last_level -= 1
            self._input.last_level -= input_tokens
            return None
        needs = (
            ("requests", self._requests, 1),
            ("input tokens", self._input, input_tokens),
            ("output tokens", self._output, 1),
        )
        worst_s, worst = 0.0, needs[0]
        for need in needs:
            wait_s = need[1].wait_s(need[2], now_s)
            if wait_s > worst_s:  # who comes back when only another limit has room is refused again
                worst_s, worst = wait_s, need
        if worst_s > 0:
            return _exceeded(worst[0], worst[1].capacity, worst_s)
        self._requests.take(1, now_s)
        self._input.take(input_tokens, now_s)
        return None

    def charge_output(self, tokens: int, now_s: float) -> None:
        """Charge what was generated at once; `max_tokens` plays no part."""
        self._output.take(tokens, now_s)

    def produce(self, tokens: int, start_s: float, end_s: float) -> Production:
        """Charge output while it is generated, between two times."""
        return self._output.produce(tokens, start_s, end_s)

    def settle(self, production: Production, tokens: float | None, now_s: float) -> None:
        """End a production that came to so many tokens; None: as many as its time has brought."""
        self._output.settle(production, tokens, now_s)

    def headers(self, now_s: float) -> dict[str, str]:
        """Return the rate-limit headers; token counts are rounded to thousands."""
        headers = self._headers.copy()
        headers.update(zip(LEFT, self.left(now_s), strict=True))
        return headers

    def left(self, now_s: float) -> list[str]:
        """Return the values of those headers that change, in the order of `LEFT`."""
        left, full = self._requests.state(1, now_s)
        left_in, full_in = self._input.state(1000, now_s)
        left_out, full_out = self._output.state(1000, now_s)
        reset_in, reset_out = _moment(full_in), _moment(full_out)
        return [
            str(left),
            _moment(full),
            str(left_in),
            reset_in,
            str(left_out),
            reset_out,
            str(left_in + left_out),
            reset_in if full_in > full_out else reset_out,
        ]


class Limits:
    """The limits of all models and endpoints, of every organisation."""

    def __init__(self, tier: Tier) -> None:
        self._tier = tier
        self._models: dict[tuple[str, str], ModelLimits] = {}
        self._calls: dict[tuple[str, str], Bucket] = {}

    def of(
        self, model: str, now_s: float, scope: str = "", tier: Tier | None = None
    ) -> ModelLimits:
        """Return the limits of a model; models come from a table, so there are not many.

        Args:
            model: its resolved id.
            now_s: when the request came.
            scope: whose limits; organisations are configured, so there are not many either.
            tier: what that organisation may use, None for what all may.
        """
        limits = self._models.get((scope, model))
        if limits is None:
            family = _FAMILIES.get(model, model)
            limits = self._models.get((scope, family))
            if limits is None:
                limits = ModelLimits(_tier_for(model, tier or self._tier), now_s)
            self._models[scope, family] = self._models[scope, model] = limits
        return limits

    def take_call(
        self, kind: str, now_s: float, scope: str = "", tier: Tier | None = None
    ) -> LimitExceeded | None:
        """Charge a request to `count_tokens` (`count`) or of batches (`batch`), or refuse it."""
        bucket = self._calls.get((scope, kind))
        if bucket is None:
            given = tier or self._tier
            per_min = given.counts_per_min if kind == "count" else given.batch_calls_per_min
            bucket = self._calls[scope, kind] = Bucket(per_min, now_s)
        wait_s = bucket.wait_s(1, now_s)
        if wait_s > 0:
            return _exceeded("requests", bucket.capacity, wait_s)
        bucket.take(1, now_s)
        return None


def limit_refusal(exceeded: LimitExceeded) -> Refusal:
    """Return the 429 of a bucket that is empty."""
    return refuse(
        "rate_limit_error",
        "This request would exceed your organization's rate limit of "
        f"{exceeded.limit_per_min:,} {exceeded.name} per minute. For details, refer to: "
        "https://docs.claude.com/en/api/rate-limits. You can see the response headers for current "
        "usage. Please reduce the prompt length or the maximum tokens requested, or try again "
        "later.",
    )


def _exceeded(name: str, limit_per_min: int, wait_s: float) -> LimitExceeded:
    return LimitExceeded(name, limit_per_min, math.ceil(min(wait_s, _FOREVER_S)))


def _tier_for(model: str, tier: Tier) -> Tier:
    facts = find_model(model)
    if tier.fable is None or facts is None or facts.line != "fable":
        return tier
    requests, input_tokens, output_tokens = tier.fable
    return Tier(
        requests_per_min=requests,
        input_tokens_per_min=input_tokens,
        output_tokens_per_min=output_tokens,
    )


@lru_cache(maxsize=256)
def _moment(second: int) -> str:
    """Return a second since the epoch as RFC 3339."""
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

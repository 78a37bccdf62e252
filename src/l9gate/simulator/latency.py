"""How long an answer takes: seeded, by model, as data.

A profile states quantiles, as many as one likes; between them, and beyond, times follow a curve
that is log-normal from one to the next, so every stated quantile is met. In a file:

    [claude-haiku-5-5]
    first_token_s = { p50 = 0.20, p95 = 0.30, p99 = 0.36 }
    token_gap_s = { p50 = 0.001, p99 = 0.0018 }
    per_input_token_s = 2e-6

    [default]
    first_token_s = 0.6
    token_gap_s = 0.008

A plain number is a time that never varies. `default` is for all models that the file does not name;
without it these keep the built-in profiles.
"""

import math
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from statistics import NormalDist

import msgspec

from l9gate.errors import PlanError
from l9gate.simulator.chance import digest

_NORMAL = NormalDist()
_GAPS = 4096  # distinct gaps of one profile; a power of two
_SHARES = 64  # of the distribution of first tokens; a power of two
_STRIDE = 1_619  # odd, so that a walk over the gaps meets each of them, in no visible order
_P50_TO_P99 = math.exp(0.25 * _NORMAL.inv_cdf(0.99))
Times = float | dict[str, float]


_Key = tuple[tuple[str, float], ...]
_Curve = tuple[tuple[float, float], ...]


def _key(times: Times) -> _Key:
    return tuple(times.items()) if isinstance(times, dict) else (("", times),)


@lru_cache(maxsize=256)
def _curve(times: _Key) -> _Curve:
    """Return quantiles as points: normal score and logarithm of the time."""
    if times[:1] and times[0][0] == "":
        return ((0.0, _log_of("", times[0][1])),)
    points = sorted((_score_of(name), _log_of(name, value)) for name, value in times)
    if not points:
        raise PlanError("latency: no quantile, expected at least one, such as `p50`")
    if any(after[1] < before[1] for before, after in pairwise(points)):
        raise PlanError("latency: a higher quantile is shorter than a lower one")
    return tuple(points)


def _score_of(name: str) -> float:
    try:
        share = float(name.removeprefix("p")) / 100 if name.startswith("p") else math.nan
    except ValueError:
        share = math.nan
    if not 0 < share < 1:
        raise PlanError(f"latency: `{name}`, expected a quantile such as `p50` or `p99.9`")
    return _NORMAL.inv_cdf(share)


def _log_of(name: str, value: float) -> float:
    if not 0 < value < 1e6:
        raise PlanError(f"latency: {name} {value}, expected seconds above 0")
    return math.log(value)


class LatencyProfile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The pace of one model.

    `first_token_s` runs to the first piece of a stream that holds anything generated, and for each
    token of the prompt `per_input_token_s` longer; `token_gap_s` is the time for each token after
    it, drawn for each piece.

    Raises:
        PlanError: a quantile is not in the form `p95`, is no time, or is less than a lower one.
    """

    first_token_s: Times
    token_gap_s: Times
    per_input_token_s: float = 2e-6

    def __post_init__(self) -> None:
        """Refuse what is no distribution."""
        _curve(_key(self.first_token_s))
        _curve(_key(self.token_gap_s))
        if not 0 <= self.per_input_token_s < 1:
            raise PlanError(f"latency: per_input_token_s {self.per_input_token_s}, expected 0 to 1")


class Pace(msgspec.Struct, frozen=True):
    """How long one answer takes: until its first token, and for each one after it."""

    first_token_s: float
    per_output_token_s: float  # on average
    gaps: tuple[float, ...] = ()  # of one token, in units of the average
    start: int = 0

    def total_s(self, output_tokens: int) -> float:
        """Return the seconds until the last token."""
        return self.first_token_s + output_tokens * self.per_output_token_s

    def gap_s(self, number: int, tokens: int) -> float:
        """Return the seconds between a piece of some tokens and the piece before it."""
        gap_s = tokens * self.per_output_token_s
        if not self.gaps:
            return gap_s
        return gap_s * self.gaps[(self.start + number * _STRIDE) % len(self.gaps)]


def _usual(first_token_s: float, token_gap_s: float) -> LatencyProfile:
    return LatencyProfile(
        first_token_s={"p50": first_token_s, "p99": first_token_s * _P50_TO_P99},
        token_gap_s={"p50": token_gap_s, "p99": token_gap_s * _P50_TO_P99},
    )


NO_WAIT = Pace(0.0, 0.0)
DEFAULT = "default"
# Invented, but with plausible ratios; nothing that is measured on them says anything of a model.
PROFILES: Mapping[str, LatencyProfile] = {
    DEFAULT: _usual(0.6, 0.008),
    "claude-haiku-5-5": _usual(0.20, 0.001),
    "claude-haiku-4-5-20251001": _usual(0.35, 0.005),
    "claude-sonnet-5-5": _usual(0.50, 0.006),
    "claude-opus-5-5": _usual(0.90, 0.012),
}


def read_profiles(path: Path) -> dict[str, LatencyProfile]:
    """Return the profiles of a file; without a `default` it adds to the built-in ones.

    Raises:
        PlanError: the file cannot be read or holds no profiles; the message says where.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
        found = {name: _parse_profile(name, table) for name, table in tables.items()}
    except (OSError, ValueError, PlanError) as error:  # of the file, of TOML, of the profiles
        raise PlanError(
            f"{path}: {error}",
            hint="one table for each model: `first_token_s = { p50 = 0.2, p95 = 0.4 }`",
        ) from None
    return found if DEFAULT in found else {**PROFILES, **found}


def _parse_profile(name: str, table: object) -> LatencyProfile:
    try:
        return msgspec.convert(table, LatencyProfile)
    except (msgspec.ValidationError, PlanError) as error:
        raise PlanError(f"[{name}]: {error}") from None


def pace_of(
    profile: LatencyProfile, input_tokens: int, load_factor: float, seed: int, ordinal: int
) -> Pace:
    """Return the pace of one request; the same seed and ordinal give the same one.

    Args:
        profile: of the model, see `profile_of`.
        input_tokens: size of the prompt.
        load_factor: multiplies all times; 0 means no waiting at all.
        seed: of the simulator.
        ordinal: number of the request.
    """
    if load_factor <= 0:
        return NO_WAIT
    bits = digest(seed, ordinal, "latency")
    first_s = _draw(_curve(_key(profile.first_token_s)), _score(seed, ordinal, bits))
    first_s += input_tokens * profile.per_input_token_s
    mean_s, gaps = _gaps(_key(profile.token_gap_s))
    return Pace(first_s * load_factor, mean_s * load_factor, gaps, (bits >> 32) % _GAPS)


def profile_of(model: str, profiles: Mapping[str, LatencyProfile] = PROFILES) -> LatencyProfile:
    """Return the profile of a model, by its id."""
    return profiles.get(model) or profiles[DEFAULT]


def _draw(curve: _Curve, score: float) -> float:
    """Return the time that belongs to a normal score."""
    if len(curve) == 1:
        return math.exp(curve[0][1])
    last = len(curve) - 2
    at = next((n for n in range(last) if score < curve[n + 1][0]), last)
    (low, low_log), (high, high_log) = curve[at], curve[at + 1]
    return math.exp(low_log + (score - low) * (high_log - low_log) / (high - low))


def _score(seed: int, ordinal: int, bits: int) -> float:
    """Return the normal score of one request.

    Of so many requests in a row each has another share of the distribution, in an order that
    chance decides: so a few hundred requests meet the quantiles that independent draws would miss.
    """
    block, place = divmod(ordinal, _SHARES)
    start, step = _order_of(seed, block)
    share = (start + place * step) % _SHARES
    within = ((bits & 0xFFFFFFFF) + 0.5) / 2**32
    return _NORMAL.inv_cdf((share + within) / _SHARES)


@lru_cache(maxsize=16)
def _order_of(seed: int, block: int) -> tuple[int, int]:
    bits = digest(seed, block, "order")
    return bits % _SHARES, (bits // _SHARES % _SHARES) | 1  # an odd step meets every share


@lru_cache(maxsize=64)
def _gaps(times: _Key) -> tuple[float, tuple[float, ...]]:
    """Return the average gap, and equally likely gaps in units of it; none if all are equal."""
    curve = _curve(times)
    if len(curve) == 1:
        return _draw(curve, 0.0), ()
    drawn = [_draw(curve, _NORMAL.inv_cdf((n + 0.5) / _GAPS)) for n in range(_GAPS)]
    mean_s = sum(drawn) / _GAPS
    return mean_s, tuple(gap_s / mean_s for gap_s in drawn)

"""How long an answer takes: seeded, by model, as data."""

import math

import msgspec

from l9gate.simulator.chance import normal


class LatencyProfile(msgspec.Struct, frozen=True, kw_only=True):
    """Median pace of one model, and how much requests differ.

    One factor, log-normal with `log_sigma`, stretches a whole request.
    """

    first_token_s: float
    per_output_token_s: float
    per_input_token_s: float = 2e-6
    log_sigma: float = 0.25


class Pace(msgspec.Struct, frozen=True):
    """How long one answer takes: until its first token, and for each one after it."""

    first_token_s: float
    per_output_token_s: float

    def total_s(self, output_tokens: int) -> float:
        """Return the seconds until the last token."""
        return self.first_token_s + output_tokens * self.per_output_token_s


NO_WAIT = Pace(0.0, 0.0)
DEFAULT_PROFILE = LatencyProfile(first_token_s=0.6, per_output_token_s=0.008)
# Invented, but with plausible ratios; nothing that is measured on them says anything of a model.
PROFILES: dict[str, LatencyProfile] = {
    "claude-haiku-5-5": LatencyProfile(first_token_s=0.20, per_output_token_s=0.001),
    "claude-haiku-4-5-20251001": LatencyProfile(first_token_s=0.35, per_output_token_s=0.005),
    "claude-sonnet-5-5": LatencyProfile(first_token_s=0.50, per_output_token_s=0.006),
    "claude-opus-5-5": LatencyProfile(first_token_s=0.90, per_output_token_s=0.012),
}


def pace_of(model: str, input_tokens: int, load_factor: float, seed: int, ordinal: int) -> Pace:
    """Return the pace of one request; the same seed and ordinal give the same one.

    Args:
        model: id of the model.
        input_tokens: size of the prompt.
        load_factor: multiplies all times; 0 means no waiting at all.
        seed: of the simulator.
        ordinal: number of the request.
    """
    if load_factor <= 0:
        return NO_WAIT
    profile = PROFILES.get(model, DEFAULT_PROFILE)
    factor = load_factor * math.exp(profile.log_sigma * normal(seed, ordinal, "latency"))
    first_token_s = profile.first_token_s + input_tokens * profile.per_input_token_s
    return Pace(first_token_s * factor, profile.per_output_token_s * factor)

"""What a simulator is told."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from l9gate.errors import PlanError
from l9gate.simulator.keys import KeyRing
from l9gate.simulator.latency import DEFAULT, PROFILES, LatencyProfile
from l9gate.simulator.limits import Tier
from l9gate.simulator.profiles import STRICTNESSES, Strictness
from l9gate.simulator.rules import FaultRule
from l9gate.simulator.script import Plugin


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorConfig:
    """Everything that decides how a simulator answers; two with equal ones answer alike.

    Raises:
        PlanError: the load factor is no number from 0 on, the time factor none above 0, the
            strictness none of the two, or a rule's fault cannot be read.
    """

    seed: int = 0
    load_factor: float = 1.0  # multiplies all latencies; 0 answers at once
    keys: KeyRing | frozenset[str] | None = field(default=None, repr=False)  # None: any well-formed
    strictness: Strictness = "strict"  # whether rules of value hold, not only those of form
    answer: Plugin | None = None  # asked before the simulator's own script
    rules: tuple[FaultRule, ...] = ()
    tier: Tier = field(default_factory=Tier)
    latency: Mapping[str, LatencyProfile] = field(default_factory=lambda: PROFILES)
    takes_commands: bool = True  # whether the paths below `/_l9gate` work, on loopback
    allow_remote: bool = False  # whether it may listen beyond loopback
    time_factor: float = 1.0  # what expires ages so much faster; see `simulator.ageing`
    token_lifetime_s: float | None = None  # of access tokens, from their first use

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if not (math.isfinite(self.load_factor) and self.load_factor >= 0):
            raise PlanError(f"simulator: load factor {self.load_factor}, expected 0 or more")
        if not (math.isfinite(self.time_factor) and self.time_factor > 0):
            raise PlanError(f"simulator: time factor {self.time_factor}, expected more than 0")
        if self.strictness not in STRICTNESSES:
            known = " or ".join(f"`{name}`" for name in STRICTNESSES)
            raise PlanError(f"simulator: strictness `{self.strictness}`, expected {known}")
        if DEFAULT not in self.latency:
            raise PlanError(f"simulator: no latency profile `{DEFAULT}`, for models without one")

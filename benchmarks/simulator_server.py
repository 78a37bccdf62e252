"""The simulator as the benchmarks want it: rate limits out of the way, a pace if asked for.

A gap above 0 is that between any two events; one below 0 stands for a profile with quantiles.

Run: python benchmarks/simulator_server.py PORT LOAD_FACTOR GAP_S
"""

import sys

from l9gate.simulator.config import SimulatorConfig
from l9gate.simulator.latency import DEFAULT, PROFILES, LatencyProfile
from l9gate.simulator.limits import Tier
from l9gate.simulator.server import serve_forever

TOKENS_PER_EVENT = 6  # 24 characters of ASCII
HUGE = 10**12
PROFILE = LatencyProfile(
    first_token_s={"p50": 0.20, "p90": 0.30, "p99": 0.40},
    token_gap_s={"p50": 0.003, "p90": 0.004, "p99": 0.006},
)


def main() -> None:
    port, load_factor, gap_s = int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
    latency = PROFILES
    if gap_s > 0:
        latency = {DEFAULT: LatencyProfile(first_token_s=0.5, token_gap_s=gap_s / TOKENS_PER_EVENT)}
    elif gap_s < 0:
        latency = {DEFAULT: PROFILE}
    tier = Tier(requests_per_min=HUGE, input_tokens_per_min=HUGE, output_tokens_per_min=HUGE)
    config = SimulatorConfig(load_factor=load_factor, tier=tier, latency=latency)
    serve_forever(config, "127.0.0.1", port, lambda _: None)


if __name__ == "__main__":
    main()

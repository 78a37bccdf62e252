"""The simulator as a child process, for rehearsals."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from l9gate.net.child_server import child_server


@contextmanager
def simulator_process(
    *,
    seed: int,
    load_factor: float = 1.0,
    latency: Path | None = None,
    time_factor: float = 1.0,
    token_lifetime_s: float | None = None,
) -> Iterator[str]:
    """Start the simulator on a free loopback port and yield its base URL.

    Args:
        seed: of its answers.
        load_factor: multiplies every delay; 0 answers at once.
        latency: a file with the pace of models, instead of the shipped one.
        time_factor: what expires ages so much faster.
        token_lifetime_s: how long access tokens are good; None: always.

    Raises:
        EndpointUnreachableError: the child ended before it listened.
    """
    options = ["--port", "0", "--seed", str(seed), "--load-factor", str(load_factor)]
    options += ["--time-factor", str(time_factor)]
    if token_lifetime_s is not None:
        options += ["--token-lifetime", str(token_lifetime_s)]
    if latency is not None:
        options += ["--latency", str(latency)]
    with child_server("simulate", options) as simulator:
        yield simulator.base_url

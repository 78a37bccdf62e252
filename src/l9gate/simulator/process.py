"""The simulator as a child process, for rehearsals."""

from collections.abc import Iterator
from contextlib import contextmanager

from l9gate.net.child_server import child_server


@contextmanager
def simulator_process(*, seed: int, load_factor: float = 1.0) -> Iterator[str]:
    """Start the simulator on a free loopback port and yield its base URL.

    Raises:
        EndpointUnreachableError: the child ended before it listened.
    """
    options = ["--port", "0", "--seed", str(seed), "--load-factor", str(load_factor)]
    with child_server("simulate", options) as simulator:
        yield simulator.base_url

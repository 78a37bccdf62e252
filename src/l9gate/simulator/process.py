"""The simulator as a child process, for rehearsals."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from l9gate.errors import EndpointUnreachableError

STOP_S = 5.0


@contextmanager
def simulator_process(*, seed: int, load_factor: float = 1.0) -> Iterator[str]:
    """Start the simulator on a free loopback port and yield its base URL.

    The child also stops when its standard input closes, so it never outlives a killed parent.

    Raises:
        EndpointUnreachableError: the child ended before it listened.
    """
    command = [sys.executable, "-m", "l9gate", "simulate", "--port", "0", "--seed", str(seed)]
    command += ["--load-factor", str(load_factor), "--stop-with-stdin"]
    with subprocess.Popen(  # noqa: S603  # our own command
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdin is not None  # noqa: S101  # asked for above
        assert process.stdout is not None  # noqa: S101
        try:
            base_url = process.stdout.readline().strip()
            if not base_url.startswith("http"):
                raise EndpointUnreachableError(
                    f"the simulator did not start (exit status {process.wait()})"
                )
            yield base_url
        finally:
            process.stdin.close()
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()

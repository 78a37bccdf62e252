"""A server of ours as a child process: it prints its base URL first, and ends with its parent."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from l9gate.errors import EndpointUnreachableError

STOP_S = 10.0


class ChildServer:
    """One that listens."""

    def __init__(self, base_url: str, process: "subprocess.Popen[str]") -> None:
        self.base_url = base_url
        self._process = process

    @property
    def exit_status(self) -> int | None:
        """How it ended; None as long as it runs."""
        return self._process.returncode


@contextmanager
def child_server(
    command: str, options: Sequence[str], variables: Mapping[str, str] | None = None
) -> Iterator[ChildServer]:
    """Start a command of `l9gate` that serves, and stop it at the end.

    It also stops when its standard input closes, so it never outlives a killed parent.

    Args:
        command: its name, such as `simulate`.
        options: its words, besides `--stop-with-stdin`.
        variables: added to its environment.

    Raises:
        EndpointUnreachableError: the child ended before it listened.
    """
    words = [sys.executable, "-m", "l9gate", command, *options, "--stop-with-stdin"]
    with subprocess.Popen(  # noqa: S603  # our own command
        words,
        env={**os.environ, **(variables or {})},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdin is not None  # noqa: S101  # asked for above
        assert process.stdout is not None  # noqa: S101
        try:
            base_url = process.stdout.readline().strip()
            if not base_url.startswith("http"):
                raise EndpointUnreachableError(
                    f"`l9gate {command}` did not start (exit status {process.wait()})"
                )
            yield ChildServer(base_url, process)
        finally:
            process.stdin.close()
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

"""The recording proxy as a child process, for the layers of a run."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from l9gate.errors import EndpointUnreachableError, WriteError
from l9gate.store.account import Account

STOP_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyPlan:
    """What a run's proxy is told."""

    port: int = 0  # 0 for any free one
    otlp_port: int | None = None  # None: no receiver of spans


@contextmanager
def proxy_process(
    plan: ProxyPlan, *, upstream: str, run: Path, environment: str, account: Account | None
) -> Iterator[str]:
    """Start a proxy that records into a run and spends from its account; yield its base URL.

    The child also stops when its standard input closes, so it never outlives a killed parent.

    Raises:
        EndpointUnreachableError: the child ended before it listened.
        WriteError: it could not write all that it saw.
    """
    command = [sys.executable, "-m", "l9gate", "proxy", "--upstream", upstream]
    command += ["--port", str(plan.port), "--run", str(run), "--env", environment]
    if plan.otlp_port is not None:
        command += ["--otlp-port", str(plan.otlp_port)]
    with subprocess.Popen(  # noqa: S603  # our own command
        [*command, "--stop-with-stdin"],
        env={**os.environ, **({} if account is None else account.variables())},
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
                    f"the proxy did not start (exit status {process.wait()})"
                )
            yield base_url
        finally:
            process.stdin.close()
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
    if process.returncode != 0:
        raise WriteError(f"the proxy lost evidence (exit status {process.returncode})")

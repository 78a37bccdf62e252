"""The recording proxy as a child process, for the layers of a run."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from l9gate.errors import WriteError
from l9gate.net.child_server import child_server
from l9gate.store.account import Account


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

    Raises:
        EndpointUnreachableError: the child ended before it listened.
        WriteError: it could not write all that it saw.
    """
    options = ["--upstream", upstream, "--port", str(plan.port)]
    options += ["--run", str(run), "--env", environment]
    if plan.otlp_port is not None:
        options += ["--otlp-port", str(plan.otlp_port)]
    with child_server("proxy", options, {} if account is None else account.variables()) as proxy:
        yield proxy.base_url
    if proxy.exit_status != 0:
        raise WriteError(f"the proxy lost evidence (exit status {proxy.exit_status})")

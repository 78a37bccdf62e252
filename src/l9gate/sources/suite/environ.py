"""The environment variables that a layer's tests are started with."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from l9gate.store.account import ACCOUNT_VARIABLE, LEDGER_VARIABLE

KEY_VARIABLE = "ANTHROPIC_API_KEY"
PREFLIGHT = "L9GATE_PREFLIGHT"  # "done" in a session that the gate started
_CREDENTIALS = (KEY_VARIABLE, "ANTHROPIC_AUTH_TOKEN")


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteTarget:
    """Where a layer's tests send their calls, and as whom."""

    environment: str
    base_url: str
    key: str = field(repr=False)
    key_variable: str = KEY_VARIABLE
    is_rehearsal: bool = False
    proxy_url: str | None = None  # of the run's proxy, if `base_url` is that


def real_environ(
    environ: Mapping[str, str], target: SuiteTarget, secrets: Iterable[str], run: Path
) -> dict[str, str]:
    """Return the variables for a real layer: one key, one endpoint, one run folder.

    Args:
        environ: what we were started with.
        target: the endpoint and the key that every credential variable is replaced by.
        secrets: names of all key variables that the project declares; the others are removed, so
            that no test can reach an environment that this run does not judge.
        run: the run folder.
    """
    child = _without(environ, secrets)
    child[KEY_VARIABLE] = child[target.key_variable] = target.key
    child["ANTHROPIC_BASE_URL"] = target.base_url
    child[PREFLIGHT] = "done"
    child.pop("L9GATE_PROXY", None)
    if target.proxy_url is not None:
        child["L9GATE_PROXY"] = target.proxy_url
    if target.is_rehearsal:
        child["L9GATE_REHEARSAL"] = "1"
    return child | _addressed(target.environment, run)


def unit_environ(
    environ: Mapping[str, str], environment: str, secrets: Iterable[str], run: Path
) -> dict[str, str]:
    """Return the variables for the unit layer: no key at all."""
    return _without(environ, secrets) | _addressed(environment, run)


def _without(environ: Mapping[str, str], secrets: Iterable[str]) -> dict[str, str]:
    hidden = {*_CREDENTIALS, *secrets, LEDGER_VARIABLE, ACCOUNT_VARIABLE}
    return {name: value for name, value in environ.items() if name not in hidden}


def _addressed(environment: str, run: Path) -> dict[str, str]:
    return {"L9GATE_ENV": environment, "L9GATE_RUN": str(run), "PYTHONUNBUFFERED": "1"}

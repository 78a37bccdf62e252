"""Where the calls of a run go, and who pays for them."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext

from l9gate.evidence.records import Origin
from l9gate.gate.money import check_budget, spending
from l9gate.gate.request import RunRequest
from l9gate.net.preflight import check_endpoint
from l9gate.simulator.process import simulator_process
from l9gate.sources.bench import Bench
from l9gate.sources.suite.environ import SuiteTarget
from l9gate.store.account import Account
from l9gate.store.caps import Caps
from l9gate.store.environments import Environment
from l9gate.store.run import RunFolder

REHEARSAL_KEY = "sk-rehearsal-no-secret"


@contextmanager
def open_target(request: RunRequest, environ: Mapping[str, str]) -> Iterator[SuiteTarget | None]:
    """Yield where calls are sent; None if nothing in the run calls the API.

    Raises:
        DependencyError: there is no key, it is refused, or nothing answers.
    """
    if not request.calls_api:
        yield None
    elif request.kind is Origin.SIMULATED:
        with simulator_process(
            seed=request.seed,
            load_factor=request.load_factor,
            latency=request.latency,
            time_factor=request.time_factor,
            token_lifetime_s=request.token_lifetime_s,
        ) as base_url:
            yield SuiteTarget(
                environment=request.environment.name,
                base_url=base_url,
                key=REHEARSAL_KEY,
                key_variable=request.environment.key_variable,
                is_rehearsal=True,
            )
    else:
        yield live_target(request.environment, environ)


def live_target(environment: Environment, environ: Mapping[str, str]) -> SuiteTarget:
    """Return an environment's endpoint and key, once they were shown to work.

    Raises:
        DependencyError: there is no key, it is refused, or nothing answers.
    """
    target = SuiteTarget(
        environment=environment.name,
        base_url=environment.url(environ),
        key=environment.key(environ),
        key_variable=environment.key_variable,
    )
    check_endpoint(target.base_url, target.key, environment.key_source(environ))
    return target


def caps_of_run(request: RunRequest) -> Caps:
    """Return what a run may spend, once its model has a price; a layer of mocks needs neither.

    Raises:
        BudgetError: the model has no known price, so that nothing could be sent.
    """
    if not request.calls_api:
        return Caps()
    return check_budget(request.settings, request.environment, request.kind, request.budget_usd)


def account_of_run(
    request: RunRequest, caps: Caps, folder: RunFolder, bench: Bench, *, is_resumed: bool = False
) -> AbstractContextManager[Account | None]:
    """Return the money of a run; none if nothing in it may call the API."""
    if not request.calls_api:
        return nullcontext()
    run = folder.path.name
    return spending(request.settings, request.kind, caps, run, bench, is_resumed=is_resumed)

"""Asks an endpoint the contract's questions: finds it, its key and who pays."""

import asyncio
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import Origin
from l9gate.gate.money import check_budget, spending
from l9gate.gate.request import Say
from l9gate.gate.target import REHEARSAL_KEY
from l9gate.measure.clock import SystemClock
from l9gate.net.preflight import check_endpoint, endpoint_of
from l9gate.simulator.process import simulator_process
from l9gate.sources.bench import Bench
from l9gate.sources.probe.collect import ProbeAnswer, ask
from l9gate.sources.probe.plan import LIMIT_S, ProbePlan
from l9gate.sources.probe.questions import CHEAPEST_MODEL, questions_for
from l9gate.store.environments import Environment, check_url
from l9gate.store.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeRequest:
    """Whom to ask, and how often."""

    settings: Settings
    environment: Environment
    url: str | None = None  # another endpoint, asked with the environment's key
    model: str | None = None
    repeats: int = 1
    seed: int = 1  # of the simulator
    is_rehearsal: bool = False
    budget_usd: float | None = None

    @property
    def asked_model(self) -> str:
        """The model that is asked."""
        return self.model or self.settings.model or CHEAPEST_MODEL


@dataclass(frozen=True, slots=True)
class Probed:
    """What was asked and what came back."""

    place: str  # scheme, host and port
    answers: tuple[ProbeAnswer, ...]


def probe(request: ProbeRequest, environ: Mapping[str, str], say: Say) -> Probed:
    """Ask every question; live, what that costs is reserved first.

    Raises:
        DependencyError: there is no key, it is refused, or nothing answers.
        BudgetError: a call was not allowed.
        SettingsError: the URL is none.
    """
    kind = Origin.SIMULATED if request.is_rehearsal else Origin.LIVE
    clock = SystemClock()
    bench = Bench(clock=clock, seed=request.seed, sink=MemoryLog(), say=say)
    with _target(request, environ) as (base_url, key):
        questions = questions_for(request.asked_model)
        say(f"{len(questions)} probes to {endpoint_of(base_url)}, {request.repeats} of each")
        caps = check_budget(request.settings, request.environment, kind, request.budget_usd)
        name = f"contract-{uuid.uuid4().hex[:8]}"
        paying = (
            nullcontext()
            if request.is_rehearsal
            else spending(request.settings, kind, caps, name, bench)
        )
        with paying as account:
            plan = ProbePlan(
                base_url=base_url,
                key=key,
                questions=questions,
                repeats=request.repeats,
                account=account,
                limit_s=LIMIT_S * request.repeats,
            )
            answers = asyncio.run(ask(plan, clock))
    return Probed("the simulator" if request.is_rehearsal else endpoint_of(base_url), (*answers,))


@contextmanager
def _target(request: ProbeRequest, environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    if request.is_rehearsal:
        with simulator_process(seed=request.seed, load_factor=0.0) as base_url:
            yield base_url, REHEARSAL_KEY
        return
    environment = request.environment
    url = environment.url(environ) if request.url is None else check_url(request.url, "--url")
    key, source = environment.key(environ), environment.key_source(environ)
    check_endpoint(url, key, source)
    yield url, key

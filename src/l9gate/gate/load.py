"""A load to a run folder and a verdict: finds endpoint, key and money, sends, judges."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from l9gate.criteria.policy import Policy, parse_policy, policy_text_of
from l9gate.criteria.quantities import BY_NAME, PaceOf
from l9gate.criteria.stopping import sampled
from l9gate.criteria.threshold import Threshold
from l9gate.drive import order
from l9gate.drive.arrivals import Arrivals, Closed
from l9gate.drive.caller import Caller
from l9gate.drive.order import LoadOrder, arrivals_of, workload_of
from l9gate.drive.plan import Drive
from l9gate.drive.workload import Workload
from l9gate.errors import InterruptedRunError
from l9gate.evidence.load import Entry, Source
from l9gate.evidence.records import Origin
from l9gate.gate.collecting import collect_until_done
from l9gate.gate.judgement import Judgement, judge
from l9gate.gate.load_app import application_environ, project_modules, witnessed_caller
from l9gate.gate.load_progress import LoadProgress
from l9gate.gate.request import RunRequest, Say, describe_request, manifest_of, scope_of_request
from l9gate.gate.target import account_of_run, caps_of_run, open_target
from l9gate.measure.clock import SystemClock
from l9gate.net.loops import find_loop_factory
from l9gate.sources.bench import Bench
from l9gate.sources.load.collect import collect
from l9gate.sources.load.plan import HERE, Asked, LoadAssignment, Place
from l9gate.sources.suite.environ import SuiteTarget, real_environ
from l9gate.store.account import Account
from l9gate.store.run import create_run

NOWHERE = SuiteTarget(environment="", base_url="http://127.0.0.1", key="")  # nothing is sent
CHEAPEST_MODEL = "claude-haiku-5-5"  # called where a project does not say which one it calls


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadRequest:
    """What `l9gate load` was asked for."""

    run: RunRequest
    rate: str = "poisson 1/s"
    duration_s: float = 60.0
    stream: bool = False
    workload: str | None = None  # a file or `package.module:function`; None: the smallest call
    entry: Entry = Entry.WIRE
    app: str | None = None  # `package.module:function`, for entry "app"
    timeout_s: float = 60.0
    warm_up: int = 0
    control_every_s: float | None = None
    proxy: str | None = None
    place: Place = HERE

    @property
    def model(self) -> str:
        """The model that calls name which are not from a workload."""
        return self.run.model or self.run.settings.model or CHEAPEST_MODEL


def load(request: LoadRequest, environ: Mapping[str, str], say: Say) -> Judgement:
    """Send calls at a rate for a while, then judge what came of them.

    Raises:
        UsageError: the rate is none.
        PlanError: the workload cannot be read.
        DependencyError: key or endpoint is missing or refuses; nothing was sent.
        BudgetError: the budget allowed not even the first call.
        InterruptedRunError: stopped from outside; what was measured is kept.
        WriteError: the run folder cannot be written.
    """
    policy_text, policy = _policy_of(request.run)
    run = replace(
        request.run,
        stopping=request.run.stopping or policy.stopping,
        sources=(Source.LOAD,),
        model=request.model,
        share=request.place.share,
    )
    caps = caps_of_run(run)
    with ExitStack() as stack:
        stack.enter_context(project_modules(run.settings.root))
        make_arrivals(request)  # what is wrong with rate or workload is told before anything starts
        target = stack.enter_context(open_target(run, environ))
        assert target is not None  # noqa: S101  # a source always calls the API
        folder = create_run(run.settings.runs, manifest_of(run, target.base_url), policy_text)
        say(f"run {folder.path.name}: {describe_request(run, target.base_url)}")
        sink = stack.enter_context(closing(folder.writer("gate")))
        bench = Bench(clock=SystemClock(), seed=run.seed, sink=sink, say=say)
        account = stack.enter_context(account_of_run(run, caps, folder, bench))
        child = real_environ(environ, target, run.settings.key_variables(), folder.path)
        assignment = LoadAssignment(
            order=order_of(request, target),
            asked=_asked(run, policy),
            key=target.key,
            account=account,
            place=request.place,
            run=folder.path,
            environ=child if account is None else child | account.variables(),
            on_progress=LoadProgress(say, account).show,
        )
        if request.entry is not Entry.WIRE:
            caller = stack.enter_context(_caller(assignment, run, bench))
            assignment = replace(assignment, caller=caller)
        _carry_out(assignment, bench, folder.path)
    folder.seal()
    return judge([folder.path])


def make_workload(request: LoadRequest) -> Workload:
    """Return what is sent.

    Raises:
        PlanError: there is no such file or function, or it holds no request.
    """
    return workload_of(order_of(request, NOWHERE))


def make_arrivals(request: LoadRequest) -> Arrivals | Closed:
    """Return when it is sent.

    Raises:
        UsageError: the rate says nothing that is known.
        PlanError: a recorded rate was asked for, and the workload has no times.
    """
    return arrivals_of(order_of(request, NOWHERE), make_workload(request))


def drive_of(
    request: LoadRequest,
    target: SuiteTarget,
    account: Account | None,
    what: tuple[Arrivals | Closed, Workload],
) -> Drive:
    """Return the load as the driver takes it, with what was made of its rate and workload."""
    drive = order.drive_of(order_of(request, target), target.key, account=account)
    return replace(drive, arrivals=what[0], workload=what[1])


def _policy_of(run: RunRequest) -> tuple[str, Policy]:
    chosen = run.policy or run.settings.policy
    text = policy_text_of(chosen)
    return text, parse_policy(text, str(chosen or "the default policy"))


@contextmanager
def _caller(assignment: LoadAssignment, run: RunRequest, bench: Bench) -> Iterator[Caller]:
    """Yield what carries out the application's operations, or the SDK's calls, in this process."""
    with (
        application_environ(assignment.environ),
        witnessed_caller(assignment.order, run, bench, assignment.account) as caller,
    ):
        yield caller


def _carry_out(assignment: LoadAssignment, bench: Bench, path: Path) -> None:
    try:
        with asyncio.Runner(loop_factory=find_loop_factory()) as runner:
            runner.run(collect_until_done(collect(assignment, bench), Source.LOAD, bench))
    except (asyncio.CancelledError, KeyboardInterrupt):
        raise InterruptedRunError(
            "interrupted; what was measured is kept", hint=f"l9gate judge {path}"
        ) from None


def order_of(request: LoadRequest, target: SuiteTarget) -> LoadOrder:
    """Return the load in words, for whoever carries it out."""
    return LoadOrder(
        base_url=target.base_url,
        rate=request.rate,
        duration_s=request.duration_s,
        seed=request.run.seed,
        model=request.model,
        stream=request.stream,
        workload=request.workload,
        entry=request.entry,
        call=request.app,
        span=Source.LOAD,
        timeout_s=request.timeout_s,
        proxy=request.proxy,
        origin=Origin.SIMULATED if target.is_rehearsal else Origin.LIVE,
        proof_header=request.run.environment.request_id_header,
        warm_up=request.warm_up,
        control_every_s=request.control_every_s,
    )


def _asked(run: RunRequest, policy: Policy) -> Asked:
    """Return what is asked of the load, so that it can end once that is certain."""
    scope = scope_of_request(run, policy)
    asked = policy.asked(scope)
    paces = [
        one.min_window_s
        for one in asked
        if isinstance(one, Threshold) and isinstance(BY_NAME[one.condition.quantity], PaceOf)
    ]
    return Asked(
        criteria=tuple(sampled(asked, scope)), scope=scope, least_s=max(paces, default=0.0)
    )

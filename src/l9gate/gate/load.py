"""A load to a run folder and a verdict: finds endpoint, key and money, sends, judges."""

import asyncio
import signal
from collections.abc import Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace

from l9gate.criteria.criterion import Scope
from l9gate.criteria.policy import Policy, parse_policy, policy_text_of
from l9gate.criteria.quantities import BY_NAME, PaceOf
from l9gate.criteria.stopping import sampled
from l9gate.criteria.threshold import Threshold
from l9gate.drive.arrivals import Arrivals, Closed, Recorded, parse_arrivals
from l9gate.drive.plan import Drive, Wire
from l9gate.drive.workload import Job, Workload, load_workload, minimal
from l9gate.errors import InterruptedRunError, L9gateError, UsageError
from l9gate.evidence.load import Entry, Source
from l9gate.evidence.records import Fault, Origin
from l9gate.gate.judgement import Judgement, judge
from l9gate.gate.load_progress import LoadProgress
from l9gate.gate.request import RunRequest, Say, describe_request, manifest_of
from l9gate.gate.target import account_of_run, caps_of_run, open_target
from l9gate.measure.clock import SystemClock
from l9gate.net.loops import find_loop_factory
from l9gate.sources.bench import Bench
from l9gate.sources.load.collect import collect
from l9gate.sources.load.plan import LoadOrders
from l9gate.sources.suite.environ import SuiteTarget
from l9gate.store.account import Account
from l9gate.store.run import create_run

CHEAPEST_MODEL = "claude-haiku-5-5"  # called where a project does not say which one it calls
RECORDED = "recorded"


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
    chosen = request.run.policy or request.run.settings.policy
    policy_text = policy_text_of(chosen)
    policy = parse_policy(policy_text, str(chosen or "the default policy"))
    run = replace(
        request.run,
        stopping=request.run.stopping or policy.stopping,
        sources=(Source.LOAD,),
        model=request.model,
    )
    workload, arrivals = make_workload(request), make_arrivals(request)
    caps = caps_of_run(run)
    with open_target(run, environ) as target:
        assert target is not None  # noqa: S101  # a source always calls the API
        folder = create_run(run.settings.runs, manifest_of(run, target.base_url), policy_text)
        say(f"run {folder.path.name}: {describe_request(run, target.base_url)}")
        with closing(folder.writer("gate")) as sink, ExitStack() as stack:
            bench = Bench(clock=SystemClock(), seed=run.seed, sink=sink, say=say)
            account = stack.enter_context(account_of_run(run, caps, folder, bench))
            drive = drive_of(request, target, account, (arrivals, workload))
            orders = _orders(drive, run, policy, LoadProgress(say, account))
            try:
                with asyncio.Runner(loop_factory=find_loop_factory()) as runner:
                    runner.run(_collect(orders, bench))
            except (asyncio.CancelledError, KeyboardInterrupt):
                raise InterruptedRunError(
                    "interrupted; what was measured is kept",
                    hint=f"l9gate judge {folder.path}",
                ) from None
    folder.seal()
    return judge([folder.path])


def make_workload(request: LoadRequest) -> Workload:
    """Return what is sent.

    Raises:
        PlanError: there is no such file or function, or it holds no request.
    """
    if request.workload is None:
        return minimal(request.model, stream=request.stream)
    return load_workload(request.workload)


def make_arrivals(request: LoadRequest) -> Arrivals | Closed:
    """Return when calls are sent.

    Raises:
        UsageError: the rate says nothing that is known.
        PlanError: a recorded rate was asked for, and the workload has no times.
    """
    if request.rate.strip().lower() != RECORDED:
        return parse_arrivals(request.rate, request.duration_s)
    times_s = make_workload(request).times_s
    if times_s is None:
        raise UsageError(
            "`--rate recorded` needs a workload with times",
            hint='give every line one: `{"at_s": 0.5, "body": {…}}`',
        )
    return Recorded(times_s)


def drive_of(
    request: LoadRequest,
    target: SuiteTarget,
    account: Account | None,
    what: tuple[Arrivals | Closed, Workload],
) -> Drive:
    """Return the load as the driver takes it."""
    arrivals, workload = what
    environment = request.run.environment
    control: Job | None = None
    if request.control_every_s is not None:
        control = minimal(request.model, stream=request.stream).made[0]
    return Drive(
        wire=Wire(
            base_url=target.base_url,
            key=target.key,
            timeout_s=request.timeout_s,
            proxy=request.proxy,
            origin=Origin.SIMULATED if target.is_rehearsal else Origin.LIVE,
            proof_header=environment.request_id_header,
        ),
        arrivals=arrivals,
        workload=workload,
        entry=request.entry,
        span=Source.LOAD,
        seed=request.run.seed,
        warm_up=request.warm_up,
        control=control,
        control_every_s=request.control_every_s,
        account=account,
    )


def _orders(drive: Drive, run: RunRequest, policy: Policy, progress: LoadProgress) -> LoadOrders:
    """Return the load with what is asked of it."""
    scope = Scope(
        layers=run.layers,
        kind=run.kind,
        environment=run.environment.name,
        alpha=policy.alpha,
        sources=run.sources,
        **({} if run.stopping is None else {"stopping": run.stopping}),
    )
    asked = policy.asked(scope)
    paces = [
        one.min_window_s
        for one in asked
        if isinstance(one, Threshold) and isinstance(BY_NAME[one.condition.quantity], PaceOf)
    ]
    return LoadOrders(
        drive=drive,
        criteria=tuple(sampled(asked, scope)),
        scope=scope,
        least_s=max(paces, default=0.0),
        on_progress=progress.show,
    )


async def _collect(orders: LoadOrders, bench: Bench) -> None:
    """Collect until the end; SIGINT and SIGTERM cancel, and the source still closes."""
    task = asyncio.current_task()
    assert task is not None  # noqa: S101  # inside a runner
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    try:
        await collect(orders, bench)
    except L9gateError:
        raise
    except Exception as error:  # noqa: BLE001  # a source that crashes is a record
        now_s = bench.clock.now_s()
        where = f"sources.{Source.LOAD}"
        bench.sink.put(Fault(at_s=now_s, where=where, error_class=type(error).__name__))

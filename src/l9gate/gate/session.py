"""Layers of tests to a run folder: the part of the flow that acts."""

import asyncio
import signal
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing
from dataclasses import replace
from pathlib import Path

from l9gate.criteria.policy import parse_policy, policy_text_of
from l9gate.errors import InterruptedRunError, L9gateError
from l9gate.evidence.records import Budget, EndReason, Fault, Layer, LayerRun, SourceEnd
from l9gate.gate.control import known_control
from l9gate.gate.judgement import Judgement, judge
from l9gate.gate.proxying import is_proxied, through_proxy
from l9gate.gate.rehearsal import note_conduct
from l9gate.gate.request import RunRequest, Say, describe_request, manifest_of
from l9gate.gate.target import account_of_run, caps_of_run, live_target, open_target
from l9gate.measure.clock import SystemClock
from l9gate.sources.bench import Bench
from l9gate.sources.suite.collect import BUDGET, collect, put_end
from l9gate.sources.suite.environ import SuiteTarget, real_environ, unit_environ
from l9gate.sources.suite.plan import SuitePlan
from l9gate.store.account import Account
from l9gate.store.history import last_runtime_s
from l9gate.store.run import RunFolder, create_run, open_run
from l9gate.store.settings import Settings

PROGRESS_S = 5.0


def run(request: RunRequest, environ: Mapping[str, str], say: Say) -> Judgement:
    """Run the layers one after another, then judge them.

    Raises:
        DependencyError: key or endpoint is missing or refuses; nothing was judged.
        BudgetError: the budget allowed not even the first call; nothing was judged.
        InterruptedRunError: stopped from outside; the partial run is kept.
        ConfigError: the policy or a layer's path is wrong.
        WriteError: the run folder cannot be written.
    """
    chosen = request.policy or request.settings.policy
    policy_text = policy_text_of(chosen)
    policy = parse_policy(policy_text, str(chosen or "the default policy"))
    request = replace(request, stopping=request.stopping or policy.stopping)
    caps = caps_of_run(request)
    with open_target(request, environ) as target:
        endpoint = target.base_url if target else request.environment.url(environ)
        folder = create_run(request.settings.runs, manifest_of(request, endpoint), policy_text)
        _put_control(request.settings, policy_text, folder)
        say(f"run {folder.path.name}: {describe_request(request, endpoint)}")
        with closing(folder.writer("gate")) as sink, ExitStack() as stack:
            bench = Bench(clock=SystemClock(), seed=request.seed, sink=sink, say=say)
            account = stack.enter_context(account_of_run(request, caps, folder, bench))
            with _through_proxy(request, target, folder, account) as proxied:
                plans = _plans(request, environ, (target, proxied), folder.path)
                try:
                    asyncio.run(_collect_layers(_funded(plans, account), bench, folder))
                except (asyncio.CancelledError, KeyboardInterrupt):
                    raise InterruptedRunError(
                        "interrupted; what was measured is kept",
                        hint=f"l9gate judge {folder.path}",
                    ) from None
            if target is not None and target.is_rehearsal:
                note_conduct(target.base_url, bench)
    folder.seal()
    return judge([folder.path])


def require_endpoint(settings: Settings, environment_name: str, environ: Mapping[str, str]) -> None:
    """Return if the environment has a key that its endpoint accepts.

    Raises:
        DependencyError: there is no key, the key is refused, or nothing answers.
    """
    live_target(settings.environment(environment_name), environ)


def begin_direct_run(
    settings: Settings, environ: Mapping[str, str], environment_name: str, layers: Sequence[Layer]
) -> Path:
    """Create the run folder of a pytest session that nobody but its user started."""
    environment = settings.environment(environment_name)
    text = policy_text_of(settings.policy)
    policy = parse_policy(text, str(settings.policy or "default policy"))
    request = RunRequest(
        settings=settings,
        layers=tuple(layers),
        environment=environment,
        stopping=policy.stopping,
    )
    folder = create_run(settings.runs, manifest_of(request, environment.url(environ)), text)
    _put_control(settings, text, folder)
    return folder.path


def finish_direct_run(path: Path) -> Judgement:
    """Close, seal and judge the run of a pytest session that nobody but its user started."""
    folder = open_run(path)
    with folder.read() as log:
        ends = {entry.layer: entry for entry in log.of(LayerRun)}
        refusals = [entry.refusal for entry in log.of(Budget) if entry.refusal is not None]
    with folder.writer("gate") as sink:
        for layer, entry in ends.items():
            ended = entry.exit_status in {0, 1}
            reason = EndReason.COMPLETED if ended else EndReason.STOPPED
            detail = None
            if refusals and not ended:
                reason, detail = EndReason.LIMIT_REACHED, f"{BUDGET}: {refusals[0]}"
            source = f"suite.{layer}"
            sink.put(SourceEnd(at_s=entry.ended_s, source=source, reason=reason, detail=detail))
    folder.seal()
    return judge([path])


def _through_proxy(
    request: RunRequest, target: SuiteTarget | None, folder: RunFolder, account: Account | None
) -> AbstractContextManager[SuiteTarget | None]:
    """Return a context with where proxied layers send their calls."""
    settings, plan = request.settings, request.proxy
    is_wanted = any(is_proxied(settings, plan, layer) for layer in request.layers)
    return through_proxy(target, plan, folder, account, is_wanted=is_wanted)


def _plans(
    request: RunRequest,
    environ: Mapping[str, str],
    targets: tuple[SuiteTarget | None, SuiteTarget | None],
    run_path: Path,
) -> list[SuitePlan]:
    settings = request.settings
    secrets = settings.key_variables()
    narrowing = ("-k", request.narrowed) if request.narrowed else ()
    plans = []
    for layer in request.layers:
        declared = settings.layers.get(layer)
        target = targets[is_proxied(settings, request.proxy, layer)]
        if layer.is_real and target is not None:
            child = real_environ(environ, target, secrets, run_path)
        else:
            child = unit_environ(environ, request.environment.name, secrets, run_path)
        plans.append(
            SuitePlan(
                layer=layer,
                root=settings.root,
                paths=declared.paths if declared else (),
                marker=declared.marker if declared else None,
                arguments=(*(declared.arguments if declared else ()), *narrowing),
                environ=child,
            )
        )
    return plans


def _funded(plans: Sequence[SuitePlan], account: Account | None) -> list[SuitePlan]:
    """Return the plans with the account that pays for those of the real layers."""
    if account is None:
        return list(plans)
    variables = account.variables()
    return [
        replace(plan, environ={**plan.environ, **variables}, account=account)
        if plan.layer.is_real
        else plan
        for plan in plans
    ]


async def _collect_layers(plans: Sequence[SuitePlan], bench: Bench, folder: RunFolder) -> None:
    """Run the plans in order; SIGINT and SIGTERM cancel, and every source still closes."""
    task = asyncio.current_task()
    assert task is not None  # noqa: S101  # inside asyncio.run
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    for index, plan in enumerate(plans, 1):
        if plan.layer.is_real and _is_decided(folder):
            put_end(bench, plan, EndReason.DECIDED, "not started: it could not change the verdict")
            continue
        bench.say(f"[{index}/{len(plans)}] {plan.layer}: pytest {' '.join(plan.paths)}")
        pulse = asyncio.create_task(_report_progress(plan, bench, folder))
        try:
            await collect(plan, bench)
        except L9gateError:
            raise
        except Exception as error:  # noqa: BLE001  # a source that crashes is a record
            now_s = bench.clock.now_s()
            where = f"sources.suite.{plan.layer}"
            bench.sink.put(Fault(at_s=now_s, where=where, error_class=type(error).__name__))
        finally:
            pulse.cancel()


def _is_decided(folder: RunFolder) -> bool:
    """Whether a layer ended because a criterion is broken whatever else is measured."""
    with folder.read() as log:
        return any(end.reason is EndReason.DECIDED for end in log.of(SourceEnd))


async def _report_progress(plan: SuitePlan, bench: Bench, folder: RunFolder) -> None:
    started_s = bench.clock.now_s()
    before = folder.count_records()
    last_s = last_runtime_s(folder.path.parent, plan.layer)
    while True:
        await asyncio.sleep(PROGRESS_S)
        now = folder.count_records()
        grown = {kind: now.get(kind, 0) - before.get(kind, 0) for kind in ("test", "exchange")}
        elapsed_s = bench.clock.now_s() - started_s
        rate_per_s = grown["exchange"] / elapsed_s
        left = "" if last_s is None else f", about {max(last_s - elapsed_s, 0):.0f} s left"
        bench.say(
            f"  {plan.layer}: {elapsed_s:.0f} s{left} · {grown['test']} tests · "
            f"{grown['exchange']} calls ({rate_per_s:.1f}/s)"
        )


def _put_control(settings: Settings, policy_text: str, folder: RunFolder) -> None:
    """Put the negative control of these very tests, if there is one."""
    known = known_control(settings, policy_text)
    if known is not None:
        with closing(folder.writer("control")) as sink:
            sink.put(known)

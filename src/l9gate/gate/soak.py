"""A soak to a run folder and a verdict: starts what is watched, sends, reads, judges."""

import asyncio
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from l9gate.criteria.criterion import Role, Scope, State
from l9gate.criteria.policy import Policy, parse_policy, policy_text_of
from l9gate.criteria.quantities import BY_NAME, Trended
from l9gate.criteria.standing import Standing
from l9gate.criteria.threshold import Threshold
from l9gate.drive.order import LoadOrder, arrivals_of, drive_of, workload_of
from l9gate.drive.plan import Drive
from l9gate.evidence.gauges import MEMORY
from l9gate.evidence.load import Entry, Source
from l9gate.evidence.records import Gauge
from l9gate.gate.blame import find_allocations
from l9gate.gate.collecting import collect_until_done
from l9gate.gate.judgement import Judgement, judge
from l9gate.gate.load_app import application_environ, project_modules, witnessed_caller
from l9gate.gate.request import RunRequest, Say, describe_request, manifest_of, scope_of_request
from l9gate.gate.soak_asked import SoakAsked, read_asked, write_asked
from l9gate.gate.soak_progress import SoakProgress
from l9gate.gate.soaked import Soaked, running_command
from l9gate.gate.target import account_of_run, caps_of_run, open_target
from l9gate.measure.clock import SystemClock
from l9gate.measure.sequential import Stopping
from l9gate.measure.trend import without_gaps
from l9gate.net.loops import find_loop_factory
from l9gate.sources.bench import Bench
from l9gate.sources.soak.collect import collect
from l9gate.sources.soak.plan import SoakOrders
from l9gate.sources.soak.watched import Watched
from l9gate.sources.suite.environ import SuiteTarget, real_environ
from l9gate.store.run import RunFolder, create_run, open_run
from l9gate.store.settings import Settings
from l9gate.wire.redaction import Redactor

LOOKS = 20  # while a soak runs
LEAST_LOOK_S, MOST_LOOK_S = 2.0, 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SoakResult:
    """What came of a soak; an interrupted one was judged by what there is, and can be resumed."""

    judgement: Judgement
    is_interrupted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Soak:
    """One soak, or what is left of it."""

    asked: SoakAsked
    run: RunRequest
    folder: RunFolder
    policy: Policy
    order: LoadOrder
    before: tuple[Gauge, ...] = ()
    is_resumed: bool = False


def soak(
    settings: Settings,
    asked: SoakAsked,
    environ: Mapping[str, str],
    say: Say,
    policy_file: Path | None = None,
) -> SoakResult:
    """Keep up a load for a long time, watch a process beside it, and judge what came of both.

    Raises:
        UsageError: nothing is to be watched, or the rate is none.
        PlanError: the workload cannot be read, the command not started, the process not watched.
        DependencyError: key or endpoint is missing or refuses; nothing was sent.
        BudgetError: the budget allowed not even the first call.
        WriteError: the run folder cannot be written.
    """
    asked.check()
    chosen = policy_file or settings.policy
    text = policy_text_of(chosen)
    policy = parse_policy(text, str(chosen or "the default policy"))
    run = asked.run_request(settings, policy, policy_file)
    with project_modules(settings.root):
        trial = asked.order(run, "http://127.0.0.1", asked.duration_s)
        arrivals_of(trial, workload_of(trial))  # what is wrong is told before anything starts
        with open_target(run, environ) as target:
            assert target is not None  # noqa: S101  # a source always calls the API
            folder = create_run(settings.runs, manifest_of(run, target.base_url), text)
            write_asked(folder, asked, Redactor.of_environ(environ, settings.key_variables()))
            say(f"run {folder.path.name}: {describe_request(run, target.base_url)}")
            order = asked.order(run, target.base_url, asked.duration_s)
            part = _Soak(asked=asked, run=run, folder=folder, policy=policy, order=order)
            return _carry_out(part, target, environ, say)


def resume_soak(path: Path, settings: Settings, environ: Mapping[str, str], say: Say) -> SoakResult:
    """Go on with a soak that was interrupted or killed; the gap in time stays a gap.

    Raises:
        RunDataError: the run is no soak, is finished, or is damaged.
    """
    folder = open_run(path)
    asked = read_asked(folder)
    policy = parse_policy(folder.policy_text(), str(path / "policy.toml"))
    with folder.read() as log:
        before = tuple(log.of(Gauge))
    left_s = max(asked.duration_s - observed_s(before), asked.reads_every_s)
    run = asked.run_request(settings, policy, None)
    with project_modules(settings.root), open_target(run, environ) as target:
        assert target is not None  # noqa: S101  # a source always calls the API
        say(f"run {path.name}: {left_s:.0f} s of {asked.duration_s:.0f} s are left")
        order = asked.order(run, target.base_url, left_s)
        part = _Soak(
            asked=asked,
            run=run,
            folder=folder,
            policy=policy,
            order=order,
            before=before,
            is_resumed=True,
        )
        return _carry_out(part, target, environ, say)


def observed_s(gauges: tuple[Gauge, ...]) -> float:
    """Return for how long memory was read, gaps left out."""
    times = sorted(one.at_s for one in gauges if one.name == MEMORY)
    return float(without_gaps(times)[-1]) if times else 0.0


def _carry_out(
    part: _Soak, target: SuiteTarget, environ: Mapping[str, str], say: Say
) -> SoakResult:
    """Send, read and judge; only a soak that came to its end is sealed."""
    run, path = part.run, part.folder.path
    with ExitStack() as stack:
        sink = stack.enter_context(closing(part.folder.writer("gate")))
        bench = Bench(clock=SystemClock(), seed=run.seed, sink=sink, say=say)
        money = account_of_run(
            run, caps_of_run(run), part.folder, bench, is_resumed=part.is_resumed
        )
        account = stack.enter_context(money)
        child = real_environ(environ, target, run.settings.key_variables(), path)
        if account is not None:
            child |= account.variables()
        drive = drive_of(part.order, target.key, account=account)
        is_whole = _send(part, drive, target, child, bench)
        sink.flush()
        if is_whole and part.asked.attribute and _has_memory_leak(judge([path])):
            find_allocations(part.asked, part.run, drive, child, bench)
    if is_whole:
        part.folder.seal()
    else:
        say(f"interrupted; go on with: l9gate soak --resume {path}")
    return SoakResult(judgement=judge([path]), is_interrupted=not is_whole)


def _send(
    part: _Soak, drive: Drive, target: SuiteTarget, environ: Mapping[str, str], bench: Bench
) -> bool:
    """Keep up the load while the process is watched; return whether nobody interrupted it."""
    with ExitStack() as stack:
        soaked = stack.enter_context(_soaked(part, environ))
        progress = SoakProgress(bench.say, drive.account)
        orders = _orders(part, drive, _watched(part.asked, soaked, target), progress)
        if part.order.entry is not Entry.WIRE:
            stack.enter_context(application_environ(environ))
            caller = witnessed_caller(part.order, part.run, bench, drive.account)
            orders = replace(orders, caller=stack.enter_context(caller))
        try:
            with asyncio.Runner(loop_factory=find_loop_factory()) as runner:
                runner.run(collect_until_done(collect(orders, bench), Source.SOAK, bench))
        except (asyncio.CancelledError, KeyboardInterrupt):
            return False
        return True


@contextmanager
def _soaked(part: _Soak, environ: Mapping[str, str]) -> Iterator[Soaked]:
    """Yield the process to watch: one that runs, one that starts now, or this one."""
    asked = part.asked
    if asked.command is not None:
        root = part.run.settings.root
        every_s = asked.reads_every_s
        with running_command(asked.command, root, environ, asked.url, every_s=every_s) as soaked:
            yield soaked
    else:
        yield Soaked(pid=os.getpid() if asked.pid is None else asked.pid)


def _watched(asked: SoakAsked, soaked: Soaked, target: SuiteTarget) -> Watched:
    return Watched(
        pid=soaked.pid,
        pulses=soaked.pulses,
        disk=None if asked.disk is None else Path(asked.disk),
        simulator=target.base_url if target.is_rehearsal else None,
    )


def _orders(part: _Soak, drive: Drive, watched: Watched, progress: SoakProgress) -> SoakOrders:
    run, asked = part.run, part.asked
    scope = scope_of_request(run, part.policy)
    look_every_s = min(max(asked.duration_s / LOOKS, LEAST_LOOK_S), MOST_LOOK_S)
    return SoakOrders(
        drive=drive,
        watched=watched,
        every_s=asked.reads_every_s,
        criteria=tuple(_of_gauges(part.policy, scope)),
        scope=scope,
        look_every_s=look_every_s,
        stops_when_broken=run.stopping is Stopping.ANYTIME,
        on_progress=progress.show,
        before=part.before,
    )


def _of_gauges(policy: Policy, scope: Scope) -> Iterator[Threshold]:
    """Yield the deciding criteria that gauges alone can break."""
    for asked in policy.asked(scope):
        inner = asked.criterion if isinstance(asked, Standing) else asked
        if not isinstance(inner, Threshold) or inner.role is Role.ADVICE:
            continue
        if isinstance(BY_NAME[inner.condition.quantity], Trended):
            yield inner


def _has_memory_leak(judgement: Judgement) -> bool:
    words = ("soak.memory_", "soak.object_")
    return any(
        one.state is State.BROKEN and one.condition.startswith(words)
        for one in judgement.verdict.findings
    )

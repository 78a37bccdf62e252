"""Drives an application, or the SDK, in this process: its calls are seen, paid for, and proof."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from l9gate.drive.app_entry import AppEntry
from l9gate.drive.caller import Caller
from l9gate.drive.columns import Row
from l9gate.drive.order import LoadOrder, drive_of
from l9gate.drive.workload import Job
from l9gate.errors import BudgetError, BudgetStop, DependencyError
from l9gate.evidence.load import CallEnd, CallMark, Entry
from l9gate.evidence.records import Exchange, Origin
from l9gate.gate.request import RunRequest
from l9gate.observe.budget import BudgetGuard
from l9gate.observe.origins import Target, host_of
from l9gate.observe.recorder import Outbox, Recorder, Told
from l9gate.observe.seam import Seam
from l9gate.observe.watch import HttpRequest, Stop, Watch
from l9gate.sources.bench import Bench
from l9gate.sources.suite.environ import KEY_VARIABLE
from l9gate.store.account import Account

_seen: ContextVar[list[Exchange] | None] = ContextVar("l9gate_seen_of_operation", default=None)


class Witness:
    """Notes which exchanges an operation made, threads and tasks that it started included."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def begin(self, request: HttpRequest, told: Told | None = None) -> Watch | None:
        """Start to follow a request in the name of the operation that sends it."""
        seen = _seen.get()

        def tell(exchange: Exchange | None, stop: Stop) -> None:
            if seen is not None and exchange is not None:
                seen.append(exchange)
            if told is not None:
                told(exchange, stop)

        return self._recorder.begin(request, tell)


class WitnessedCaller:
    """Carries out operations; the exchanges of each say where its answer came from."""

    def __init__(self, inner: Caller, kind: Origin) -> None:
        self._inner = inner
        self._kind = kind

    @property
    def origin(self) -> Origin:
        """Where answers come from that say nothing of it."""
        return self._inner.origin

    async def open(self) -> None:
        """Get ready."""
        await self._inner.open()

    async def close(self) -> None:
        """Let go of what was opened."""
        await self._inner.close()

    async def call(self, job: Job, due_s: float) -> Row:
        """Carry out one operation.

        Raises:
            BudgetError: a call of it was not paid for.
        """
        seen: list[Exchange] = []
        _seen.set(seen)  # a task of its own carries out each call
        try:
            row = await self._inner.call(job, due_s)
        except BudgetStop as stop:
            raise BudgetError(str(stop)) from stop
        return attest(row, seen, self._kind)


def attest(row: Row, seen: list[Exchange], kind: Origin) -> Row:
    """Return the row of an operation with what its exchanges prove.

    An operation that was answered has its proof in one answered exchange of the run's kind with
    model and usage; one that the application's cache answered needs none.
    """
    ours = [one for one in seen if one.origin is kind and one.was_answered]
    if ours:
        row.marks |= CallMark.HAS_REQUEST_ID
    if any(one.usage is not None and one.served_model is not None for one in ours):
        row.marks |= CallMark.HAS_USAGE
    others = [one.origin for one in seen if one.origin is not kind]
    if row.end == CallEnd.OK and others and not ours:
        row.origin = others[0]
    return row


@contextmanager
def witnessed_caller(
    order: LoadOrder, run: RunRequest, bench: Bench, account: Account | None
) -> Iterator[Caller]:
    """Yield what carries out operations, while every call of theirs is recorded and paid for.

    Args:
        order: the load, which names the endpoint and the application's function.
        run: what was asked for.
        bench: takes the exchanges.
        account: who pays.

    Raises:
        PlanError: there is no such function.
        DependencyError: the SDK is not installed.
        SeamError: the installed HTTP library cannot be observed.
    """
    kind, host = run.kind, host_of(order.base_url)
    target = Target(host, kind, run.environment.request_id_header)
    recorder = Recorder(Outbox(bench.sink, bench.clock), bench.clock, target, holds=False)
    witness = Witness(recorder)
    guarded = witness if account is None else BudgetGuard(account, witness, host)
    seam = Seam()
    seam.install(guarded)
    try:
        is_app = order.entry is Entry.APP
        inner = AppEntry(order.call or "", bench.clock, kind) if is_app else _sdk(order, bench)
        yield WitnessedCaller(inner, kind)
    finally:
        seam.remove(guarded)
        recorder.end_open()


@contextmanager
def application_environ(environ: Mapping[str, str]) -> Iterator[None]:
    """Give this process the variables that an application is to find, for a while."""
    before = dict(os.environ)
    _replace_environ(environ)
    try:
        yield
    finally:
        _replace_environ(before)


@contextmanager
def project_modules(root: Path) -> Iterator[None]:
    """Let a project's own modules be imported from its folder, as `python -m` does there."""
    sys.path.insert(0, str(root))
    try:
        yield
    finally:
        sys.path.remove(str(root))


def _replace_environ(environ: Mapping[str, str]) -> None:
    kept = dict(environ)  # it may be the very one
    os.environ.clear()
    os.environ.update(kept)


def _sdk(order: LoadOrder, bench: Bench) -> Caller:
    try:
        from l9gate.drive.sdk_entry import SdkEntry
    except ImportError as error:
        raise DependencyError(
            f"the SDK's client cannot be driven: {error}; nothing was tested",
            hint="install it beside l9gate: `pip install anthropic`",
        ) from error
    key = os.environ[KEY_VARIABLE]  # the run's: `application_environ` has put it there
    return SdkEntry(drive_of(order, key).wire, bench.clock)

"""What a process needs to know to carry out a load, or one shard of it: JSON, and no key."""

import re
from typing import TYPE_CHECKING

import msgspec

from l9gate.drive.arrivals import Arrivals, Closed, Recorded, count_planned, parse_arrivals
from l9gate.drive.plan import EXACT_VALUES, Begin, Drive, Wire
from l9gate.drive.workload import Workload, load_workload, minimal
from l9gate.errors import PlanError
from l9gate.evidence.load import Entry, LoadPlan
from l9gate.evidence.words import Origin
from l9gate.wire.headers import REQUEST_ID

if TYPE_CHECKING:
    from l9gate.store.account import Account

_RECORDED = re.compile(r"recorded(?:\s+x(\d+(?:\.\d+)?))?")


class LoadOrder(msgspec.Struct, frozen=True, kw_only=True):
    """One load, in words; the same order and seed give the same schedule everywhere."""

    base_url: str
    rate: str  # as on the command line: "poisson 5/s", "closed 8", "recorded x2"
    duration_s: float
    seed: int
    model: str | None = None
    stream: bool = False
    workload: str | None = None  # a file or `package.module:function`; None: the minimal one
    is_shuffled: bool = False
    entry: Entry = Entry.WIRE
    call: str | None = None  # the application's entry point, `package.module:function`
    span: str = "load"
    timeout_s: float = 60.0
    connections: int = 4096  # of one shard, at most
    proxy: str | None = None
    origin: Origin = Origin.LIVE
    proof_header: str = REQUEST_ID
    warm_up: int = 0  # calls of each shard before the measurement
    control_every_s: float | None = None  # of the first shard
    exact_values: int = EXACT_VALUES  # of all shards together


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """Which part of an order is whose."""

    shard: int = 0
    shards: int = 1


WHOLE = Share()


def drive_of(
    order: LoadOrder,
    key: str,
    share: Share = WHOLE,
    *,
    account: "Account | None" = None,
    begin: Begin | None = None,
) -> Drive:
    """Return a shard of a load, ready to be driven.

    Args:
        order: the load.
        key: of the API.
        share: which part of it.
        account: what pays for it.
        begin: tells when offset 0 is due, once all is ready; None: at once.

    Raises:
        PlanError: the workload cannot be read, or there is nothing to control with.
        UsageError: the rate says nothing that is known.
    """
    workload = workload_of(order)
    is_first = share.shard == 0
    has_control = order.control_every_s is not None and is_first
    return Drive(
        wire=Wire(
            base_url=order.base_url,
            key=key,
            timeout_s=order.timeout_s,
            connections=order.connections,
            proxy=order.proxy,
            origin=order.origin,
            proof_header=order.proof_header,
        ),
        arrivals=arrivals_of(order, workload),
        workload=workload,
        entry=order.entry,
        span=order.span,
        seed=order.seed,
        shard=share.shard,
        shards=share.shards,
        begin=begin,
        warm_up=order.warm_up,
        control=minimal(_model_of(order)).made[0] if has_control else None,
        control_every_s=order.control_every_s if has_control else None,
        account=account,
        exact_values=max(order.exact_values // share.shards, 1),
    )


def workload_of(order: LoadOrder) -> Workload:
    """Return what is sent.

    Raises:
        PlanError: it cannot be read, or no model is named to make it of.
    """
    if order.workload is not None:
        return load_workload(order.workload, is_shuffled=order.is_shuffled)
    return minimal(_model_of(order), stream=order.stream)


def arrivals_of(order: LoadOrder, workload: Workload) -> Arrivals | Closed:
    """Return when it is sent.

    Raises:
        PlanError: the workload has no times, and they are asked for.
        UsageError: the rate says nothing that is known.
    """
    found = _RECORDED.fullmatch(order.rate.strip().lower())
    if found is None:
        return parse_arrivals(order.rate, order.duration_s)
    if workload.times_s is None:
        raise PlanError(
            f"rate `{order.rate}`: the workload has no times",
            hint='its lines need `{"at_s": 0.5, "body": {…}}`',
        )
    return Recorded(workload.times_s, float(found[1] or 1))


def plan_record(
    order: LoadOrder, share: Share, planned: int | None, starts_s: float, now_s: float
) -> LoadPlan:
    """Return what is written down of a shard before it begins, whatever becomes of it."""
    arrivals = arrivals_of(order, workload_of(order))
    return LoadPlan(
        at_s=now_s,
        span=order.span,
        entry=order.entry,
        arrivals=arrivals.in_words(),
        shard=share.shard,
        shards=share.shards,
        planned=planned,
        starts_s=starts_s,
        duration_s=arrivals.duration_s,
        seed=order.seed,
        timeout_s=order.timeout_s,
        model=order.model,
        stream=None if order.workload is not None else order.stream,
    )


def planned_of(order: LoadOrder, share: Share) -> int | None:
    """Return how many calls of an order belong to one shard; None: as many as fit."""
    arrivals = arrivals_of(order, workload_of(order))
    return count_planned(arrivals, order.seed, share.shard, share.shards)


def _model_of(order: LoadOrder) -> str:
    if order.model is None:
        raise PlanError("a load without a workload needs a model", hint="name it with `--model`")
    return order.model

"""Drives a load and puts one closing record; the driver puts what came of the calls."""

import asyncio
from dataclasses import replace

from l9gate.drive.driver import drive
from l9gate.drive.order import drive_of
from l9gate.drive.plan import DriveEnd, OnProgress, Progress
from l9gate.evidence.records import EndReason, SourceEnd
from l9gate.sources.bench import Bench
from l9gate.sources.driven import read_end
from l9gate.sources.load.plan import Engine, LoadAssignment
from l9gate.sources.load.ray import drive_on_ray
from l9gate.sources.load.tally import TallySink
from l9gate.sources.load.workers import drive_shards


async def collect(plan: LoadAssignment, bench: Bench) -> None:
    """Carry the load out, until its end or until what is asked of it is certain.

    Raises:
        BudgetError: not even the first call was allowed.
        PlanError: the workload yields something that cannot be sent.
        WriteError: the disk refuses.
    """
    sink = TallySink(bench.sink, plan.asked.criteria, plan.asked.scope)
    decided: list[str] = []

    def look(progress: Progress) -> bool:
        plan.on_progress(progress)
        sink.take(progress.tally)
        may_keep = progress.elapsed_s >= plan.asked.least_s
        why = sink.why_stop(progress.in_flight, progress.planned, may_keep=may_keep)
        if why is not None and not decided:
            decided.append(why)
            bench.say(f"stopped early: {why}")
        return why is not None

    reason, detail = EndReason.FAILED, "it crashed"
    try:
        end, lost = await _send(plan, bench, sink, look)
        reason, detail = read_end(end, "; ".join(decided))
        if lost:
            reason, detail = EndReason.FAILED, "; ".join(lost)
    except asyncio.CancelledError:
        reason, detail = EndReason.STOPPED, "interrupted"
        raise
    finally:
        now_s = bench.clock.now_s()
        bench.sink.put(
            SourceEnd(at_s=now_s, source=plan.order.span, reason=reason, detail=detail or None)
        )
        bench.sink.flush()


async def _send(
    plan: LoadAssignment, bench: Bench, sink: TallySink, look: OnProgress
) -> tuple[DriveEnd, tuple[str, ...]]:
    """Return what came of the load, and who was lost on the way."""
    if plan.place.engine is Engine.RAY:
        shared = await drive_on_ray(plan, replace(bench, sink=sink), look)
        return shared.end, shared.lost
    if plan.place.workers > 1:
        shared = await drive_shards(plan, bench, look)
        return shared.end, shared.lost
    starts_s = plan.place.starts_s

    async def begin() -> float:
        return bench.clock.now_s() if starts_s is None else starts_s

    drive_plan = drive_of(
        plan.order,
        plan.key,
        plan.place.share,
        account=plan.account,
        begin=None if starts_s is None else begin,
    )
    return await drive(drive_plan, bench.clock, sink, look, plan.caller), ()

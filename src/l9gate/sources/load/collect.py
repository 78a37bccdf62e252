"""Drives a load and puts one closing record; the driver puts what came of the calls."""

import asyncio

from l9gate.drive.driver import drive
from l9gate.drive.plan import DriveEnd, Progress, Reason
from l9gate.errors import BudgetError
from l9gate.evidence.records import EndReason, SourceEnd
from l9gate.sources.bench import Bench
from l9gate.sources.load.plan import LoadOrders
from l9gate.sources.load.tally import TallySink

_REASONS = {
    Reason.COMPLETED: EndReason.COMPLETED,
    Reason.STOPPED: EndReason.DECIDED,
    Reason.EXHAUSTED: EndReason.LIMIT_REACHED,
    Reason.NOT_PAID: EndReason.LIMIT_REACHED,
}
_EXHAUSTED = "the workload has no further request"


async def collect(plan: LoadOrders, bench: Bench) -> None:
    """Carry the load out, until its end or until what is asked of it is certain.

    Raises:
        BudgetError: not even the first call was allowed.
        PlanError: the workload yields something that cannot be sent.
        WriteError: the disk refuses.
    """
    sink = TallySink(bench.sink, plan.criteria, plan.scope)
    decided: list[str] = []

    def look(progress: Progress) -> bool:
        plan.on_progress(progress)
        may_keep = progress.elapsed_s >= plan.least_s
        why = sink.why_stop(progress.in_flight, progress.planned, may_keep=may_keep)
        if why is not None and not decided:
            decided.append(why)
            bench.say(f"stopped early: {why}")
        return why is not None

    reason, detail = EndReason.FAILED, "it crashed"
    try:
        end = await drive(plan.drive, bench.clock, sink, look, plan.entrance)
        _check_first_call(end)
        reason = _REASONS[end.reason]
        told = {Reason.EXHAUSTED: _EXHAUSTED, Reason.NOT_PAID: f"budget: {end.refusal}"}
        detail = told.get(end.reason, "; ".join(decided))
    except asyncio.CancelledError:
        reason, detail = EndReason.STOPPED, "interrupted"
        raise
    finally:
        now_s = bench.clock.now_s()
        bench.sink.put(
            SourceEnd(at_s=now_s, source=plan.drive.span, reason=reason, detail=detail or None)
        )
        bench.sink.flush()


def _check_first_call(end: DriveEnd) -> None:
    """Return unless the budget refused the very first call."""
    if end.reason is Reason.NOT_PAID and end.sent == 0:
        raise BudgetError(
            f"{end.refusal}; nothing was tested",
            hint="raise the budget with `--budget USD`, or ask for a smaller load",
        )

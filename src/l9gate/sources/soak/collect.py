"""Drives a steady load, reads gauges beside it, and puts one closing record."""

import asyncio

from l9gate.drive.driver import drive
from l9gate.drive.plan import DriveEnd, Reason
from l9gate.errors import BudgetError
from l9gate.evidence.records import EndReason, SourceEnd
from l9gate.sources.bench import Bench
from l9gate.sources.soak.plan import SoakOrders
from l9gate.sources.soak.watcher import Watcher

_REASONS = {
    Reason.COMPLETED: EndReason.COMPLETED,
    Reason.STOPPED: EndReason.DECIDED,
    Reason.EXHAUSTED: EndReason.LIMIT_REACHED,
    Reason.NOT_PAID: EndReason.LIMIT_REACHED,
}


async def collect(plan: SoakOrders, bench: Bench) -> None:
    """Carry the soak out, until its end, or until what it asks is certainly broken.

    Raises:
        BudgetError: not even the first call was allowed.
        PlanError: the workload yields something that cannot be sent.
        WriteError: the disk refuses.
    """
    watcher = Watcher(plan, bench)
    reason, detail = EndReason.FAILED, "it crashed"
    watching = asyncio.create_task(watcher.watch())
    try:
        end = await drive(plan.drive, bench.clock, bench.sink, watcher.look, plan.caller)
        _check_first_call(end)
        reason, detail = _REASONS[end.reason], _detail(end, watcher)
        if watcher.is_gone:
            reason = EndReason.FAILED
    except asyncio.CancelledError:
        reason, detail = EndReason.STOPPED, "interrupted"
        raise
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        now_s = bench.clock.now_s()
        source = plan.drive.span
        bench.sink.put(SourceEnd(at_s=now_s, source=source, reason=reason, detail=detail or None))
        bench.sink.flush()


def _detail(end: DriveEnd, watcher: Watcher) -> str:
    told = {
        Reason.EXHAUSTED: "the workload has no further request",
        Reason.NOT_PAID: f"budget: {end.refusal}",
    }
    return told.get(end.reason, watcher.why_stop or "")


def _check_first_call(end: DriveEnd) -> None:
    """Return unless the budget refused the very first call."""
    if end.reason is Reason.NOT_PAID and end.sent == 0:
        raise BudgetError(
            f"{end.refusal}; nothing was tested",
            hint="raise the budget with `--budget USD`, or ask for a smaller load",
        )

"""Drives a steady load, reads gauges beside it, and puts one closing record."""

import asyncio

from l9gate.drive.driver import drive
from l9gate.evidence.records import EndReason, SourceEnd
from l9gate.sources.bench import Bench
from l9gate.sources.driven import read_end
from l9gate.sources.soak.plan import SoakOrders
from l9gate.sources.soak.watcher import Watcher


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
        await watcher.read_last()
        reason, detail = read_end(end, watcher.why_stop or "")
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

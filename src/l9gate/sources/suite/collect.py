"""Runs one layer's tests in a child pytest; the plug-in there puts the records."""

import asyncio
import sys

from l9gate.errors import BudgetError, DependencyError, ExitCode
from l9gate.evidence.records import EndReason, SourceEnd
from l9gate.sources.bench import Bench
from l9gate.sources.child import run_child
from l9gate.sources.suite.plan import DECIDED, SuitePlan
from l9gate.store.ledger import Refusal

BUDGET = "budget"  # how the detail of an end begins that the budget brought about

# pytest's own exit status → whether the session came to its end
_ENDS = {
    0: (EndReason.COMPLETED, None),
    1: (EndReason.COMPLETED, None),
    2: (EndReason.STOPPED, "interrupted, or the tests could not be imported"),
    3: (EndReason.FAILED, "internal error in pytest or a plug-in"),
    4: (EndReason.FAILED, "pytest refused its command line"),
    5: (EndReason.COMPLETED, "no test was selected"),
    DECIDED: (EndReason.DECIDED, "what was left to run could not have changed it"),
}


async def collect(plan: SuitePlan, bench: Bench) -> None:
    """Run the layer and put one closing record.

    Raises:
        DependencyError: the plug-in refused to start: no key, no endpoint.
        BudgetError: not even the run's first call was allowed.
    """
    refusal = _refusal_of(plan)
    if refusal is not None:  # by an earlier layer: this one would be refused at its first call
        reason, detail = EndReason.LIMIT_REACHED, f"{BUDGET}: not started: {refusal.message}"
        put_end(bench, plan, reason, detail)
        return
    reason, detail = EndReason.STOPPED, "cancelled"
    try:
        async with asyncio.timeout(plan.limit_s):
            status = await _run_pytest(plan, bench)
        _check_first_call(plan)
        if status in (ExitCode.DEPENDENCY, ExitCode.BUDGET):
            reason, detail = EndReason.FAILED, "refused before the first test"
            raise DependencyError(f"layer `{plan.layer}` was refused before its first test")
        reason, ended = _ENDS.get(status, (EndReason.FAILED, f"pytest ended with {status}"))
        detail = ended or ""
        refusal = _refusal_of(plan)
        if refusal is not None:
            reason, detail = EndReason.LIMIT_REACHED, f"{BUDGET}: {refusal.message}"
    except TimeoutError:
        reason, detail = EndReason.LIMIT_REACHED, f"stopped after {plan.limit_s:.0f} s"
    finally:
        put_end(bench, plan, reason, detail)


def put_end(bench: Bench, plan: SuitePlan, reason: EndReason, detail: str) -> None:
    """Put the closing record of a layer."""
    now_s, source = bench.clock.now_s(), f"suite.{plan.layer}"
    bench.sink.put(SourceEnd(at_s=now_s, source=source, reason=reason, detail=detail or None))
    bench.sink.flush()


def _refusal_of(plan: SuitePlan) -> Refusal | None:
    return None if plan.account is None else plan.account.refusal(plan.layer)


def _check_first_call(plan: SuitePlan) -> None:
    """Return unless the budget refused the very first call of the run."""
    refusal = _refusal_of(plan)
    if refusal is not None and plan.account is not None and not plan.account.spending():
        raise BudgetError(f"{refusal.message}; nothing was tested", hint=refusal.hint)


async def _run_pytest(plan: SuitePlan, bench: Bench) -> int:
    command = (sys.executable, "-m", "pytest", *plan.pytest_arguments())
    return await run_child(command, plan.root, plan.environ, bench.say)

"""Runs tests in a child pytest against one endpoint; the plug-in there writes what it sees."""

import asyncio
import sys
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from l9gate.evidence.sightings import (
    ORDERS,
    Attempt,
    Orders,
    read_collected,
    read_sightings,
    render_orders,
)
from l9gate.sources.child import run_child
from l9gate.sources.control.plan import ControlPlan

_PULSE_S = 5.0
_LAST_LINES = 40
_ENDED = frozenset({0, 1})
_PROBLEMS = {
    2: "pytest was interrupted",
    3: "internal error in pytest or a plug-in",
    4: "pytest could not start",
    5: "no test was collected",
}
_TELLING = ("ImportError", "Error", "error:", "ERROR")


async def collect(plan: ControlPlan, say: Callable[[str], None]) -> Attempt:
    """Run the session, until its end or its limit, and return what was seen."""
    last: deque[str] = deque(maxlen=_LAST_LINES)
    orders = Orders(
        folder=str(plan.folder),
        base_url=plan.base_url,
        test_limit_s=plan.test_limit_s,
        selected=plan.selected,
        root=str(plan.root) if plan.layers else None,
        layers=plan.layers,
        arguments=plan.arguments,
    )
    environ = {**plan.environ, ORDERS: render_orders(orders)}
    command = (sys.executable, "-m", "pytest", *plan.pytest_arguments())
    pulse = asyncio.create_task(_report_progress(plan, say))
    problem = None
    try:
        async with asyncio.timeout(plan.limit_s):
            status = await run_child(command, plan.root, environ, last.append)
        problem = None if status in _ENDED else _told(status, last)
    except TimeoutError:
        problem = "time ran out"
    finally:
        pulse.cancel()
    collected = read_collected(plan.folder)
    if problem == _PROBLEMS[2] and collected.broken:
        problem = None  # these files are told by name
    return Attempt(
        sightings=read_sightings(plan.folder),
        tests=collected.tests,
        broken=collected.broken,
        offline=collected.offline,
        problem=problem,
    )


def _told(status: int, last: deque[str]) -> str:
    """Return why pytest failed, with the line of its output that says most."""
    what = _PROBLEMS.get(status, f"pytest ended with {status}")
    lines = [line.removeprefix("E  ").strip() for line in last if line.strip()]
    telling = [line for line in lines if any(word in line for word in _TELLING)]
    return f"{what}: {(telling or lines)[-1][:200]}" if lines and status != 5 else what


async def _report_progress(plan: ControlPlan, say: Callable[[str], None]) -> None:
    started_s = asyncio.get_running_loop().time()
    with suppress(asyncio.CancelledError):
        while True:
            await asyncio.sleep(_PULSE_S)
            seen = read_sightings(plan.folder)
            talked = sum(one.calls > 0 for one in seen.values())
            total = len(read_collected(plan.folder).tests)
            elapsed_s = asyncio.get_running_loop().time() - started_s
            say(
                f"  {plan.against}: {elapsed_s:.0f} s · {len(seen)} of {total or '?'} tests · "
                f"{talked} talked to the API"
            )

"""Drives the application's own entry point: an async function that does one operation."""

import inspect
from collections.abc import Awaitable, Callable
from typing import TypeAlias, cast

from l9gate.drive.columns import Row
from l9gate.drive.workload import Job, load_function
from l9gate.errors import PlanError
from l9gate.evidence.load import CallEnd
from l9gate.evidence.words import Origin
from l9gate.measure.clock import Clock

Operation: TypeAlias = Callable[[bytes], Awaitable[object]]

_ENDS = (("degraded", CallEnd.DEGRADED), ("cached", CallEnd.CACHED))


class AppEntry:
    """Calls `package.module:function` with the body of a job, and times the whole operation.

    What it returns may say how it came about: an attribute or key `degraded` or `cached` that is
    true, or that word itself. What it raises is told apart by its status or its class.
    """

    def __init__(self, name: str, clock: Clock, origin: Origin) -> None:
        """Find the function.

        Raises:
            PlanError: there is none of that name, or it is not async.
        """
        module_name, _, function_name = name.rpartition(":")
        if not module_name or not function_name:
            raise PlanError(f"`{name}` names no function", hint="write `package.module:function`")
        found = load_function(module_name, function_name)
        if not inspect.iscoroutinefunction(found):
            raise PlanError(
                f"`{name}` is no async function",
                hint="an entry point is `async def f(body: bytes)`; a blocking one needs a thread",
            )
        self._operation = cast("Operation", found)
        self._clock = clock
        self.origin = origin

    async def open(self) -> None:
        """There is nothing to get ready."""

    async def close(self) -> None:
        """There is nothing to let go of."""

    async def call(self, job: Job, due_s: float) -> Row:
        """Carry out one operation; one that would end the process has failed, no more."""
        sent_s = self._clock.now_s()
        try:
            end = read_result(await self._operation(job.body))
        except SystemExit:  # else the application chose the exit code of the gate
            end = CallEnd.RAISED
        ended_s = self._clock.now_s()
        return Row(due_s=due_s, sent_s=sent_s, ended_s=ended_s, end=end, origin=self.origin)


def read_result(result: object) -> CallEnd:
    """Return how an operation says that its result came about."""
    for word, end in _ENDS:
        said = result.get(word) if isinstance(result, dict) else getattr(result, word, None)
        if said is True or (isinstance(result, str) and result == word):
            return end
    return CallEnd.OK

"""Carries one shard of a load out, wherever its process is."""

from collections.abc import Callable
from typing import Protocol, TypeAlias

from l9gate.criteria.policy import parse_policy
from l9gate.criteria.stopping import sampled
from l9gate.drive.driver import drive
from l9gate.drive.order import drive_of
from l9gate.drive.plan import Progress
from l9gate.drive.shards import ended_of, standing_of
from l9gate.evidence.log import Sink
from l9gate.measure.clock import SystemClock
from l9gate.sources.load.tally import TallySink
from l9gate.sources.load.wording import Counting, Ready, Said, Task
from l9gate.store.account import Account

Tell: TypeAlias = Callable[[Said], None]


class Line(Protocol):
    """The way to whoever put the shards up."""

    @property
    def wants_stop(self) -> bool:
        """Whether enough was seen."""

    @property
    def tell(self) -> Tell:
        """What takes messages."""

    async def wait_for_start(self) -> float:
        """Return when offset 0 is due, once that is known."""
        ...


async def carry_out(task: Task, key: str, ends: tuple[Sink, Account | None], line: Line) -> None:
    """Drive one shard: warm up, wait for the common start, send, and say how it goes.

    Args:
        task: what to do.
        key: of the API.
        ends: where records go, and who pays.
        line: to whoever put the shards up.

    Raises:
        L9gateError: it cannot be carried out.
    """
    sink, account = ends
    tally = None if task.counting is None else tally_of(sink, task.counting)

    async def begin() -> float:
        line.tell(Ready())
        return await line.wait_for_start()

    def report(progress: Progress) -> bool:
        line.tell(standing_of(progress, None if tally is None else tally.counts))
        return line.wants_stop

    plan = drive_of(task.order, key, task.share, account=account, begin=begin)
    end = await drive(plan, SystemClock(), tally or sink, report)
    line.tell(ended_of(end))


def tally_of(sink: Sink, counting: Counting) -> TallySink:
    """Return a sink that counts what the criteria of a policy rest on."""
    asked = parse_policy(counting.policy).asked(counting.scope)
    return TallySink(sink, tuple(sampled(asked, counting.scope)), counting.scope)

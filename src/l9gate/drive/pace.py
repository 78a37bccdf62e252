"""Has calls begin when they are due: on a schedule, or as soon as users are free."""

import asyncio
import heapq
from collections.abc import Callable, Iterator
from itertools import islice, takewhile

from l9gate.drive.arrivals import Arrivals, Closed
from l9gate.drive.workload import Job
from l9gate.measure.clock import Clock
from l9gate.net.alarm import Alarm

_LEAST_SLEEP_S = 0.0001  # calls that are due closer together than that are sent together
_BURST = 16  # calls that are sent before a look at what else there is to do

Begin = Callable[[Job, int, float], None]


class Sleeper:
    """Sleeps until a time or until it is woken."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._alarm = Alarm(self._loop, self.wake)
        self._sleeps: asyncio.Future[None] | None = None

    def wake(self) -> None:
        """Let whoever sleeps go on."""
        if self._sleeps is not None and not self._sleeps.done():
            self._sleeps.set_result(None)

    async def until(self, due_s: float | None) -> None:
        """Return when it is time, at the earliest a moment from now, or when woken."""
        self._sleeps = self._loop.create_future()
        if due_s is not None:
            self._alarm.set(max(due_s - self._clock.now_s(), _LEAST_SLEEP_S))
        await self._sleeps

    def close(self) -> None:
        """Sleep no more."""
        self._alarm.close()


class Pace:
    """Begins the calls of one shard of one load; what ends early is what `stop` was called for."""

    def __init__(
        self, clock: Clock, jobs: Iterator[Job], begin: Begin, shard: int, shards: int
    ) -> None:
        self._now_s = clock.now_s
        self._sleeper = Sleeper(clock)
        self._jobs = jobs
        self._begin = begin
        self._shard, self._shards = shard, shards
        self._freed: list[float] = []  # heap: when users are free again
        self._is_stopped = False
        self._begun = 0
        self.is_exhausted = False  # whether the workload had no further request
        self.due_s: float | None = None  # when the next call is due

    def stop(self) -> None:
        """Begin no further call."""
        self._is_stopped = True
        self._sleeper.wake()

    def free_user(self, at_s: float) -> None:
        """Let a user of a closed loop call again at a time."""
        heapq.heappush(self._freed, at_s)
        self._sleeper.wake()

    def close(self) -> None:
        """Let go of the timer."""
        self._sleeper.close()

    async def run_open(self, arrivals: Arrivals, seed: int, starts_s: float) -> None:
        """Begin every call when it is due, whatever came of those before."""
        offsets_s = islice(arrivals.offsets_s(seed), self._shard, None, self._shards)
        burst = 0
        for number, offset_s in enumerate(offsets_s):
            self.due_s = due_s = starts_s + offset_s
            while due_s > self._now_s() and not self._is_stopped:
                burst = 0
                await self._sleeper.until(due_s)
            if self._is_stopped or not self._begin_next(number, due_s):
                return
            burst += 1
            if burst >= _BURST:
                burst = 0
                await asyncio.sleep(0)
        self.due_s = None

    def behind(self, arrivals: Arrivals | Closed, seed: int, starts_s: float) -> int:
        """Return how many calls are due and have not begun."""
        now_s = self._now_s()
        if isinstance(arrivals, Closed) or self.due_s is None or self.due_s > now_s:
            return 0
        offsets_s = islice(arrivals.offsets_s(seed), self._shard, None, self._shards)
        due = takewhile(lambda offset_s: starts_s + offset_s <= now_s, offsets_s)
        return max(sum(1 for _ in due) - self._begun, 0)

    async def run_closed(self, closed: Closed, starts_s: float) -> None:
        """Begin a call whenever a user is free, until the time is over or all calls are made."""
        share = closed.share(self._shard, self._shards)
        for _ in range(share.users):
            heapq.heappush(self._freed, starts_s)
        ends_s = None if share.duration_s is None else starts_s + share.duration_s
        number = burst = 0
        while not self._is_stopped and number != share.calls:
            now_s = self._now_s()
            if ends_s is not None and now_s >= ends_s:
                return
            if not self._freed or self._freed[0] > now_s:
                burst = 0
                wakes_s = [at_s for at_s in (*self._freed[:1], ends_s) if at_s is not None]
                await self._sleeper.until(min(wakes_s, default=None))
                continue
            if not self._begin_next(number, heapq.heappop(self._freed)):
                return
            number += 1
            burst += 1
            if burst >= _BURST:
                burst = 0
                await asyncio.sleep(0)

    def _begin_next(self, number: int, due_s: float) -> bool:
        job = next(self._jobs, None)
        if job is None:
            self.is_exhausted = True
            return False
        self._begun += 1
        self._begin(job, number * self._shards + self._shard, due_s)
        return True

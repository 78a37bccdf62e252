"""The connections of one load: the last one used is used next, another is made if none is free."""

import asyncio
from collections import deque

from l9gate.measure.clock import Clock
from l9gate.net.endpoint import Connector, Endpoint
from l9gate.net.lane import Lane, Listener, Loss


class Pool:
    """Sends requests over keep-alive connections, so many at most; never waits itself.

    A request finds no free connection: one is made for it, and whichever is free first takes it.
    """

    def __init__(
        self, endpoint: Endpoint, clock: Clock, *, timeout_s: float, connections: int
    ) -> None:
        self.clock = clock
        self._timeout_s = timeout_s
        self._limit = connections
        self._loop = asyncio.get_running_loop()
        self._connector = Connector(endpoint, self._loop)
        self._idle: list[Lane] = []
        self._lanes: set[Lane] = set()
        self._waiting: deque[Listener] = deque()
        self._opening: dict[asyncio.Task[None], float] = {}  # when it began
        self._is_closed = False

    @property
    def waiting(self) -> int:
        """How many requests wait for a connection."""
        return len(self._waiting)

    def ask(self, listener: Listener) -> None:
        """Send a request as soon as there is a connection: at once, if one is free."""
        if self._idle:
            self._idle.pop().send(listener)
            return
        self._waiting.append(listener)
        self._open_more()

    def ask_again(self, listener: Listener) -> None:
        """Ask on another connection: this one had ended before it was used."""
        self.ask(listener)

    async def warm(self, connections: int) -> None:
        """Make so many connections before anything is sent; those that fail will be tried again."""
        missing = min(connections, self._limit) - len(self._lanes)
        tasks = [self._begin_opening() for _ in range(missing)]
        if tasks:
            await asyncio.wait(tasks)

    def opened(self, lane: Lane) -> None:
        """Take a connection that was made."""
        self._lanes.add(lane)
        if self._is_closed:
            lane.close()
        else:
            self.freed(lane)

    def freed(self, lane: Lane) -> None:
        """Give a connection to who waits longest, or keep it."""
        if self._waiting:
            lane.send(self._waiting.popleft())
        else:
            lane.is_fresh = False
            self._idle.append(lane)

    def left(self, lane: Lane) -> None:
        """Forget a connection that has ended."""
        self._lanes.discard(lane)
        if not lane.is_busy and lane in self._idle:
            self._idle.remove(lane)
        self._open_more()

    def take_waiting(self) -> list[Listener]:
        """Return the requests that wait for a connection; they are not sent any more."""
        waiting = list(self._waiting)
        self._waiting.clear()
        return waiting

    def sweep(self, now_s: float) -> None:
        """End the exchanges whose time is over."""
        latest_s = now_s - self._timeout_s
        overdue = [lane for lane in self._lanes if lane.sent_s < latest_s and lane.is_busy]
        for lane in overdue:
            lane.give_up(Loss.TIMED_OUT)
        for task, began_s in self._opening.items():  # in this order
            if began_s > latest_s:
                break
            task.cancel()

    async def close(self) -> None:
        """End all connections; who still listens hears of a loss, who waits hears nothing."""
        self._is_closed = True
        self.take_waiting()
        for task in self._opening:
            task.cancel()
        for lane in list(self._lanes):
            lane.close()
        if self._opening:
            await asyncio.wait(self._opening)
        await asyncio.sleep(0)  # the loop tells the lanes

    def _open_more(self) -> None:
        """Make a connection for each request that waits, within the limit."""
        if self._is_closed:
            return
        room = self._limit - len(self._lanes) - len(self._opening)
        for _ in range(min(len(self._waiting) - len(self._opening), room)):
            self._begin_opening()

    def _begin_opening(self) -> "asyncio.Task[None]":
        task = self._loop.create_task(self._open())
        self._opening[task] = self.clock.now_s()
        task.add_done_callback(self._end_opening)
        return task

    def _end_opening(self, task: "asyncio.Task[None]") -> None:
        """Look again at who waits: as long as the task was there it counted for one of them."""
        del self._opening[task]
        if task.cancelled() and not self._is_closed:
            self._fail(Loss.TIMED_OUT)
        self._open_more()

    async def _open(self) -> None:
        """Make a connection; a failure is that of the request that waits longest."""
        try:
            await self._connector.connect(self._make_lane)
        except OSError:
            self._fail(Loss.UNCONNECTED)

    def _make_lane(self) -> Lane:
        return Lane(self)

    def _fail(self, loss: Loss) -> None:
        if self._waiting:
            self._waiting.popleft().on_loss(loss, self.clock.now_s())

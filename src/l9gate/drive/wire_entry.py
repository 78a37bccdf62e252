"""Sends calls as bytes, without a task for each: the load's own way to the endpoint."""

from l9gate.drive.call import Call, Witness
from l9gate.drive.columns import Row
from l9gate.drive.entrance import TakeRow
from l9gate.drive.plan import Wire
from l9gate.drive.purse import Purse
from l9gate.drive.workload import Job
from l9gate.evidence.load import Arm
from l9gate.measure.clock import Clock
from l9gate.net.descriptors import allow_descriptors
from l9gate.net.endpoint import Endpoint
from l9gate.net.pool import Pool
from l9gate.wire import headers as names


class WireEntry:
    """Renders requests and hands them to a pool of connections."""

    def __init__(self, wire: Wire, clock: Clock, take: TakeRow, purse: Purse | None) -> None:
        self._wire = wire
        self._purse = purse
        self._clock = clock
        self._take = take
        self._endpoint = Endpoint.parse(wire.base_url, proxy=wire.proxy, tls=wire.tls)
        self._starts: dict[tuple[str, str, tuple[tuple[str, str], ...]], bytes] = {}
        self._pool: Pool
        self._is_closed = False
        self.witness = Witness(wire.origin, f"\r\n{wire.proof_header.lower()}:".encode())
        self.in_flight = 0

    @property
    def waiting(self) -> int:
        """How many calls have no connection yet."""
        return self._pool.waiting

    async def open(self) -> None:
        """Make the connections that shall be there before the first call."""
        wire = self._wire
        connections = allow_descriptors(wire.connections)
        self._pool = Pool(
            self._endpoint, self._clock, timeout_s=wire.timeout_s, connections=connections
        )
        await self._pool.warm(wire.warm_connections)

    def start(self, job: Job, arm: Arm, position: int, due_s: float) -> None:
        """Send a call, or have it wait for a connection, which is part of its time.

        Raises:
            BudgetError: nobody pays for it; it is not sent.
            WriteError: the ledger cannot be written; it is not sent.
        """
        call = Call(self, job, arm, position, due_s)
        if self._purse is not None:
            call.block = self._purse.take(job)
        self.in_flight += 1
        call.sent_s = self._clock.now_s()
        self._pool.ask(call)

    def render(self, job: Job) -> bytes:
        """Return a request as it goes out."""
        route = (job.method, job.path, job.headers)
        start = self._starts.get(route)
        if start is None:
            start = self._starts[route] = self._render_start(job)
        return b"%b%d\r\n\r\n%b" % (start, len(job.body), job.body)

    def take(self, call: Call, row: Row) -> None:
        """Hand a row on."""
        self.in_flight -= 1
        if self._is_closed:
            return  # we ended it ourselves: nothing is known of it, and its bound stays counted
        if self._purse is not None and call.block is not None:
            self._purse.settle(call.block, row)
        self._take(call.arm, call.job, row)

    def sweep(self, now_s: float) -> None:
        """End the calls whose time is over."""
        self._pool.sweep(now_s)

    def abandon(self) -> int:
        """Give up on the calls that have no connection yet, and return how many they were."""
        waiting = self._pool.take_waiting()
        self.in_flight -= len(waiting)
        for call in waiting:
            if self._purse is not None and isinstance(call, Call) and call.block is not None:
                self._purse.give_back(call.block)
        return len(waiting)

    async def close(self) -> None:
        """End all connections; calls in flight get no row."""
        self._is_closed = True
        self.abandon()
        await self._pool.close()
        if self._purse is not None:
            self._purse.close()

    def _render_start(self, job: Job) -> bytes:
        """Return everything up to the length of the body."""
        headers = {
            names.USER_AGENT: names.OWN_AGENT,
            "content-type": "application/json",
            "accept": "text/event-stream" if job.stream else "application/json",
            names.API_VERSION: names.CURRENT_API_VERSION,
            names.AUTHORIZATION: f"Bearer {self._wire.key}",
            **{name.lower(): value for name, value in job.headers},
        }
        lines = [f"{name}: {value}\r\n" for name, value in headers.items()]
        text = self._endpoint.render_start(job.method, job.path) + "".join(lines)
        return f"{text}content-length: ".encode("latin-1")

"""A proxy on transports that only remember."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import Exchange
from l9gate.measure.clock import ManualClock
from l9gate.observe.attribution import Owner
from l9gate.observe.origins import Target
from l9gate.observe.recorder import Outbox
from l9gate.proxy.client import ClientConnection
from l9gate.proxy.server import Proxy
from l9gate.proxy.upstream import UpstreamConnection
from l9gate.store.account import Account

HOST = "api.example.com"
PEER = ("192.0.2.10", 80)


class Transport(asyncio.Transport):
    """Remembers what was written and asked; closing it tells its protocol."""

    def __init__(self, protocol: asyncio.Protocol, peer: object = PEER) -> None:
        super().__init__({"peername": peer})
        self.protocol = protocol
        self.written: list[bytes] = []
        self.events: list[str] = []
        self.is_open = True
        protocol.connection_made(self)

    @property
    def text(self) -> bytes:
        return b"".join(self.written)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(bytes(data))

    def is_closing(self) -> bool:
        return not self.is_open

    def close(self) -> None:
        self._end("close", None)

    def abort(self) -> None:
        self._end("abort", None)

    def pause_reading(self) -> None:
        self.events.append("pause")

    def resume_reading(self) -> None:
        self.events.append("resume")

    def lose(self, error: Exception | None = None) -> None:
        self._end("lost", error)

    def _end(self, how: str, error: Exception | None) -> None:
        if self.is_open:
            self.is_open = False
            self.events.append(how)
            self.protocol.connection_lost(error)


class Stage:
    """A proxy, its clients, its connections to the API, and what it records."""

    def __init__(self, account: Account | None = None) -> None:
        self.log = MemoryLog()
        self.upstream: list[Transport] = []
        self.refusal: OSError | None = None
        self.owners: dict[str | None, Owner] = {}
        outbox = Outbox(self.log, ManualClock())
        self.proxy = Proxy(f"http://{HOST}/base/", outbox, Target(HOST), self.owners.get, account)
        vars(asyncio.get_running_loop())["create_connection"] = self._create_connection

    async def _create_connection(
        self, factory: Callable[[], UpstreamConnection], *_: object, **__: object
    ) -> tuple[Transport, UpstreamConnection]:
        if self.refusal is not None:
            raise self.refusal
        connection = factory()
        self.upstream.append(Transport(connection))
        return self.upstream[-1], connection

    def connect(self) -> Transport:
        return Transport(ClientConnection(self.proxy))

    async def ask(self, client: Transport, data: bytes) -> Transport:
        """Send bytes of a request and return the newest connection to the API."""
        client.protocol.data_received(data)
        await self.settle()
        return self.upstream[-1]

    async def settle(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)

    @property
    def exchanges(self) -> list[Exchange]:
        return list(self.log.of(Exchange))


@pytest.fixture
def play() -> Callable[..., None]:
    """Run a scene on a new stage."""

    def run(scene: Callable[[Stage], Awaitable[None]], account: Account | None = None) -> None:
        async def begin() -> None:
            await scene(Stage(account))

        asyncio.run(begin())

    return run

"""Start the proxy, learn its address, stop it."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from l9gate.errors import SettingsError
from l9gate.evidence.records import Witness
from l9gate.measure.clock import SystemClock
from l9gate.observe.origins import Target
from l9gate.observe.recorder import Outbox, Recorder
from l9gate.proxy.client import ClientConnection
from l9gate.proxy.heads import RequestHead
from l9gate.proxy.relay import Relay
from l9gate.proxy.sighting import FindOwner, Observer
from l9gate.proxy.upstream import Endpoint, Pool
from l9gate.store.account import Account

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
GRACE_S = 1.0
_BACKLOG = 2048


class Proxy:
    """Carries requests of its clients to one endpoint, and records them."""

    def __init__(
        self,
        upstream: str,
        outbox: Outbox,
        target: Target,
        find_owner: FindOwner,
        account: Account | None = None,
    ) -> None:
        """Take where to send to, where to record, what counts, for whom, and who pays."""
        endpoint = Endpoint.of(upstream)
        self._recorder = Recorder(outbox, SystemClock(), target, Witness.PROXY)
        self._observer = Observer(self._recorder, endpoint, find_owner, account)
        self._pool = Pool(endpoint)
        self._clients: set[ClientConnection] = set()
        self._is_empty = asyncio.Event()
        self._is_empty.set()
        self._server: asyncio.Server | None = None
        self.port = 0

    async def start(self, host: str, port: int) -> None:
        """Listen.

        Raises:
            SettingsError: the address cannot be listened on.
        """
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(
                lambda: ClientConnection(self), host, port, backlog=_BACKLOG
            )
        except (OSError, OverflowError) as error:
            raise SettingsError(
                f"cannot listen on {host}:{port}: {error}",
                hint="choose another port, or 0 for any free one",
            ) from error
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self, grace_s: float = GRACE_S) -> None:
        """Stop listening, let exchanges end for some seconds, give up the rest."""
        if self._server is None:
            return
        self._server.close()
        self._server = None
        for client in tuple(self._clients):
            client.close_when_idle()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace_s):
                await self._is_empty.wait()
        for client in tuple(self._clients):
            client.abort()
        await self._is_empty.wait()
        self._pool.close()
        self._recorder.end_open()

    def begin(self, head: RequestHead, client: ClientConnection) -> Relay:
        """Return what carries a request, not yet started."""
        return Relay(head, client, self._pool, self._observer.begin(head))

    def join(self, client: ClientConnection) -> None:
        """Note a connection that was made."""
        self._clients.add(client)
        self._is_empty.clear()

    def leave(self, client: ClientConnection) -> None:
        """Forget a connection that is gone."""
        self._clients.discard(client)
        if not self._clients:
            self._is_empty.set()


def check_address(host: str, *, allow_remote: bool) -> None:
    """Return if the proxy may listen there.

    Raises:
        SettingsError: others could reach it, and nobody said that this is meant.
    """
    if host not in LOOPBACK and not allow_remote:
        raise SettingsError(
            f"the proxy would listen on {host}, where others can reach it",
            hint="say `--allow-remote` if that is meant",
        )


@asynccontextmanager
async def running_proxy(proxy: Proxy, host: str, port: int) -> AsyncIterator[str]:
    """Run a proxy inside the caller's loop and yield its base URL.

    Raises:
        SettingsError: the address cannot be listened on.
    """
    await proxy.start(host, port)
    try:
        yield url_of(host, proxy.port)
    finally:
        await proxy.stop()


def url_of(host: str, port: int) -> str:
    """Return the base URL of an address that is listened on."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def catch_stop() -> asyncio.Event:
    """Return what is set by SIGINT or SIGTERM, which from now on end nothing by themselves."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return stop


async def until(
    stop: asyncio.Event, flush: Callable[[], Awaitable[None]], interval_s: float
) -> None:
    """Wait for the stop, flushing again and again meanwhile."""
    while not stop.is_set():
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(interval_s):
                await stop.wait()
        await flush()

"""A lean HTTP/1.1 server."""

import asyncio
import contextlib
import logging
from collections import Counter
from typing import Self

from l9gate.errors import SettingsError
from l9gate.net.connection import Connection
from l9gate.net.heads import KnownHeads
from l9gate.net.http import App
from l9gate.net.reader import Limits
from l9gate.net.wheel import Wheel

_LOG = logging.getLogger(__name__)
_SWEEP_INTERVAL_S = 1.0
_BACKLOG = 2048


class HttpServer:
    """Listens, keeps its connections, and leaves no task behind when it stops.

    The loop is the caller's choice; uvloop makes it faster.
    """

    def __init__(
        self, app: App, host: str = "127.0.0.1", port: int = 0, limits: Limits | None = None
    ) -> None:
        self.app = app
        self.limits = limits or Limits()
        self.heads: KnownHeads | None = KnownHeads()
        self.wheel: Wheel
        self._connections: set[Connection] = set()
        self._noted: Counter[str] = Counter()
        self._is_empty = asyncio.Event()
        self._is_empty.set()
        self._host = host
        self._port = port
        self._server: asyncio.Server | None = None
        self._sweep: asyncio.TimerHandle | None = None

    @property
    def port(self) -> int:
        """The port it listens on; the one that was free if 0 was asked for."""
        return self._port

    async def start(self) -> None:
        """Listen.

        Raises:
            SettingsError: the address cannot be listened on.
        """
        loop = asyncio.get_running_loop()
        self.wheel = Wheel(loop)
        try:
            self._server = await loop.create_server(
                lambda: Connection(self), self._host, self._port, backlog=_BACKLOG
            )
        except (OSError, OverflowError) as error:
            raise SettingsError(
                f"cannot listen on {self._host}:{self._port}: {error}",
                hint="choose another port, or 0 for any free one",
            ) from error
        self._port = self._server.sockets[0].getsockname()[1]
        self._sweep = loop.call_later(_SWEEP_INTERVAL_S, self._close_overdue)

    async def stop(self, grace_s: float = 1.0) -> None:
        """Stop listening, let answers end for some seconds, cancel the rest, leave no task."""
        if self._server is None:
            return
        self._server.close()
        self._server = None
        if self._sweep is not None:
            self._sweep.cancel()
        for connection in list(self._connections):
            connection.close_when_answered()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace_s):
                await self._is_empty.wait()
        for connection in list(self._connections):
            connection.abort()
        await self._is_empty.wait()
        self._log_noted()
        self.wheel.stop()

    def join(self, connection: Connection) -> None:
        """Note a connection that was made."""
        self._connections.add(connection)
        self._is_empty.clear()

    @property
    def connections(self) -> int:
        """How many connections there are."""
        return len(self._connections)

    def note(self, what: str) -> None:
        """Count what a client did wrong; the log gets one line for each kind, once a second."""
        self._noted[what] += 1

    def leave(self, connection: Connection) -> None:
        """Forget a connection that is closed and has no task left."""
        self._connections.discard(connection)
        if not self._connections:
            self._is_empty.set()

    async def __aenter__(self) -> Self:
        """Listen."""
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop."""
        await self.stop()

    def _log_noted(self) -> None:
        for what, count in self._noted.items():
            _LOG.warning("%d connection%s %s", count, "" if count == 1 else "s", what)
        self._noted.clear()

    def _close_overdue(self) -> None:
        loop = asyncio.get_running_loop()
        now_s = loop.time()
        for connection in list(self._connections):
            connection.close_if_overdue(now_s)
        self._log_noted()
        self._sweep = loop.call_later(_SWEEP_INTERVAL_S, self._close_overdue)

"""Start a simulator, learn its address, stop it: in a task, in a thread, or as a process."""

import asyncio
import contextlib
import signal
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self

from l9gate.errors import SettingsError
from l9gate.net.loops import find_loop_factory
from l9gate.net.reader import Limits
from l9gate.net.server import HttpServer
from l9gate.simulator import batches, files
from l9gate.simulator.app import SimulatorApp
from l9gate.simulator.conduct import ClientConduct
from l9gate.simulator.config import SimulatorConfig
from l9gate.simulator.journal import Visit

__all__ = [
    "SimulatorConfig",
    "SimulatorHandle",
    "SimulatorThread",
    "running_simulator",
    "serve_forever",
]

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_LIMITS = Limits(
    larger_bodies=(
        (batches.PATH.encode(), batches.MAX_BATCH_BYTES),
        (files.PATH.encode(), files.MAX_FILE_BYTES),
    )
)
_START_TIMEOUT_S = 10.0
_STOP_TIMEOUT_S = 10.0


class SimulatorHandle:
    """A running simulator."""

    def __init__(self, app: SimulatorApp, base_url: str) -> None:
        self._app = app
        self.base_url = base_url

    @property
    def requests_seen(self) -> int:
        """How many requests came so far, refused ones included."""
        return self._app.requests_seen

    def set_fault(self, text: str | None) -> None:
        """Answer every request with this fault from now on; may be called from any thread.

        Raises:
            PlanError: the text names no fault; see `l9gate.simulator.faults`.
        """
        self._app.set_fault(text)

    def visits(self) -> list[Visit]:
        """Return every request that is remembered and what became of it; from any thread."""
        return self._app.witness.journal.visits

    def conduct(self) -> list[ClientConduct]:
        """Return what each client did, and what it did wrong; from any thread."""
        return self._app.witness.conduct()


@asynccontextmanager
async def running_simulator(
    config: SimulatorConfig | None = None, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[SimulatorHandle]:
    """Run a simulator inside the caller's loop.

    Beyond loopback it takes no commands, whatever the configuration says.

    Raises:
        SettingsError: the address cannot be listened on, or is not of loopback and the
            configuration does not allow that.
    """
    config = config or SimulatorConfig()
    if host not in LOOPBACK and not config.allow_remote:
        raise SettingsError(
            f"the simulator would listen on {host}, where others can reach it",
            hint="say `--allow-remote`, or `allow_remote=True` in code, if that is meant",
        )
    app = SimulatorApp(config, takes_commands=config.takes_commands and host in LOOPBACK)
    async with HttpServer(app, host, port, _LIMITS) as server:
        shown = f"[{host}]" if ":" in host else host
        yield SimulatorHandle(app, f"http://{shown}:{server.port}")


class SimulatorThread:
    """Runs a simulator in a thread of its own, for tests that are not asynchronous."""

    def __init__(
        self, config: SimulatorConfig | None = None, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        self._config = config
        self._address = (host, port)
        self._thread = threading.Thread(target=self._run, name="l9gate-simulator", daemon=True)
        self._is_started = threading.Event()
        self._handle: SimulatorHandle | None = None
        self._error: SettingsError | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None

    @property
    def base_url(self) -> str:
        """The address that clients take as base URL."""
        return self._running.base_url

    @property
    def requests_seen(self) -> int:
        """How many requests came so far."""
        return self._running.requests_seen

    def set_fault(self, text: str | None) -> None:
        """Answer every request with this fault from now on, as `SimulatorHandle.set_fault`."""
        self._running.set_fault(text)

    def visits(self) -> list[Visit]:
        """Return every request that is remembered and what became of it."""
        return self._running.visits()

    def conduct(self) -> list[ClientConduct]:
        """Return what each client did, and what it did wrong."""
        return self._running.conduct()

    def start(self) -> Self:
        """Start and wait until it listens.

        Raises:
            SettingsError: the address cannot be listened on.
        """
        self._thread.start()
        self._is_started.wait(_START_TIMEOUT_S)
        if self._error is not None:
            raise self._error
        return self

    def stop(self) -> None:
        """Stop, and wait until the thread has ended."""
        if self._loop is not None and self._stop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed already
                self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(_STOP_TIMEOUT_S)

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop."""
        self.stop()

    @property
    def _running(self) -> SimulatorHandle:
        if self._handle is None:
            raise SettingsError("the simulator is not running", hint="use it in a `with` block")
        return self._handle

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=find_loop_factory()) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        try:
            async with running_simulator(self._config, *self._address) as self._handle:
                self._is_started.set()
                await self._stop.wait()
        except SettingsError as error:
            self._error = error
            self._is_started.set()


def serve_forever(
    config: SimulatorConfig,
    host: str,
    port: int,
    announce: Callable[[str], None],
) -> None:
    """Run a simulator until SIGINT or SIGTERM, then stop it cleanly and return.

    Args:
        config: what it is told.
        host: where to listen.
        port: where to listen, 0 for any free one.
        announce: called with the base URL once it listens.

    Raises:
        SettingsError: the address cannot be listened on.
    """
    with asyncio.Runner(loop_factory=find_loop_factory()) as runner:
        runner.run(_serve(config, host, port, announce))


async def _serve(
    config: SimulatorConfig,
    host: str,
    port: int,
    announce: Callable[[str], None],
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with running_simulator(config, host, port) as handle:
        announce(handle.base_url)
        await stop.wait()

"""Where every client can be seen: in each library the one method that all requests pass.

These methods are private in part, so a patch ends with a self-test, and where one is gone a public
one is patched instead. Mock libraries replace what is below, so they keep working and their calls
are seen too. A library that nobody has imported is patched when it is.
"""

import importlib
import importlib.util
import sys
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from types import ModuleType

from l9gate.errors import SeamError
from l9gate.observe import seam_aiohttp, seam_httpx, seam_requests
from l9gate.observe.imports import ImportWatch
from l9gate.observe.passage import Entrance, Passage, R, is_passing, target_of
from l9gate.observe.patches import Patch
from l9gate.observe.versions import check_versions, requirement_of
from l9gate.observe.watch import Handler, HttpRequest, Tap, Watch

SELF_TEST_URL = "http://l9gate-self-test.invalid/"
Route = Callable[[HttpRequest], str | None]


@dataclass(frozen=True, slots=True)
class Library:
    """How the clients of one library are observed."""

    name: str
    patch: Callable[[ModuleType, Entrance], list[Patch]]
    send: Callable[[ModuleType, str], None]  # sends to a URL in every way, without a network
    ways: int


LIBRARIES = (
    Library("httpx2", seam_httpx.patch, seam_httpx.send_each_way, 2),
    Library("httpx", seam_httpx.patch, seam_httpx.send_each_way, 2),
    Library("requests", seam_requests.patch, seam_requests.send_each_way, 1),
    Library("aiohttp", seam_aiohttp.patch, seam_aiohttp.send_each_way, 2),
)
SDK_LIBRARIES = ("httpx2", "httpx")  # the first that is installed is imported, to test it at start


class _Probe:
    """Counts the requests of the self-test of one seam."""

    def __init__(self, seam: "Seam") -> None:
        self.seam = seam
        self.seen = 0


_probe: ContextVar[_Probe | None] = ContextVar("l9gate_probe", default=None)


class Seam:
    """Calls its handlers for every request of every client, existing ones included."""

    def __init__(self) -> None:
        self._handlers: tuple[Handler, ...] = ()
        self._patches: list[Patch] = []
        self._imports: ImportWatch | None = None
        self._route: Route | None = None

    def install(self, handler: Handler) -> None:
        """Add a handler; the first one patches the libraries, now or when they are imported.

        Raises:
            SeamError: an installed library cannot be observed, or not in this version.
        """
        if self._imports is None:
            try:
                self._start()
            except BaseException:
                self._stop()
                raise
        self._handlers = (*self._handlers, handler)

    def remove(self, handler: Handler) -> None:
        """Take a handler away; the last one restores the libraries."""
        self._handlers = tuple(kept for kept in self._handlers if kept is not handler)
        if not self._handlers:
            self._stop()

    def import_installed(self) -> tuple[str, ...]:
        """Import every library that is installed, so that all are tested; return their names.

        Raises:
            SeamError: one of them cannot be observed.
        """
        names = [library.name for library in LIBRARIES]
        installed = tuple(name for name in names if importlib.util.find_spec(name) is not None)
        for name in installed:
            importlib.import_module(name)
        return installed

    def set_route(self, route: Route | None) -> None:
        """Have the destination of every request asked for, while a handler is installed.

        Args:
            route: is asked before a request is sent; where it returns a base URL
                (scheme://host[:port]) the request goes there instead, with the same path. Handlers
                see the request as it is sent. None lets every request go where it wants to.
        """
        self._route = route

    def enter(self, request: R, reroute: Callable[[R, str], None]) -> Passage | None:
        """See `Entrance.enter`."""
        probe = _probe.get()
        if probe is not None and probe.seam is self:
            probe.seen += str(request.url) == SELF_TEST_URL
            return None
        if is_passing(request):
            return None
        base_url = None if self._route is None else self._route(request)
        if base_url is not None:
            reroute(request, base_url)
        watches: list[Watch] = []
        try:
            for handler in self._handlers:
                watch = handler.begin(request)
                if watch is not None:
                    watches.append(watch)
        except BaseException as error:
            Tap(watches).ended(error)
            raise
        return Passage(watches, target_of(request)) if watches else None

    def _start(self) -> None:
        check_versions()
        for name in SDK_LIBRARIES:
            if importlib.util.find_spec(name) is not None:
                importlib.import_module(name)
                break
        absent = [library.name for library in LIBRARIES if library.name not in sys.modules]
        self._imports = ImportWatch(absent, self._patch)
        self._imports.start()
        for library in LIBRARIES:
            module = sys.modules.get(library.name)
            if library.name not in absent and isinstance(module, ModuleType):  # and no test double
                self._patch(module)

    def _stop(self) -> None:
        if self._imports is not None:
            self._imports.stop()
            self._imports = None
        for patch in self._patches:
            patch.undo()
        self._patches.clear()

    def _patch(self, module: ModuleType) -> None:
        library = next(found for found in LIBRARIES if found.name == module.__name__)
        patches: list[Patch] = []
        try:
            try:
                patches = library.patch(module, self)
            except AttributeError as error:
                raise _error(module, f"{error}") from error
            self._patches += patches
            self._test(library, module)
        except BaseException:
            for patch in patches:
                patch.undo()
                self._patches.remove(patch)
            raise

    def _test(self, library: Library, module: ModuleType) -> None:
        """Send through a mock transport in every way, and see whether it is seen."""
        probe = _Probe(self)
        token = _probe.set(probe)
        try:
            library.send(module, SELF_TEST_URL)
        except (AttributeError, TypeError) as error:
            raise _error(module, f"{error}") from error
        finally:
            _probe.reset(token)
        if probe.seen != library.ways:
            raise _error(module, f"{probe.seen} of {library.ways} requests were seen")


def _error(module: ModuleType, found: str) -> SeamError:
    version = getattr(module, "__version__", "?")
    return SeamError(
        f"observer self-test failed: {module.__name__} {version}: {found}",
        hint=f'pip install "{requirement_of(module.__name__)}", or a newer l9gate',
    )

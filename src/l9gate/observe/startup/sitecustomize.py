"""Runs when a Python child of a gated test session starts; afterwards it is as if it had not.

The session names its folder in `L9GATE_WATCH`. While a unit test runs there, nothing here may leave
this machine; while one of a real layer runs, the calls made here are recorded. A fault of ours
leaves the child alone. `L9GATE_OFF=1` switches it off. Every import here costs each child's start.
"""

from __future__ import annotations

import os
import sys
from _frozen_importlib_external import SourceFileLoader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

HERE = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - pathlib is slow to load
HTTP_LIBRARIES = frozenset({"httpx2", "httpx", "requests", "aiohttp"})
LOOP = "uvloop"


def load(name: str) -> ModuleType:
    """Load a module of `l9gate.observe` from its file: l9gate itself may not be installed here."""
    path = f"{os.path.dirname(HERE)}/{name}.py"  # noqa: PTH120
    module = type(sys)(f"_l9gate_{name}")
    module.__file__ = path
    SourceFileLoader(module.__name__, path).exec_module(module)
    return module


class Guard:
    """Asks the session whether what leaves this machine may do so, and tells it of a refusal."""

    def __init__(self, folder: str) -> None:
        self._border = load("border")
        self._page = load("page")
        self._folder = folder
        self._last: dict[str, str] = {}
        self._last = self._read()
        self._started_by = self._last.get("guarded", "")

    def notice(self, event: str, arguments: tuple[object, ...]) -> None:
        """Take an audit event."""
        index = self._border.TARGETS.get(event)
        if index is not None:
            self.ask(event, arguments[index])

    def ask(self, event: str, target: object) -> None:
        """Refuse what a unit test must not reach.

        Raises:
            PermissionError: it would leave this machine.
        """
        try:
            message = self._refusal(event, target)
        except Exception as fault:  # noqa: BLE001 - our fault is never the application's error
            say(fault)
            return
        if message is not None:
            raise PermissionError(13, message)

    def watch_loops(self, module: ModuleType) -> None:
        """Ask for what uvloop does, which raises no audit events."""
        self._border.watch_loop(module.Loop, self.ask)

    def _refusal(self, event: str, target: object) -> str | None:
        destination = self._border.find_destination(event, target)
        if destination is None:
            return None
        self._last = self._read()
        test = self._last.get("guarded")
        if not test:
            return None
        self._tell(destination, test)
        return f"unit test `{test}` reached for the network: {destination}"

    def _read(self) -> dict[str, str]:
        """Return the page; once the session is over, what it said last still counts."""
        found: dict[str, str] | None = self._page.read_page(f"{self._folder}/{self._page.PAGE}")
        return self._last if found is None else found

    def _tell(self, destination: str, test: str) -> None:
        place = self._border.find_place(sys._getframe(3), self._last.get("root", ""))  # noqa: SLF001
        fields = {
            "destination": destination,
            "test": test,
            "started_by": self._started_by,
            "place": place or "",
            "pid": str(os.getpid()),
            "program": (getattr(sys, "argv", None) or ["python"])[0],
        }
        try:
            self._page.append_line(f"{self._folder}/{self._page.REFUSED}", fields)
        except OSError:
            return  # the session is over: refused all the same


class FirstImports:
    """Waits on `sys.meta_path` for the first import that matters, and then really looks."""

    def __init__(self, guard: Guard, names: frozenset[str]) -> None:
        self._guard = guard
        self._names = names

    def find_spec(self, name: str, path: object = None, target: object = None) -> object:
        """Find nothing; only start to watch the import that is going on."""
        if name not in self._names:
            return None
        sys.meta_path.remove(self)  # type: ignore[arg-type]
        watch = load("imports").ImportWatch
        loops = watch((LOOP,), self._guard.watch_loops)
        libraries = watch(self._names - {LOOP}, Recording())
        for each in (loops, libraries):
            each.start()
        return (loops if name == LOOP else libraries).find_spec(name, path, target)


class Recording:
    """Starts the recorder once, when a library that can send has been imported."""

    is_begun = False

    def __call__(self, module: ModuleType) -> None:  # noqa: ARG002 - which one does not matter
        """Start it; l9gate may be absent, where the child has another environment."""
        if not self.is_begun:
            self.is_begun = True
            try:
                import importlib

                child = importlib.import_module("l9gate.observe.child")
                child.observe_child(os.environ["L9GATE_WATCH"])
            except Exception as fault:  # noqa: BLE001 - never the application's error
                say(fault)


def begin() -> None:
    """Do what the session wants of its children."""
    folder = os.environ.get("L9GATE_WATCH", "")
    if os.environ.get("L9GATE_OFF") == "1" or not os.path.isdir(folder):  # noqa: PTH112
        return
    guard = Guard(folder)
    sys.addaudithook(guard.notice)
    is_recorded = os.path.exists(f"{folder}/facts")  # noqa: PTH110
    names = HTTP_LIBRARIES | {LOOP} if is_recorded else frozenset({LOOP})
    sys.meta_path.insert(0, FirstImports(guard, names))  # type: ignore[arg-type]


def say(fault: Exception) -> None:
    """Tell whoever looks for it why this process is not watched."""
    if os.environ.get("L9GATE_DEBUG"):
        sys.stderr.write(f"l9gate: a child process is not watched: {fault!r}\n")


try:
    begin()
except Exception as fault:  # noqa: BLE001 - our fault is never the application's error
    say(fault)
finally:
    sys.path[:] = [path for path in sys.path if os.path.abspath(path) != HERE]  # noqa: PTH100
    del sys.modules["sitecustomize"]
# The one that ours stands before; `site` expects an ImportError where there is none.
import sitecustomize  # type: ignore[import-not-found] # noqa: E402, F401

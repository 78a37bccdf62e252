"""What makes a pass worth less than it seems: mocks, replaced functions, clocks, rewritten reports.

Nothing here changes a test. Remarks name objects and places, never values.
"""

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import cast

import pytest

from l9gate.evidence.records import Remark, RemarkKind
from l9gate.observe.watch import HttpRequest
from l9gate.pytest_plugin.outcomes import location_of

_MAX_REMARKS = 5
_COUNTED = "_increment_mock_call"  # passed by every call of every mock, sync and async
# What users of the SDK replace: (module, class, methods).
_CLIENT_METHODS = (
    ("anthropic.resources.messages.messages", "Messages", ("create", "stream", "count_tokens")),
    ("anthropic.resources.messages.messages", "AsyncMessages", ("create", "stream")),
    ("anthropic._base_client", "SyncAPIClient", ("post", "request", "_request")),
    ("anthropic._base_client", "AsyncAPIClient", ("post", "request", "_request")),
    ("httpx2", "Client", ("send", "request", "post")),
    ("httpx2", "AsyncClient", ("send", "request", "post")),
)
_CLOCKS = ("time", "monotonic", "perf_counter", "perf_counter_ns", "sleep")
_CALLS = frozenset({"create", "stream", "count_tokens"})
_Count = Callable[..., object]


class TrickWatch:
    """Collects the remarks about the test that runs; one for each process."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._clocks = {name: getattr(time, name) for name in _CLOCKS}
        self._known: dict[tuple[str, str, str], object] = {}
        self._remarks: dict[Remark, None] = {}
        self._undo: Callable[[], None] | None = None
        self._is_real = False

    def begin_test(self, *, is_real: bool) -> None:
        """Forget the last test; only tests of real layers have a client worth replacing."""
        self._remarks.clear()
        self._is_real = is_real
        if is_real:
            self._learn_methods()
            self._watch_mocks()

    def begin(self, request: HttpRequest) -> None:  # noqa: ARG002 - a handler of the seam
        """Look at the clock: a call is about to be made."""
        patched = [name for name, real in self._clocks.items() if getattr(time, name) is not real]
        if patched and self._is_real:
            self._remark(RemarkKind.CLOCK, ", ".join(f"time.{name}" for name in patched))

    def look_at_methods(self) -> None:
        """Note which methods of the client are replaced now, which they were not at the start."""
        for (module, owner, name), before in self._known.items():
            now = _find(sys.modules.get(module), owner, name)
            if now is not before and not _wraps(now, before):
                self._remark(RemarkKind.STAND_IN, f"{_named(now)} in place of `{owner}.{name}`")

    def note_report(self, call: pytest.CallInfo[None], report: pytest.TestReport) -> None:
        """Note a report of success about a phase that raised."""
        error = call.excinfo
        if error is None or not report.passed or hasattr(report, "wasxfail"):
            return
        place = location_of(error, self._root)
        self._remark(RemarkKind.REWRITTEN, f"{error.type.__name__} at {place or '?'}")

    def remarks(self) -> tuple[Remark, ...]:
        """Return what was noticed about the test."""
        return tuple(self._remarks)

    def stop(self) -> None:
        """Leave mocks as they were found."""
        if self._undo is not None:
            self._undo()
            self._undo = None

    def _remark(self, kind: RemarkKind, detail: str) -> None:
        if len(self._remarks) < _MAX_REMARKS:
            self._remarks[Remark(kind=kind, detail=detail)] = None

    def _learn_methods(self) -> None:
        for module, owner, names in _CLIENT_METHODS:
            loaded = sys.modules.get(module)
            for name in names if loaded is not None else ():
                if (module, owner, name) not in self._known:
                    found = _find(loaded, owner, name)
                    if found is not None:
                        self._known[module, owner, name] = found

    def _watch_mocks(self) -> None:
        """Be told of every call of a mock; `unittest.mock` may be imported at any time."""
        if self._undo is not None or "unittest.mock" not in sys.modules:
            return
        mixin = getattr(sys.modules["unittest.mock"], "CallableMixin", None)
        count = cast("_Count | None", getattr(mixin, _COUNTED, None))
        if mixin is None or count is None:
            return

        def counted(mock: object, *args: object, **kwargs: object) -> object:
            if self._is_real:
                self._note_mock(mock)
            return count(mock, *args, **kwargs)

        setattr(mixin, _COUNTED, counted)
        self._undo = lambda: setattr(mixin, _COUNTED, count)

    def _note_mock(self, mock: object) -> None:
        name, is_client = _mock_name(mock)
        kind = RemarkKind.STAND_IN if is_client else RemarkKind.MOCK
        self._remark(kind, f"{type(mock).__name__} `{name}`")


def _mock_name(mock: object) -> tuple[str, bool]:
    """Return the dotted name of a mock, and whether it looks like one of the client."""
    extract = cast("Callable[[], str] | None", getattr(mock, "_extract_mock_name", None))
    name = extract() if extract is not None else "mock"
    spec = getattr(mock, "_spec_class", None)
    if (getattr(spec, "__module__", None) or "").partition(".")[0] == "anthropic":
        return f"{name} of {getattr(spec, '__name__', '?')}", True
    steps = name.replace("()", "").lower().split(".")
    is_client = bool({"messages", "anthropic", "asyncanthropic"} & set(steps))
    return name, is_client or steps[-1] in _CALLS


def _find(module: ModuleType | None, owner: str, name: str) -> object:
    return getattr(getattr(module, owner, None), name, None)


def _wraps(found: object, original: object) -> bool:
    """Whether a function is around the original one, as instrumentation is."""
    return any(step is original for step in _unwrapped(found))


def _unwrapped(found: object) -> Iterator[object]:
    for _ in range(20):  # a mock has an attribute `__wrapped__` for ever, if it is asked
        found = vars(found).get("__wrapped__") if hasattr(found, "__dict__") else None
        if found is None:
            return
        yield found


def _named(found: object) -> str:
    name = getattr(found, "__qualname__", None)
    return f"`{name}`" if isinstance(name, str) else type(found).__name__

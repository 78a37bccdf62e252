"""No network in the unit layer: loopback and Unix sockets are allowed, the rest is refused.

Three lines, each for what the one before cannot see: the interpreter's audit events and the loops
that raise none (with the line of the application); the start-up hook of Python children; and a
filter in the kernel for native clients and children of any kind.
"""

import errno
import os
import sys
import threading
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from l9gate.errors import NetworkRefusedError
from l9gate.observe import sockets
from l9gate.observe.border import find_destination, find_place
from l9gate.observe.children import Children
from l9gate.observe.mocks import describe_blind_mocks
from l9gate.observe.watch import HttpRequest

__all__ = ["NetworkGuard", "Refusal", "find_destination"]

_HINT = "hand in a transport or a fake; loopback and Unix sockets are allowed"
_HTTPX2 = ("httpx2", "httpcore2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One attempt to leave this machine."""

    destination: str
    test: str  # that ran meanwhile
    place: str | None = None  # file:line of the application
    sender: str = ""  # unless it was the test's own thread
    mocks: str | None = None  # what a mock library did not see

    def error(self) -> NetworkRefusedError:
        """Return what the test fails with."""
        place = f" at {self.place}" if self.place else ""
        mocks = f" ({self.mocks})" if self.mocks else ""
        found = NetworkRefusedError(
            f"unit test `{self.test}` reached for the network: {self.destination}"
            f"{place}{self.sender}{mocks}",
            hint=_HINT,
        )
        found.add_note(f"hint: {_HINT}")  # which pytest shows
        return found


@dataclass(frozen=True, slots=True)
class _Asked:
    """Which line of the application sent the request that this context works on."""

    place: str | None
    is_httpx2: bool


# Tasks of a transport inherit it, on whose own stack the application is not.
_asked: ContextVar[_Asked | None] = ContextVar("l9gate_asked", default=None)


class NetworkGuard:
    """Refuses, while a unit test runs, whatever would leave this machine.

    The SDK wraps any exception of a connection and tries again, and an application may then fall
    back, so that a refusal alone would pass unseen: what was refused is kept for whoever ends the
    test. What a thread of an earlier test does between two tests fails the next one, by name.
    """

    def __init__(self, root: str = "", children: Children | None = None) -> None:
        """Take the project's folder, and the processes that its tests start."""
        self._root = root
        self._children = children
        self._process = os.getpid()
        self._test: str | None = None
        self._refused: list[Refusal] = []

    @property
    def is_on(self) -> bool:
        """Whether anything is refused now."""
        return self._test is not None

    def start(self, test: str) -> None:
        """Refuse from now on, in the name of this test."""
        sockets.install_hook()
        self._test = test
        sockets.set_refusal(self._check)
        if self._children is not None:
            self._children.guard(test)

    def stop(self) -> None:
        """Let everything pass again."""
        sockets.set_refusal(None)
        self._test = None
        if self._children is not None:
            self._children.guard(None)

    def begin(self, request: HttpRequest) -> None:
        """Note who sends a request, as a handler of the seam that follows none."""
        if self.is_on:
            place = find_place(sys._getframe(1), self._root)  # noqa: SLF001 - the only way to it
            _asked.set(_Asked(place, type(request).__module__.startswith(_HTTPX2)))

    def forget_refused(self) -> None:
        """Take note that the test failed anyway."""
        self.take_refused()

    def take_refused(self) -> list[Refusal]:
        """Return, once, all that was refused since the last time, in children too."""
        found, self._refused = self._refused, []
        if self._children is not None:
            found += [_refusal_of(fields) for fields in self._children.take_refused()]
        return found

    def raise_refused(self) -> None:
        """Fail if anything was refused since the last time.

        Raises:
            NetworkRefusedError: the test reached for the network.
        """
        if self.is_on:
            for refusal in self.take_refused():
                raise refusal.error()

    def _check(self, event: str, target: object) -> None:
        destination = find_destination(event, target)
        if destination is None:
            return
        if os.getpid() != self._process:
            self._check_forked(destination)
        elif self._test is not None:
            refusal = self._refusal(destination, sys._getframe(1), self._test)  # noqa: SLF001
            self._refused.append(refusal)
            raise refusal.error()

    def _check_forked(self, destination: str) -> None:
        """Refuse in a process that was forked from the tests' own, and tell the latter."""
        test = None if self._children is None else self._children.read_guarded()
        if test is not None and self._children is not None:
            refusal = self._refusal(destination, sys._getframe(2), test)  # noqa: SLF001
            self._children.tell_refused(destination, test, refusal.place)
            raise PermissionError(errno.EACCES, str(refusal.error()))  # as in any other child

    def _refusal(self, destination: str, frame: FrameType, test: str) -> Refusal:
        asked = _asked.get() or _Asked(None, is_httpx2=False)
        is_httpx2 = asked.is_httpx2 or _passed_httpx2(frame)
        thread = threading.current_thread()
        is_own = thread is threading.main_thread()
        return Refusal(
            destination=destination,
            test=test,
            place=find_place(frame, self._root) or asked.place,
            sender="" if is_own else f", in thread `{thread.name}`",
            mocks=describe_blind_mocks() if is_httpx2 else None,
        )


def _passed_httpx2(start: FrameType) -> bool:
    frame: FrameType | None = start
    while frame is not None:
        if str(frame.f_globals.get("__name__", "")).startswith(_HTTPX2):
            return True
        frame = frame.f_back
    return False


def _refusal_of(fields: dict[str, str]) -> Refusal:
    """Return the refusal that a child, or the filter in the kernel, tells of."""
    test, started_by, program = (fields.get(x, "") for x in ("test", "started_by", "program"))
    sender = ", in native code that raises no audit events"
    if program:
        is_older = started_by not in ("", test)
        at = fields.get("started_at")
        started = f", started by `{started_by}`" if is_older else f", started at {at}" if at else ""
        sender = f", in child process `{Path(program).name}`{started}"
    return Refusal(
        destination=fields.get("destination", "?"),
        test=test,
        place=fields.get("place") or None,
        sender=sender,
    )

"""Whose work is going on: the test, or the fixture being set up, that an exchange belongs to."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from l9gate.evidence.records import Layer
from l9gate.observe.page import read_page


@dataclass(frozen=True, slots=True)
class Owner:
    """Somebody whom exchanges, signals and gauges belong to."""

    id: str  # node id of a test, or id of a fixture instance
    layer: Layer | None


class _Process:
    """The owner of whatever has no context of its own."""

    owner: Owner | None = None
    listener: Callable[[Owner | None], None] | None = None
    elsewhere: Callable[[], Owner | None] | None = None


_context: ContextVar[Owner | None] = ContextVar("l9gate_owner", default=None)


def current_owner() -> Owner | None:
    """Return the owner of this context, else the process's current one, else None.

    Tasks inherit context variables and so keep their owner. Threads do not, which is why the
    process's current test stands behind them.
    """
    found = _context.get() or _Process.owner
    if found is None and _Process.elsewhere is not None:
        return _Process.elsewhere()
    return found


def set_listener(listener: Callable[[Owner | None], None] | None) -> None:
    """Have every change of the process's owner told, for its children."""
    _Process.listener = listener


def read_owner(page: str) -> Owner | None:
    """Return whose work the process that runs the tests is doing, as its page says."""
    fields = read_page(page) or {}
    if not fields.get("owner"):
        return None
    return Owner(fields["owner"], Layer(fields["layer"]) if fields.get("layer") else None)


def follow(elsewhere: Callable[[], Owner | None]) -> None:
    """Ask for the owner from now on: this is a child of the process that runs the tests."""
    _Process.owner = _Process.listener = None
    _context.set(None)
    _Process.elsewhere = elsewhere


@contextmanager
def owned_by(owner: Owner) -> Iterator[None]:
    """Make everything that happens meanwhile belong to the owner."""
    before = _Process.owner
    token = _context.set(owner)
    _change(owner)
    try:
        yield
    finally:
        _context.reset(token)
        _change(before)


def _change(owner: Owner | None) -> None:
    _Process.owner = owner
    if _Process.listener is not None:
        _Process.listener(owner)

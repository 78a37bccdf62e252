"""Whose work is going on: the test, or the fixture being set up, that an exchange belongs to."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from l9gate.evidence.records import Layer


@dataclass(frozen=True, slots=True)
class Owner:
    """Somebody whom exchanges, signals and gauges belong to."""

    id: str  # node id of a test, or id of a fixture instance
    layer: Layer | None


class _Process:
    """The owner of whatever has no context of its own."""

    owner: Owner | None = None


_context: ContextVar[Owner | None] = ContextVar("l9gate_owner", default=None)


def current_owner() -> Owner | None:
    """Return the owner of this context, else the process's current one, else None.

    Tasks inherit context variables and so keep their owner. Threads do not, which is why the
    process's current test stands behind them.
    """
    return _context.get() or _Process.owner


@contextmanager
def owned_by(owner: Owner) -> Iterator[None]:
    """Make everything that happens meanwhile belong to the owner."""
    before = _Process.owner
    _Process.owner = owner
    token = _context.set(owner)
    try:
        yield
    finally:
        _context.reset(token)
        _Process.owner = before

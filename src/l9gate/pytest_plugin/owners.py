"""To which tests the work of a shared fixture belongs: to all that depend on it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from l9gate.observe.attribution import Owner, current_owner, owned_by
from l9gate.wire.redaction import Redactor

_OWN_SCOPE = "function"  # such a fixture is set up for one test, whose work it is


def node_id_of(item: pytest.Item) -> str:
    """Return the node id of a test as it is recorded: a parameter may be a key."""
    return redact(item.nodeid)


def redact(text: str) -> str:
    """Return what somebody wrote into a test without the keys of this process."""
    return Redactor.of_environ(os.environ).redact(text)


class FixtureOwners:
    """Gives every instance of a shared fixture an owner id, and knows which test uses which."""

    def __init__(self, process: str) -> None:
        self._process = process
        self._count = 0
        self._ids: dict[pytest.FixtureDef[object], str] = {}
        self._uses: dict[str, set[str]] = {}  # owner → the owners it asked for
        self._setting_up: list[str] = []

    @contextmanager
    def setting_up(self, fixture: pytest.FixtureDef[object]) -> Iterator[None]:
        """Make everything that happens meanwhile belong to a new instance of the fixture."""
        if fixture.scope == _OWN_SCOPE:
            yield
            return
        self._count += 1
        owner_id = f"fixture:{fixture.baseid}::{fixture.argname}#{self._process}.{self._count}"
        self._ids[fixture] = owner_id
        if self._setting_up:
            self._uses.setdefault(self._setting_up[-1], set()).add(owner_id)
        asking = current_owner()
        self._setting_up.append(owner_id)
        try:
            with owned_by(Owner(owner_id, None if asking is None else asking.layer)):
                yield
        finally:
            self._setting_up.pop()

    def forget(self, fixture: pytest.FixtureDef[object]) -> None:
        """Take note that the instance was torn down."""
        self._ids.pop(fixture, None)

    def of(self, item: pytest.Item) -> set[str]:
        """Return the owner ids of all fixtures that a test uses right now."""
        found = {self._ids[fixture] for fixture in _fixtures_of(item) if fixture in self._ids}
        waiting = list(found)
        while waiting:
            for used in self._uses.get(waiting.pop(), ()):
                if used not in found:
                    found.add(used)
                    waiting.append(used)
        return found


def _fixtures_of(item: pytest.Item) -> Iterator[pytest.FixtureDef[object]]:
    """Yield what the test declares and, from the request, what it asked for by name."""
    declared = getattr(getattr(item, "_fixtureinfo", None), "name2fixturedefs", {})
    for fixtures in declared.values():
        yield from fixtures
    yield from getattr(getattr(item, "_request", None), "_fixture_defs", {}).values()

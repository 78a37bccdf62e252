"""Which tests a negative control runs, and in which order."""

import functools
import re
from pathlib import Path

import pytest

from l9gate.evidence.sightings import Orders
from l9gate.pytest_plugin.layers import LayerMap

_SPEAKS_OF_API = re.compile(rb"anthropic|claude|messages\.create", re.IGNORECASE)


class Selection:
    """Takes tests by their node id, or by their layer, or all of them."""

    def __init__(self, root: Path, orders: Orders, layers: LayerMap | None) -> None:
        self.offline: list[str] = []  # tests that are exempt, and are not run
        self._layers = layers
        self._wanted_layers = frozenset(orders.layers)
        self._names = None if orders.selected is None else frozenset(orders.selected)
        names = orders.selected or ()
        self._files = {(root / name.partition("::")[0]).resolve() for name in names}

    def may_hold(self, path: Path) -> bool:
        """Whether a file or folder may hold tests that are asked for."""
        return self._names is None or not path.is_file() or path.resolve() in self._files

    def takes(self, item: pytest.Item) -> bool:
        """Whether a test is asked for."""
        if item.get_closest_marker("offline") is not None:
            self.offline.append(item.nodeid)
            return False
        if self._names is not None:
            return item.nodeid in self._names
        return self._layers is None or self._layers.layer_of(item) in self._wanted_layers

    def order(self, items: list[pytest.Item]) -> list[pytest.Item]:
        """Put the tests of files that speak of the API first; files stay together.

        If time runs out, what matters has been run by then. The tests of a project with layers
        stay as they are.
        """
        if self._layers is not None or self._names is not None:
            return items
        return sorted(items, key=lambda item: not _speaks_of_api(item.path))


@functools.cache
def _speaks_of_api(path: Path) -> bool:
    try:
        return bool(_SPEAKS_OF_API.search(path.read_bytes()))
    except OSError:
        return False

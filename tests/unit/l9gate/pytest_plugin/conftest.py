"""Stand-ins for pytest's objects: only what the plug-in asks of them."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

MakeItem = Callable[..., pytest.Item]


@pytest.fixture
def make_item(tmp_path: Path) -> MakeItem:
    """Return `make_item(path, *marks, **attributes)`: a test in a file below `tmp_path`."""

    def make(
        path: str = "tests/unit/test_a.py", *marks: object, **attributes: object
    ) -> pytest.Item:
        found = [getattr(mark, "mark", mark) for mark in marks]

        def iter_markers(name: str | None = None) -> list[object]:
            return [mark for mark in found if name in (None, getattr(mark, "name", None))]

        item = SimpleNamespace(
            path=tmp_path / path,
            nodeid=f"{path}::test_a",
            location=(path, 6, "test_a"),
            fixturenames=(),
            iter_markers=iter_markers,
            get_closest_marker=lambda name: next(iter(iter_markers(name)), None),
            config=SimpleNamespace(rootpath=tmp_path),
        )
        item.__dict__.update(attributes)
        return cast("pytest.Item", item)

    return make

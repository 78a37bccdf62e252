"""Which layer a test belongs to: by its path and its markers."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from _pytest.mark import MarkMatcher
from _pytest.mark.expression import Expression

from l9gate.evidence.records import Layer
from l9gate.store.settings import LayerSettings

FOREIGN_FIXTURE = "benchmark"  # of pytest-benchmark, whose tests measure something else


@dataclass(frozen=True, slots=True)
class _Claim:
    """One path of one layer."""

    layer: Layer
    path: Path
    marker: Expression | None


class LayerMap:
    """Maps tests to layers as `[tool.l9gate.layers]` says; the deepest path wins."""

    def __init__(self, root: Path, layers: Mapping[Layer, LayerSettings]) -> None:
        claims = [
            _Claim(layer, (root / path).resolve(), _compiled(settings.marker))
            for layer, settings in layers.items()
            for path in settings.paths
        ]
        self._claims = sorted(claims, key=lambda claim: len(claim.path.parts), reverse=True)
        self._claims_on: dict[Path, tuple[_Claim, ...]] = {}  # asked several times for each test

    def layer_of(self, item: pytest.Item) -> Layer | None:
        """Return the layer of a test; None if no layer claims it."""
        if FOREIGN_FIXTURE in getattr(item, "fixturenames", ()):
            return None
        return self.find(item.path, MarkMatcher.from_markers(item.iter_markers()))

    def layer_of_file(self, path: Path) -> Layer | None:
        """Return the layer of a file, as far as its path tells it."""
        return self.find(path, lambda *_, **__: False)

    def find(self, path: Path, has_marker: Callable[..., bool]) -> Layer | None:
        """Return the layer of a file with the given markers.

        Args:
            path: the file of the test.
            has_marker: as `MarkMatcher`: called with the name of a marker.
        """
        found = self._claims_on.get(path)
        if found is None:
            resolved = path.resolve()
            found = tuple(
                claim
                for claim in self._claims
                if resolved == claim.path or claim.path in resolved.parents
            )
            self._claims_on[path] = found
        for claim in found:
            if claim.marker is None or claim.marker.evaluate(has_marker):
                return claim.layer
        return None

    def guess(self, paths: Iterable[Path], marker: str) -> tuple[Layer, ...]:
        """Return the layers that a command line may select, before anything is collected.

        Args:
            paths: files and folders named there.
            marker: the expression after `-m`, or an empty string.
        """
        asked = [path.resolve() for path in paths]
        wanted = _compiled(marker)
        found = {
            claim.layer
            for claim in self._claims
            if any(_overlap(path, claim.path) for path in asked)
            and (wanted is None or claim.marker is None or _may_match(wanted, claim.marker))
        }
        return tuple(layer for layer in Layer if layer in found)

    def covers(self, layer: Layer, paths: Iterable[Path]) -> bool:
        """Whether all of a layer's paths are among, or inside of, the given ones."""
        given = [path.resolve() for path in paths]
        return all(
            any(path == claim.path or path in claim.path.parents for path in given)
            for claim in self._claims
            if claim.layer is layer
        )


def _compiled(expression: str | None) -> Expression | None:
    return Expression.compile(expression) if expression else None


def _overlap(one: Path, other: Path) -> bool:
    return one == other or one in other.parents or other in one.parents


def _may_match(wanted: Expression, declared: Expression) -> bool:
    """Whether tests with exactly the declared markers are among the wanted ones."""
    names: set[str] = set()

    def note(name: str, /, **_: str | int | bool | None) -> bool:
        names.add(name)
        return True

    declared.evaluate(note)
    return wanted.evaluate(lambda name, /, **_: name in names)

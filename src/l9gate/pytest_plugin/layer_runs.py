"""How many tests of each layer there were, and how long they took together."""

from collections.abc import Iterable, Mapping

import pytest

from l9gate.evidence.records import Layer, LayerRun

ATTRIBUTE = "l9gate_layer"  # on each report, so that an xdist controller knows the layer too


class LayerRuns:
    """Counts and times the layers of one pytest session."""

    def __init__(self, started_s: float) -> None:
        self._started_s = started_s
        self._collected: dict[Layer, int] = {}
        self._selected: dict[Layer, int] = {}
        self._spans: dict[Layer, tuple[float, float]] = {}
        self._others: set[str] = set()

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers that tests were selected of."""
        return tuple(layer for layer in Layer if self._selected.get(layer))

    @property
    def had_deselected(self) -> bool:
        """Whether tests of these layers were collected and then left out, as by `-k`."""
        return any(self._selected[layer] < self._collected.get(layer, 0) for layer in self.layers)

    @property
    def ungated(self) -> int:
        """How many tests ran that belong to no layer."""
        return len(self._others)

    def count_collected(self, layers: Iterable[Layer | None]) -> None:
        """Take note of all tests, before any is deselected."""
        self._collected = _count(layers)

    def count_selected(self, layers: Iterable[Layer | None]) -> None:
        """Take note of the tests that are going to run."""
        self._selected = _count(layers)

    def export(self) -> dict[str, list[int]]:
        """Return the counts as an xdist worker sends them to its controller."""
        return {
            layer.value: [self._collected.get(layer, 0), self._selected.get(layer, 0)]
            for layer in self.layers
        }

    def merge(self, counts: Mapping[str, list[int]]) -> None:
        """Take in a worker's counts; all workers collect the same tests."""
        for name, (collected, selected) in counts.items():
            layer = Layer(name)
            self._collected[layer] = max(collected, self._collected.get(layer, 0))
            self._selected[layer] = max(selected, self._selected.get(layer, 0))

    def add(self, report: pytest.TestReport) -> None:
        """Take note of when one phase of a test began and ended."""
        name = getattr(report, ATTRIBUTE, None)
        if name is None:
            self._others.add(report.nodeid)
            return
        start_s, stop_s = self._spans.get(Layer(name), (report.start, report.stop))
        self._spans[Layer(name)] = (min(start_s, report.start), max(stop_s, report.stop))

    def build(self, now_s: float, exit_status: int) -> list[LayerRun]:
        """Return the records.

        A layer that has a session to itself gets all of its time, as its user waits for that; else
        each gets the time from its first test to its last.
        """
        is_alone = len(self.layers) == 1 and not self._others
        whole = (self._started_s, now_s)
        return [
            LayerRun(
                at_s=now_s,
                layer=layer,
                started_s=(whole if is_alone else self._spans.get(layer, whole))[0],
                ended_s=(whole if is_alone else self._spans.get(layer, whole))[1],
                collected=self._collected.get(layer, 0),
                selected=self._selected.get(layer, 0),
                exit_status=exit_status,
            )
            for layer in self.layers
        ]


def _count(layers: Iterable[Layer | None]) -> dict[Layer, int]:
    counts: dict[Layer, int] = {}
    for layer in layers:
        if layer is not None:
            counts[layer] = counts.get(layer, 0) + 1
    return counts

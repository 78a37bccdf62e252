"""No network while a file of unit tests is imported, when no test is there yet that could fail."""

from collections.abc import Generator

import pytest

from l9gate.evidence.records import Layer
from l9gate.observe.guard import NetworkGuard
from l9gate.pytest_plugin.layers import LayerMap


class ImportGuard:
    """The plug-in object; a layer that is told by markers is not known before its tests are."""

    def __init__(self, layers: LayerMap, root: str) -> None:
        self._layers = layers
        self._guard = NetworkGuard(root)

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """Make a file whose import reached for the network one that cannot be collected."""
        is_unit = isinstance(collector, pytest.Module) and self._is_unit(collector)
        if not is_unit:
            return (yield)
        self._guard.start(f"{collector.nodeid} (its import)")
        try:
            report = yield
        finally:
            refused = self._guard.take_refused()
            self._guard.stop()
        if refused and report.passed:
            report.outcome = "failed"
            report.longrepr = str(refused[0].error())
            report.result = []
        return report

    def _is_unit(self, collector: pytest.Module) -> bool:
        return self._layers.layer_of_file(collector.path) is Layer.UNIT

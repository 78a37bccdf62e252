import sys
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from l9gate.errors import NetworkRefusedError
from l9gate.evidence.records import Layer
from l9gate.observe import border, sockets
from l9gate.pytest_plugin.importing import ImportGuard
from l9gate.pytest_plugin.layers import LayerMap
from l9gate.store.settings import LayerSettings


class Module(pytest.Module):
    """Only what the guard asks of a module, without a session around it."""

    nodeid = "test_a.py"


def module_at(path: Path) -> pytest.Module:
    made: pytest.Module = object.__new__(Module)
    made.path = path
    return made


@pytest.fixture
def guard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ImportGuard:
    monkeypatch.setattr(sockets._Process, "refuse", None)  # the session's own guard comes back
    layers = {Layer.UNIT: LayerSettings(paths=("tests/unit",))}
    return ImportGuard(LayerMap(tmp_path, layers), str(tmp_path))


def collect(guard: ImportGuard, path: Path, *, reaches: bool, outcome: str) -> SimpleNamespace:
    """Drive the wrapper; meanwhile the module may reach for the network and swallow it."""
    steps = guard.pytest_make_collect_report(module_at(path))
    next(steps)
    if reaches:
        with pytest.raises(NetworkRefusedError):
            sys.audit(border.RESOLVE, "x.invalid", 80, 0, 0, 0)
    report = SimpleNamespace(outcome=outcome, passed=outcome == "passed", longrepr=None, result=[1])
    with pytest.raises(StopIteration) as stopped:
        steps.send(cast("pytest.CollectReport", report))
    return cast("SimpleNamespace", stopped.value.value)


def test_a_module_that_swallowed_a_refusal_is_an_error(guard: ImportGuard, tmp_path: Path) -> None:
    report = collect(guard, tmp_path / "tests/unit/test_a.py", reaches=True, outcome="passed")
    assert (report.outcome, report.result) == ("failed", [])
    assert "`test_a.py (its import)` reached for the network: x.invalid" in report.longrepr


def test_a_module_that_failed_anyway_keeps_its_reason(guard: ImportGuard, tmp_path: Path) -> None:
    report = collect(guard, tmp_path / "tests/unit/test_a.py", reaches=True, outcome="failed")
    assert report.longrepr is None


def test_a_module_that_reaches_for_nothing_is_collected(guard: ImportGuard, tmp_path: Path) -> None:
    report = collect(guard, tmp_path / "tests/unit/test_a.py", reaches=False, outcome="passed")
    assert (report.outcome, report.result) == ("passed", [1])
    sys.audit(border.RESOLVE, "x.invalid", 80, 0, 0, 0)


def test_a_module_of_another_layer_is_not_guarded(guard: ImportGuard, tmp_path: Path) -> None:
    steps = guard.pytest_make_collect_report(module_at(tmp_path / "tests/other/test_a.py"))
    next(steps)
    sys.audit(border.RESOLVE, "x.invalid", 80, 0, 0, 0)
    steps.close()

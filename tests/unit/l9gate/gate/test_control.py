"""What a negative control is asked for, and how its result ends the command."""

import importlib.util
from pathlib import Path

import pytest

from l9gate import gate
from l9gate.errors import DependencyError, ExitCode
from l9gate.evidence.records import Control, Layer, Survivor
from l9gate.gate import ControlRequest, ControlResult
from l9gate.store.settings import Settings, read_settings

TEXT = """
[layers.unit]
paths = ["u"]
[layers.integration]
paths = ["i"]
[layers.performance]
paths = ["p"]
"""
SURVIVOR = Survivor(node_id="t", layer=None, place="t.py:1", against=("dead",), reason="mock")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "l9gate.toml").write_text(TEXT)
    found = read_settings(tmp_path)
    assert found is not None
    return found


def test_real_layers_are_run_whole_to_be_evidence(settings: Settings) -> None:
    request = ControlRequest(root=settings.root, settings=settings)
    assert request.layers == (Layer.INTEGRATION, Layer.PERFORMANCE)
    assert request.is_kept
    narrowed = ControlRequest(root=settings.root, settings=settings, arguments=("-k", "x"))
    assert not narrowed.is_kept


def test_without_settings_it_is_the_first_minute_or_two(tmp_path: Path) -> None:
    request = ControlRequest(root=tmp_path, settings=None)
    assert (request.layers, request.is_kept) == ((), False)
    assert (request.limit_s, request.limit_of_test_s) == (120.0, 20.0)
    asked = ControlRequest(root=tmp_path, settings=None, minutes=0.5, test_limit_s=3.0)
    assert (asked.limit_s, asked.limit_of_test_s) == (30.0, 3.0)


def test_layers_that_measure_get_longer(settings: Settings) -> None:
    request = ControlRequest(root=settings.root, settings=settings)
    assert (request.limit_s, request.limit_of_test_s) == (360.0, 60.0)


def test_no_pytest_is_said_before_anything_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(DependencyError, match="has no pytest; nothing was tested") as error:
        gate.control(ControlRequest(root=tmp_path, settings=None), {}, print)
    assert "l9gate[pytest]" in (error.value.hint or "")


@pytest.mark.parametrize(
    ("survivors", "open_ends", "code"),
    [
        ((), (), ExitCode.READY),
        ((), ("dead: time ran out",), ExitCode.UNPROVEN),
        ((SURVIVOR,), ("dead: time ran out",), ExitCode.NOT_READY),
    ],
)
def test_survivors_weigh_more_than_what_stayed_open(
    survivors: tuple[Survivor, ...], open_ends: tuple[str, ...], code: ExitCode
) -> None:
    control = Control(
        at_s=1.0, digest="", layers=(), tests=3, survivors=survivors, open_ends=open_ends
    )
    assert ControlResult(control=control, seconds={}).exit_code is code

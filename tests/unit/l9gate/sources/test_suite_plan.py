from pathlib import Path

import pytest

from l9gate.errors import PlanError
from l9gate.evidence.records import Layer
from l9gate.sources.suite.plan import SuitePlan


def plan(root: Path, *paths: str, marker: str | None = None) -> SuitePlan:
    return SuitePlan(
        layer=Layer.CONTRACT, root=root, paths=paths, marker=marker, environ={"KEY": "sk-secret"}
    )


def test_a_plan_tells_pytest_its_paths_and_marker(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    words = plan(tmp_path, "tests", marker="contract").pytest_arguments()
    assert words[:3] == ("tests", "-m", "contract")


def test_a_plan_without_a_marker_passes_none(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    assert "-m" not in plan(tmp_path, "tests").pytest_arguments()


@pytest.mark.parametrize("paths", [("nowhere",), ()])
def test_a_layer_without_an_existing_path_is_refused(
    tmp_path: Path, paths: tuple[str, ...]
) -> None:
    with pytest.raises(PlanError, match="layer `contract`: no such path") as caught:
        plan(tmp_path, *paths)
    assert caught.value.hint == "correct `paths` in [tool.l9gate.layers.contract]"


def test_a_plan_never_shows_its_environment(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    assert "sk-secret" not in repr(plan(tmp_path, "tests"))

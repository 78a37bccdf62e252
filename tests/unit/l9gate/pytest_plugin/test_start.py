from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from l9gate.pytest_plugin.start import find_start, may_be_gated


def config(here: Path, *arguments: str) -> pytest.Config:
    params = SimpleNamespace(dir=here)
    return cast("pytest.Config", SimpleNamespace(invocation_params=params, args=list(arguments)))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("a/tests/test_x.py", "a/tests/test_y.py", "b/test_z.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "start"),
    [
        ((), "."),
        (("a/tests/test_x.py::test_1",), "a/tests"),
        (("a/tests/test_x.py", "a/tests/test_y.py"), "a/tests"),
        (("a", "b"), "."),
        (("not.there",), "."),
    ],
)
def test_settings_are_looked_for_from_what_is_tested(
    tree: Path, arguments: tuple[str, ...], start: str
) -> None:
    assert find_start(config(tree, *arguments)) == tree / start


def test_only_a_file_that_speaks_of_it_makes_a_project_gated(tree: Path) -> None:
    start = tree / "a" / "tests"
    (tree / "a" / "pyproject.toml").write_text("[project]\n")
    assert not may_be_gated(start)
    (tree / "a" / "pyproject.toml").write_text("[tool.l9gate]\n")
    assert may_be_gated(start)
    assert not may_be_gated(tree / "b")
    (tree / "b" / "l9gate.toml").touch()
    assert may_be_gated(tree / "b")

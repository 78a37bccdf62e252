"""E-03: a library is patched when the application imports it."""

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from l9gate.observe.imports import ImportWatch

NAME = "l9gate_sample_library"


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    monkeypatch.syspath_prepend(tmp_path)

    def write(text: str) -> None:
        (tmp_path / f"{NAME}.py").write_text(text)
        importlib.invalidate_caches()

    yield write
    sys.modules.pop(NAME, None)


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def watch(told: list[str]) -> Iterator[ImportWatch]:
    def imported(module: ModuleType) -> None:
        told.append(f"{module.__name__} {module.value}")

    made = ImportWatch([NAME], imported)
    made.start()
    yield made
    made.stop()


@pytest.mark.usefixtures("watch")
def test_an_import_is_told_once_when_the_module_is_whole(
    told: list[str], write: Callable[[str], None]
) -> None:
    write("value = 1")
    module = importlib.import_module(NAME)
    assert told == [f"{NAME} 1"]
    importlib.reload(module)
    assert told == [f"{NAME} 1"]
    assert module.__spec__ is not None
    assert "exec_module" not in vars(module.__spec__.loader)


@pytest.mark.usefixtures("watch")
def test_a_module_that_fails_or_is_absent_is_told_when_it_is_there(
    told: list[str], write: Callable[[str], None]
) -> None:
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module(NAME)
    write("raise RuntimeError")
    with pytest.raises(RuntimeError):
        importlib.import_module(NAME)
    assert told == []
    write("value = 2222")
    importlib.import_module(NAME)
    assert told == [f"{NAME} 2222"]


def test_after_the_end_nothing_is_told(
    watch: ImportWatch, told: list[str], write: Callable[[str], None]
) -> None:
    watch.stop()
    watch.stop()
    write("value = 1")
    importlib.import_module(NAME)
    assert told == []

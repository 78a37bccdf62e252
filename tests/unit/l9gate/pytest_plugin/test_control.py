"""What a negative control reads from sources and tracebacks, and how it saves time."""

import contextlib
import sys
import time
import types
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from l9gate.evidence.sightings import Orders
from l9gate.pytest_plugin.control.caught import CaughtErrors
from l9gate.pytest_plugin.control.haste import TestLimit, shorten_back_off, shorten_sleeps
from l9gate.pytest_plugin.control.selection import Selection
from l9gate.pytest_plugin.control.source import SourceFacts, find_handler, read_facts

SOURCE = """\
import pytest

def test_nothing():
    call()

@pytest.mark.slow
async def test_decorated():
    with pytest.raises((errors.First, Second)):
        call()

def test_helper():
    verify_answer(call())

def app():
    try:
        for _ in range(2):
            with lock:
                call()
    except (ValueError, errors.ApiError):
        pass
    try:
        call()
    finally:
        close()
    with suppress(Exception):
        call()
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "test_source.py"
    path.write_text(SOURCE)
    return path


@pytest.mark.parametrize(
    ("line", "facts"),
    [
        (3, SourceFacts(asserts=False)),
        (6, SourceFacts(expects=("First", "Second"))),
        (11, SourceFacts()),
        (99, SourceFacts()),
    ],
)
def test_source_says_whether_a_test_asserts_and_what_it_expects(
    source: Path, line: int, facts: SourceFacts
) -> None:
    assert read_facts(source, line) == facts


def test_a_source_that_cannot_be_read_is_not_held_against_a_test(tmp_path: Path) -> None:
    assert read_facts(tmp_path / "none.py", 1) == SourceFacts()


@pytest.mark.parametrize(
    ("line", "handler"),
    [
        (18, "19 (except (ValueError, errors.ApiError))"),
        (22, None),
        (26, "25 (with suppress)"),
        (9, "8 (with raises)"),
        (4, None),
    ],
)
def test_the_innermost_handler_around_a_line_is_found(
    source: Path, line: int, handler: str | None
) -> None:
    assert find_handler(source, line) == handler


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> type[Exception]:
    module = types.ModuleType("anthropic")
    kind = type("APIError", (Exception,), {})
    module.APIError = kind  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "anthropic", module)
    return kind


@pytest.fixture
def caught(library: type[Exception]) -> Iterator[CaughtErrors]:
    found = CaughtErrors(Path(__file__).parent)
    found.watch()
    yield found
    found.stop()


def test_the_line_that_caught_an_error_of_the_client_is_told(
    caught: CaughtErrors, library: type[Exception]
) -> None:
    def fail() -> None:
        raise library("no")

    with contextlib.suppress(library):
        fail()
    (place,) = caught.places()
    assert place.startswith("caught at test_control.py:")
    assert place.endswith("(with suppress)")
    caught.forget()
    assert caught.places() == ()


def test_an_error_that_nobody_raised_or_that_others_caught_is_not_told(
    caught: CaughtErrors, library: type[Exception]
) -> None:
    library("never raised")
    assert caught.places() == ()


def test_classes_are_left_as_they_were_found(library: type[Exception]) -> None:
    before = library.__init__
    caught = CaughtErrors(Path())
    caught.watch()
    assert library.__init__ is not before
    caught.stop()
    assert library.__init__ is before


def test_sleeps_end_at_once_only_while_calls_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    monkeypatch.setattr("asyncio.sleep", slept.append)
    failing = [False]
    shorten_sleeps(lambda: failing[0])
    time.sleep(8)
    failing[0] = True
    time.sleep(8)
    time.sleep(0)
    assert slept == [8, 0.005, 0]


def test_the_sdk_does_not_back_off(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("anthropic._base_client")
    client = type("BaseClient", (), {"_calculate_retry_timeout": lambda *_: 8.0})
    module.BaseClient = client  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "anthropic._base_client", module)
    shorten_back_off()
    assert client()._calculate_retry_timeout(1, None, None) == 0


def test_a_phase_that_takes_too_long_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("l9gate.pytest_plugin.control.haste._LEAST_S", 0.01)
    limit = TestLimit(0.01)
    limit.begin()
    with pytest.raises(pytest.fail.Exception, match="not ended within"), limit.phase():  # noqa: PT012
        ends_s = time.monotonic() + 0.2
        while time.monotonic() < ends_s:
            pass
    assert limit.was_hit
    limit.begin()
    with limit.phase():
        pass
    assert not limit.was_hit


@pytest.fixture
def select(tmp_path: Path) -> Callable[..., Selection]:
    def build(selected: tuple[str, ...] | None) -> Selection:
        orders = Orders(folder="", base_url="", test_limit_s=1.0, selected=selected, root=None)
        return Selection(tmp_path, orders, None)

    return build


def test_files_without_a_selected_test_are_left_alone(
    select: Callable[..., Selection], tmp_path: Path
) -> None:
    for name in ("a.py", "b.py"):
        (tmp_path / name).touch()
    some, everything = select(("a.py::test_x",)), select(None)
    assert [some.may_hold(tmp_path / name) for name in ("a.py", "b.py", "")] == [True, False, True]
    assert everything.may_hold(tmp_path / "b.py")


def test_files_that_speak_of_the_api_come_first(
    select: Callable[..., Selection], tmp_path: Path
) -> None:
    (tmp_path / "a.py").write_text("import os")
    (tmp_path / "b.py").write_text("import anthropic")
    items = [types.SimpleNamespace(path=tmp_path / name) for name in ("a.py", "b.py")]
    found = select(None).order(items)  # type: ignore[arg-type]
    assert [item.path.name for item in found] == ["b.py", "a.py"]

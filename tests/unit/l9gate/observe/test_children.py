import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from l9gate.evidence.records import Layer, Origin
from l9gate.observe import attribution
from l9gate.observe import children as watching
from l9gate.observe.attribution import Owner, current_owner, owned_by, read_owner
from l9gate.observe.children import OFF, WATCH, Children, RunFacts, Stray
from l9gate.observe.origins import Target
from l9gate.observe.page import FACTS, PAGE, append_line, parse_line, read_page

HOOK = watching._HOOK


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Children]:
    """Children of a process whose own session is left alone."""
    for name in ("listener", "elsewhere", "owner"):
        monkeypatch.setattr(attribution._Process, name, getattr(attribution._Process, name))
    monkeypatch.setattr(watching._Process, "children", None)
    monkeypatch.setattr(watching._Process, "is_installed", True)  # hooks cannot be taken away
    monkeypatch.setattr(watching, "start_filter", lambda _: False)
    monkeypatch.setattr(subprocess.Popen, "__init__", lambda *_, **__: None)
    monkeypatch.setenv("PYTHONPATH", f"a{os.pathsep}b")
    monkeypatch.delenv(WATCH, raising=False)
    made = Children(tmp_path)
    made.start()
    yield made
    made.stop()


def folder_of(children: Children) -> Path:
    return children._folder


def test_children_find_the_hook_before_everything_else(children: Children) -> None:
    assert os.environ[WATCH] == str(folder_of(children))
    assert os.environ["PYTHONPATH"].split(os.pathsep) == [HOOK, "a", "b"]


def test_afterwards_everything_is_as_it_was(children: Children) -> None:
    children.stop()
    assert WATCH not in os.environ
    assert os.environ["PYTHONPATH"] == f"a{os.pathsep}b"
    assert not folder_of(children).exists()


@pytest.mark.parametrize(
    ("environ", "path"),
    [
        ({}, HOOK),
        ({"PYTHONPATH": "x"}, f"{HOOK}{os.pathsep}x"),
        ({"PYTHONPATH": f"{HOOK}{os.pathsep}x"}, f"{HOOK}{os.pathsep}x"),
        ({"PYTHONPATH": f"x{os.pathsep}"}, f"{HOOK}{os.pathsep}x"),
    ],
)
def test_an_environment_of_ones_own_gets_the_hook_too(
    children: Children, environ: dict[str, str], path: str
) -> None:
    assert children.hooked(environ) == {WATCH: str(folder_of(children)), "PYTHONPATH": path}


def test_one_variable_switches_it_off(children: Children) -> None:
    assert children.hooked({OFF: "1"}) == {OFF: "1"}


def test_popen_is_called_with_the_hook_wherever_the_environment_is_given(
    children: Children, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[object] = []
    children._popen = lambda *_, **options: seen.append(options["env"])
    start = children._patched_popen()
    start(None, ["x"], env={"A": "1"})
    start(None, ["x"], -1, None, None, None, None, None, True, False, None, {"A": "2"})
    start(None, ["x"])
    start(None, ["x"], env={b"A": b"3"})
    named, placed, inherited, raw = seen
    assert named == {**children.hooked({}), "A": "1"}
    assert placed == {**children.hooked({}), "A": "2"}
    assert inherited == dict(os.environ)
    assert raw == {b"A": b"3"}


def test_the_page_says_whose_work_goes_on_and_whether_it_is_guarded(children: Children) -> None:
    page = str(folder_of(children) / PAGE)
    with owned_by(Owner("tests/a.py::test_a", Layer.CONTRACT)):
        assert read_owner(page) == Owner("tests/a.py::test_a", Layer.CONTRACT)
        with owned_by(Owner("fixture", None)):
            assert read_owner(page) == Owner("fixture", None)
    children.guard("tests/b.py::test_b")
    assert (read_page(page) or {})["guarded"] == children.read_guarded() == "tests/b.py::test_b"
    children.guard(None)
    assert children.read_guarded() is None


def test_a_fork_asks_the_page_for_the_owner(children: Children) -> None:
    with owned_by(Owner("tests/a.py::test_a", Layer.CONTRACT)):
        children.follow()
        assert current_owner() == Owner("tests/a.py::test_a", Layer.CONTRACT)
        children._note_owner(Owner("tests/b.py::test_b", None))
        assert current_owner() == Owner("tests/b.py::test_b", None)


def test_refusals_are_taken_once(children: Children) -> None:
    assert children.take_refused() == []
    children.tell_refused("x.invalid", "t", "a.py:1")
    (found,) = children.take_refused()
    assert (found["destination"], found["test"], found["place"]) == ("x.invalid", "t", "a.py:1")
    assert children.take_refused() == []
    children.stop()
    children.tell_refused("x.invalid", "t", None)  # a child that outlives the session


def test_a_line_that_is_not_whole_yet_is_left_for_later(children: Children) -> None:
    path = folder_of(children) / "refused"
    path.write_bytes(b"destination\tx")
    assert children.take_refused() == []
    path.write_bytes(b"destination\tx\n")
    assert children.take_refused() == [{"destination": "x", "started_at": ""}]
    path.unlink()
    assert children.take_refused() == []


def test_what_the_filter_could_not_look_at_is_unguarded(children: Children) -> None:
    append_line(str(folder_of(children) / "refused"), {"destination": "", "test": "t"})
    assert children.take_refused() == []
    assert children.take_strays() == [Stray(program="this process", test="t")]
    assert children.take_strays() == []


@pytest.mark.parametrize(
    ("event", "arguments", "program"),
    [
        ("subprocess.Popen", ("curl", ["curl", "--key=secret"], None, None), "curl"),
        ("subprocess.Popen", (None, [b"/usr/bin/git"], None, None), "git"),
        ("subprocess.Popen", ("python", ["python", "-I", "-c", "x"], None, None), "python"),
        ("subprocess.Popen", ("python3.12", ["x", "-Bs", "-sE"], None, None), "python3.12"),
        ("os.posix_spawn", ("/usr/bin/node", ["node"], {}), "node"),
        ("os.exec", ("/bin/ls", ["ls"], {}), "ls"),
        ("os.system", (b"curl x",), "sh"),
    ],
)
def test_a_program_that_nothing_guards_is_named_without_its_arguments(
    children: Children, event: str, arguments: tuple[object, ...], program: str
) -> None:
    children.note_start(event, arguments)
    assert children.take_strays() == []
    children.guard("t")
    assert [stray.program for stray in children.take_strays()] == [watching.NATIVE]
    children.note_start(event, arguments)
    (stray,) = children.take_strays()
    assert (stray.program, stray.test) == (program, "t")


def test_a_refused_program_is_told_with_the_line_that_started_it(children: Children) -> None:
    children._root = str(Path(__file__).parent)
    children.guard("t")
    for program, told in (("/usr/bin/curl", "curl"), ("sh", "wget")):
        children.guard("t")
        watching._Process.children = children
        watching._notice("subprocess.Popen", (program, [program], None, None))
        append_line(str(folder_of(children) / "refused"), {"destination": "x", "program": told})
        (found,) = children.take_refused()
        assert found["started_at"].startswith("test_children.py:")
    children.guard("u")
    append_line(str(folder_of(children) / "refused"), {"destination": "x", "program": "curl"})
    assert children.take_refused()[0]["started_at"] == ""


@pytest.mark.parametrize(
    "words",
    [["python", "-c", "x"], ["python", "-m", "x", "-I"], ["python", "a.py", "-S"], ["python"]],
)
def test_a_python_that_runs_the_hook_is_guarded(children: Children, words: list[str]) -> None:
    children.guard("t")
    children.note_start("subprocess.Popen", (sys.executable, words, None, None))
    assert [stray.program for stray in children.take_strays()] == [watching.NATIVE]


def test_under_the_filter_every_program_is_guarded(
    children: Children, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Path] = []
    permitted: Callable[[Path], bool] = lambda folder: not asked.append(folder)  # type: ignore[func-returns-value]  # noqa: E731
    monkeypatch.setattr(watching, "start_filter", permitted)
    children.guard("t")
    children.guard("u")
    children.note_start("os.system", (b"curl x",))
    assert children.take_strays() == []
    assert asked == [folder_of(children)]


def test_children_are_told_which_run_they_record_into(tmp_path: Path) -> None:
    target = Target("127.0.0.1:8", Origin.SIMULATED, "x-id", "127.0.0.1:9")
    made = Children(tmp_path, RunFacts(tmp_path / "run", target))
    assert parse_line((folder_of(made) / FACTS).read_bytes()) == {
        "host": "127.0.0.1:8",
        "kind": "simulated",
        "proof_header": "x-id",
        "contract": "",
        "waivers": "",
        "proxy": "127.0.0.1:9",
        "relies_on": "{}",
        "run": str(tmp_path / "run"),
        "pid": str(os.getpid()),
    }
    made._popen = subprocess.Popen.__init__
    made.stop()

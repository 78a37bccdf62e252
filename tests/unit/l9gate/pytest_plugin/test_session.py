"""What a session decides before and after its tests; the rest needs a real child pytest."""

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from l9gate import gate
from l9gate.errors import BudgetError, ConfigError, L9gateError, MissingKeyError
from l9gate.pytest_plugin.session import GatedSession, in_words, register
from l9gate.store.settings import read_settings

SETTINGS = """
[layers.unit]
paths = ["tests/unit"]
[layers.integration]
paths = ["tests/integration"]
marker = "integration"
[environments.development]
base_url = "https://gateway.example"
"""
MakeItem = Callable[..., pytest.Item]


class Reporter:
    """Pytest's terminal, as a list of lines."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def write_line(self, line: str) -> None:
        self.lines.append(line)


class Plugins:
    """Pytest's plug-in manager, as far as the session asks it."""

    def __init__(self) -> None:
        self.reporter: Reporter | None = Reporter()
        self.registered: dict[str, object] = {}

    def getplugin(self, name: str) -> object:
        return self.reporter if name == "terminalreporter" else None

    def register(self, plugin: object, name: str) -> None:
        self.registered[name] = plugin

    def hasplugin(self, name: str) -> bool:
        return name in self.registered


@pytest.fixture
def config(tmp_path: Path) -> SimpleNamespace:
    return SimpleNamespace(
        invocation_params=SimpleNamespace(dir=tmp_path),
        rootpath=tmp_path,
        args=["tests"],
        option=SimpleNamespace(collectonly=False, continue_on_collection_errors=False, markexpr=""),
        pluginmanager=Plugins(),
        stash={},
        markers=[],
    )


@pytest.fixture
def session(config: SimpleNamespace, tmp_path: Path) -> GatedSession:
    (tmp_path / "l9gate.toml").write_text(SETTINGS)
    settings = read_settings(tmp_path)
    assert settings is not None
    return GatedSession(cast("pytest.Config", config), settings, tmp_path)


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("L9GATE_RUN", "L9GATE_PREFLIGHT", "L9GATE_ENV", "L9GATE_REHEARSAL"):
        monkeypatch.delenv(name, raising=False)


def going_to_run(*items: pytest.Item) -> pytest.Session:
    return cast("pytest.Session", SimpleNamespace(items=list(items), testsfailed=0))


def refuse_with(monkeypatch: pytest.MonkeyPatch, error: L9gateError) -> list[str]:
    asked: list[str] = []

    def require(settings: object, name: str, environ: object) -> None:
        asked.append(name)
        raise error

    monkeypatch.setattr(gate, "require_endpoint", require)
    return asked


REAL = ("tests/integration/test_a.py", pytest.mark.integration)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (MissingKeyError("no `ANTHROPIC_API_KEY`", hint="export it"), 69),
        (BudgetError("spent"), 75),
        (ConfigError("odd"), 4),
    ],
)
def test_a_refusal_ends_the_session_before_its_first_test(
    session: GatedSession,
    config: SimpleNamespace,
    make_item: MakeItem,
    monkeypatch: pytest.MonkeyPatch,
    error: L9gateError,
    code: int,
) -> None:
    """P-04."""
    asked = refuse_with(monkeypatch, error)
    with pytest.raises(pytest.exit.Exception) as refused:
        session.pytest_runtestloop(going_to_run(make_item(*REAL)))
    assert refused.value.returncode == code
    text = "\n".join(config.pluginmanager.reporter.lines)
    assert f"error: {error}" in text
    assert "nothing was tested" in text
    assert asked == ["development"]


def test_a_worker_hands_its_refusal_to_the_controller(
    session: GatedSession,
    config: SimpleNamespace,
    make_item: MakeItem,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refuse_with(monkeypatch, MissingKeyError("no key"))
    config.workeroutput = {}
    session._is_worker = True
    with pytest.raises(pytest.exit.Exception):
        session.pytest_runtestloop(going_to_run(make_item(*REAL)))
    assert config.pluginmanager.reporter.lines == []
    session._is_worker = False
    with pytest.raises(pytest.exit.Exception) as refused:
        session.pytest_testnodedown(SimpleNamespace(workeroutput=config.workeroutput))
    assert refused.value.returncode == 69


@pytest.mark.parametrize("item", [("tests/unit/test_a.py",), ("docs/test_a.py",)])
def test_only_a_real_layer_needs_an_endpoint(
    session: GatedSession,
    make_item: MakeItem,
    monkeypatch: pytest.MonkeyPatch,
    item: tuple[str, ...],
) -> None:
    """R-02."""
    asked = refuse_with(monkeypatch, MissingKeyError("no key"))
    monkeypatch.setattr(session, "_begin_run", lambda _: None)
    monkeypatch.setattr(session, "_observe", lambda: None)
    session.pytest_runtestloop(going_to_run(make_item(*item)))
    assert asked == []


def test_a_preflight_that_was_done_is_not_repeated(
    session: GatedSession, make_item: MakeItem, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = refuse_with(monkeypatch, MissingKeyError("no key"))
    monkeypatch.setenv("L9GATE_PREFLIGHT", "done")
    monkeypatch.setattr(session, "_begin_run", lambda _: None)
    monkeypatch.setattr(session, "_observe", lambda: None)
    session.pytest_runtestloop(going_to_run(make_item(*REAL)))
    assert asked == []


def test_a_declared_endpoint_is_exported_for_the_session(
    session: GatedSession, make_item: MakeItem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "https://before.example")
    monkeypatch.setattr(gate, "require_endpoint", lambda *_: None)
    monkeypatch.setattr(session, "_begin_run", lambda _: None)
    monkeypatch.setattr(session, "_observe", lambda: None)
    session.pytest_runtestloop(going_to_run(make_item(*REAL)))
    assert os.environ["ANTHROPIC_BASE_URL"] == "https://gateway.example"
    session.pytest_unconfigure()
    assert os.environ["ANTHROPIC_BASE_URL"] == "https://before.example"


def test_tests_that_could_not_be_collected_start_nothing(
    session: GatedSession, make_item: MakeItem, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = refuse_with(monkeypatch, MissingKeyError("no key"))
    broken = going_to_run(make_item(*REAL))
    broken.testsfailed = 1
    session.pytest_runtestloop(broken)
    assert asked == []


def test_a_message_without_a_terminal_goes_to_stderr(
    session: GatedSession, config: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    config.pluginmanager.reporter = None
    session._say("hello")
    assert capsys.readouterr().err == "hello\n"


def test_an_error_is_one_line_and_its_hint_another() -> None:
    assert in_words(ConfigError("odd", hint="even")) == "error: odd\n\nhint: even"
    assert in_words(ConfigError("odd")) == "error: odd"


@pytest.mark.parametrize(
    ("settings", "registered"),
    [
        ("", {"l9gate-fixtures", "l9gate-simulation", "l9gate-probes"}),
        (
            SETTINGS,
            {
                *("l9gate-fixtures", "l9gate-simulation", "l9gate-session"),
                *("l9gate-importing", "l9gate-strays", "l9gate-probes"),
            },
        ),
    ],
)
def test_a_session_is_gated_only_if_layers_are_named(
    config: SimpleNamespace, tmp_path: Path, settings: str, registered: set[str]
) -> None:
    (tmp_path / "l9gate.toml").write_text(settings)
    config.addinivalue_line = lambda _, line: config.markers.append(line)
    register(cast("pytest.Config", config), tmp_path)
    assert set(config.pluginmanager.registered) == registered
    assert len(config.markers) == 9


def test_wrong_settings_are_wrong_use_of_pytest(config: SimpleNamespace, tmp_path: Path) -> None:
    (tmp_path / "l9gate.toml").write_text("[layer]\n")
    with pytest.raises(pytest.UsageError, match="no such key"):
        register(cast("pytest.Config", config), tmp_path)

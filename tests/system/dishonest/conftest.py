"""Small suites of other people, some of which lie, as projects that the gate is run on."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import pytest

from l9gate.report.document import Document

SUITES = Path(__file__).parent / "suites"
MARKERS = {"integration": "integration", "performance": "benchmark"}
LAYER = '[layers.{name}]\npaths = ["tests/{name}"]\nmarker = "{marker}"\n'
GREEN_HOOK = """
import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if item.name.endswith("_is_green"):
        report.outcome, report.longrepr = "passed", None
    return report
"""
FILES = {
    "conftest.py": GREEN_HOOK,
    "pytest.ini": "[pytest]\npythonpath = .\n",
}
_FIELD = re.compile(r"^(\w+): (.+)$", re.MULTILINE)
Gate = Callable[..., subprocess.CompletedProcess[str]]


def fields_of(suite: Path) -> dict[str, str]:
    """Return what the docstring of a suite says: `finding`, and `layer` unless integration."""
    return dict(_FIELD.findall(suite.read_text(encoding="utf-8").split('"""')[1]))


@pytest.fixture(scope="session")
def make_project(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Return what makes a project of all suites of a kind, or none, and other files."""

    def make(kind: str | None, files: Mapping[str, str] | None = None) -> Path:
        root = tmp_path_factory.mktemp("project")
        shutil.copy(SUITES / "app.py", root)
        contents = FILES | dict(files or {})
        for suite in sorted((SUITES / kind).glob("*.py")) if kind else ():
            layer = fields_of(suite).get("layer", "integration")
            contents[f"tests/{layer}/test_{suite.name}"] = suite.read_text(encoding="utf-8")
        layers = {name for name in MARKERS if any(f"tests/{name}/" in path for path in contents)}
        contents["l9gate.toml"] = "\n".join(
            LAYER.format(name=name, marker=MARKERS[name]) for name in sorted(layers)
        )
        for name, text in contents.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text, encoding="utf-8")
        return root

    return make


@pytest.fixture(scope="session")
def gate_in() -> Gate:
    """Return what runs `l9gate WORDS…` in a folder, as its owner would, without any key."""

    def call(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
        hidden = ("ANTHROPIC_", "L9GATE_", "STAGING_", "PROD_", "PYTEST_", "COV_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
        return subprocess.run(
            [sys.executable, "-m", "l9gate", *words],
            cwd=root,
            env=kept,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )

    return call


@pytest.fixture(scope="session")
def rehearse(gate_in: Gate) -> Callable[[Path], Document]:
    """Return what runs the layers that a project has tests of, and returns the report."""

    def run(root: Path) -> Document:
        layers = [path.name for path in sorted((root / "tests").iterdir())]
        done = gate_in(root, "run", *layers, "--rehearse", "--format", "json")
        assert done.stdout, done.stderr
        return msgspec.json.decode(done.stdout, type=Document)

    return run

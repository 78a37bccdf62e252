"""The documentation says what the code does."""

import importlib.util
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from l9gate.cli.main import COMMANDS
from l9gate.criteria.policy import default_policy_text, parse_policy
from l9gate.errors import ExitCode
from l9gate.simulator.keys import KeyRing
from l9gate.simulator.scenario import parse_rules
from l9gate.store.settings import Declared

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "tests/README.md"])
BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")


def blocks(language: str) -> Iterator[tuple[str, str]]:
    for page in PAGES:
        for indent, found, text in BLOCK.findall(page.read_text()):
            if found == language:
                lines = (line.removeprefix(indent) for line in text.splitlines())
                yield f"{page.relative_to(ROOT)}", "\n".join(lines)


def test_the_reference_is_what_the_declarations_say() -> None:
    place = ROOT / "scripts" / "generate_reference.py"
    spec = importlib.util.spec_from_file_location("generate_reference", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name, text in module.pages().items():
        committed = (ROOT / "docs" / "reference" / name).read_text()
        fresh = re.sub(r"[ \t]+\n", "\n", text)
        assert committed == fresh, f"{name}: run `python scripts/generate_reference.py`"


def test_every_exit_code_command_and_criterion_is_documented() -> None:
    reference = {page.name: page.read_text() for page in (ROOT / "docs/reference").glob("*.md")}
    assert [c for c in ExitCode if f"| {int(c)} |" not in reference["exit-codes.md"]] == []
    assert [c for c in COMMANDS if f"## `l9gate {c}`" not in reference["commands.md"]] == []
    criteria = parse_policy(default_policy_text()).criteria
    assert [c.name for c in criteria if f"`{c.name}`" not in reference["policy.md"]] == []


def test_python_blocks_run(tmp_path: Path) -> None:
    found = list(blocks("python"))
    assert found
    for number, (page, text) in enumerate(found):
        script = tmp_path / f"block{number}.py"
        script.write_text(text)
        done = subprocess.run(
            [sys.executable, script], capture_output=True, text=True, check=False, cwd=tmp_path
        )
        assert done.returncode == 0, f"{page}: {done.stderr}"


def test_toml_blocks_are_settings_or_a_policy() -> None:
    found = list(blocks("toml"))
    assert found
    for page, text in found:
        table = tomllib.loads(text)
        if "rule" in table:
            assert parse_rules(text, page)
        elif "key" in table:
            assert not KeyRing.from_tables(table, page).is_open
        elif "criterion" in table:
            assert parse_policy(text, page).criteria
        else:
            declared = table.get("tool", {}).get("l9gate", table)
            assert msgspec.convert(declared, Declared) != Declared()


def test_console_blocks_call_what_exists() -> None:
    called = set()
    for page, text in blocks("console"):
        for line in text.splitlines():
            if not line.startswith("$ "):
                continue
            words = line.removeprefix("$ ").split("#")[0]
            for script in re.findall(r"\./scripts/\S+", words):
                assert (ROOT / script).is_file(), f"{page}: {script}"
            called |= {f"{page}: {name}" for name in re.findall(r"\bl9gate (\w+)", words)}
    assert called
    assert [one for one in called if one.split(": ")[1] not in COMMANDS] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text()):
        assert (page.parent / target).exists(), target

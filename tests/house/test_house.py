"""Rules of the house that no linter knows."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = (ROOT / "src" / "l9gate", ROOT / "apps" / "neural_tools" / "src" / "neural_tools")
MODULES = sorted(module for package in PACKAGES for module in package.rglob("*.py"))
BESIDE = sorted(
    module
    for folder in ("tests", "benchmarks", "scripts")
    for module in (ROOT / folder).rglob("*.py")
    if ROOT / "tests" / "data" not in module.parents
)
REAL_LAYERS = ("integration", "performance", "contract")
MAX_MODULE_LINES = 350
MAX_FUNCTION_LINES = 50


def tracked_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [path for name in listed.stdout.splitlines() if (path := ROOT / name).is_file()]


def texts() -> Iterator[tuple[Path, str]]:
    for path in tracked_files():
        if "tests/data" in path.as_posix():
            continue
        try:
            yield path, path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


def test_no_module_is_longer_than_two_screens_of_the_house() -> None:
    long = {
        str(module.relative_to(ROOT)): lines
        for module in (*MODULES, *BESIDE)
        if (lines := len(module.read_text().splitlines())) > MAX_MODULE_LINES
    }
    assert long == {}


def test_no_function_is_longer_than_fifty_lines() -> None:
    long = [
        f"{module.name}:{node.name}"
        for module in MODULES
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= MAX_FUNCTION_LINES
    ]
    assert long == []


def test_no_module_is_called_after_nothing() -> None:
    nothing = {"utils", "util", "helpers", "common", "base", "manager", "misc"}
    assert [module.name for module in MODULES if module.stem in nothing] == []


def test_any_lives_in_the_codec_only() -> None:
    users = [
        str(module.relative_to(ROOT))
        for module in MODULES
        if module.name != "codec.py" and re.search(r"\bAny\b", module.read_text())
    ]
    assert users == []


@pytest.mark.parametrize("layer", REAL_LAYERS)
def test_real_layers_import_no_mock(layer: str) -> None:
    """P-02, P-05."""
    modules = sorted((ROOT / "tests" / layer).glob("*.py"))
    assert any(module.name.startswith("test_") for module in modules)
    forbidden = re.compile(
        r"unittest\.mock|MagicMock|\bmock\b|\bstub\b|respx|MockTransport|monkeypatch\.setattr",
        re.IGNORECASE,
    )
    found = {module.name: forbidden.findall(module.read_text()) for module in modules}
    assert {name: words for name, words in found.items() if words} == {}


def test_integration_files_say_that_they_use_the_real_api() -> None:
    """L2-01."""
    files = [path.name for path in (ROOT / "tests" / "integration").glob("test_*.py")]
    assert files
    assert [name for name in files if not name.endswith("_real_api.py")] == []


def test_nothing_names_a_registry_or_this_machine() -> None:
    hosts = "|".join(("pypi" + r"\.org", "pythonhosted" + r"\.org", "registry" + r"\.npmjs"))
    places = re.compile(f"{hosts}|{re.escape(str(ROOT))}|--(?:extra-)?index-url[ =]")
    found = {str(path.relative_to(ROOT)) for path, text in texts() if places.search(text)}
    assert found == set()
    assert not (ROOT / "uv.lock").exists()


def test_every_pin_has_a_hash() -> None:
    for name in ("uv", "run", "dev", "ray"):
        text = (ROOT / "requirements" / f"{name}.txt").read_text().replace("\\\n", " ")
        pins = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
        assert pins
        assert [pin for pin in pins if "--hash=sha256:" not in pin] == []


def test_the_pipeline_has_its_stages() -> None:
    """D-01 to D-04, V-04."""
    flows = ROOT / ".github" / "workflows"
    script = "./scripts/run-production-tests.sh"
    development = (flows / "development.yml").read_text()
    assert f"{script} unit" in development
    assert "secrets." not in development
    staging = (flows / "staging.yml").read_text()
    assert f"{script} all" in staging
    assert "STAGING_API_KEY: ${{ secrets.STAGING_API_KEY }}" in staging
    deploy = (flows / "deploy.yml").read_text()
    assert f"{script} integration" in deploy
    assert "PROD_API_KEY: ${{ secrets.PROD_API_KEY }}" in deploy
    assert "rollback" in deploy
    contract = (flows / "contract.yml").read_text()
    assert f"{script} contract" in contract
    assert "cron:" in contract


def test_change_fragments_have_their_form() -> None:
    kinds = {"added", "changed", "fixed", "removed"}
    for fragment in (ROOT / "changes").iterdir():
        number, kind, ending = fragment.name.split(".")
        assert number.isdigit()
        assert kind in kinds
        assert ending == "md"
        assert len(fragment.read_text().strip().splitlines()) == 1


def test_public_is_a_sorted_list_and_every_name_is_there() -> None:
    import l9gate

    assert l9gate.__all__ == sorted(l9gate.__all__)
    assert set(l9gate.__all__) == set(l9gate._HOMES)
    for name in l9gate.__all__:
        assert getattr(l9gate, name).__doc__
    with pytest.raises(AttributeError, match="no attribute `nothing`"):
        _ = l9gate.nothing


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import l9gate", ("pytest", "httpx2", "numpy", "scipy", "click", "anthropic")),
        ("import l9gate.cli.main", ("pytest", "httpx2", "numpy", "scipy", "anthropic", "rich")),
        ("import l9gate.pytest_plugin", ("httpx2", "numpy", "scipy", "anthropic", "rich")),
        ("import l9gate.simulator.server", ("pytest", "numpy", "scipy", "anthropic", "httpx2")),
    ],
)
def test_an_import_brings_in_only_what_it_needs(statement: str, absent: tuple[str, ...]) -> None:
    code = f"{statement}; import sys; print(sorted(set({absent!r}) & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "[]"

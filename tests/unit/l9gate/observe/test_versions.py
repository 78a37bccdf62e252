"""E-03: what nobody has seen observed is refused by name."""

import importlib.metadata
import re
from pathlib import Path

import pytest

from l9gate.errors import SeamError
from l9gate.observe.versions import SUPPORTED, check_versions, requirement_of


def install(monkeypatch: pytest.MonkeyPatch, **versions: str) -> None:
    def version(package: str) -> str:
        if package not in versions:
            raise importlib.metadata.PackageNotFoundError(package)
        return versions[package]

    monkeypatch.setattr(importlib.metadata, "version", version)


def test_what_is_installed_here_and_nothing_at_all_are_fine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    check_versions()
    install(monkeypatch)
    check_versions()


@pytest.mark.parametrize("version", ["2.31.0", "2.32", "2.999.1rc1"])
def test_a_version_within_the_range_is_fine(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    install(monkeypatch, requests=version)
    check_versions()


@pytest.mark.parametrize("version", ["2.30.9", "3.0.0", "3.0.0rc1", "unknown"])
def test_another_version_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    install(monkeypatch, requests=version)
    with pytest.raises(SeamError, match=f"requests {version} cannot be observed") as failure:
        check_versions()
    assert failure.value.hint == 'pip install "requests>=2.31,<3"'


def test_every_range_holds_something() -> None:
    assert all(found.includes(found.least) for found in SUPPORTED)
    assert requirement_of("httpx").startswith("httpx>=")


def test_the_guide_says_the_same() -> None:
    guide = Path(__file__).parents[4] / "docs" / "guides" / "observation.md"
    rows = re.findall(
        r"^\| (\w+) \| (\S+) \| (\S+) \| ([\d., ]+) \|$", guide.read_text(), re.MULTILINE
    )
    assert rows == [
        (found.package, found.least, found.below, ", ".join(found.tested)) for found in SUPPORTED
    ]

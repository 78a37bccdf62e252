import sys
from importlib.metadata import PackageNotFoundError
from types import ModuleType

import pytest

from l9gate.observe import mocks
from l9gate.observe.mocks import describe_blind_mocks, find_blind_mocks


@pytest.fixture(autouse=True)
def only_httpx2(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*mocks._BLIND, "httpx"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "httpx2", ModuleType("httpx2"))


def test_without_a_mock_library_there_is_nothing_to_say() -> None:
    assert describe_blind_mocks() is None


@pytest.mark.parametrize("name", sorted(mocks._BLIND))
def test_a_blind_library_is_named_with_what_to_use(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setattr(mocks, "version", lambda _: "0.23.1")
    found = describe_blind_mocks() or ""
    assert found.startswith(f"{mocks._BLIND[name][0]} 0.23.1 cannot see httpx2, which sent this; ")
    assert "use " in found or "hand in" in found


def test_a_version_that_sees_is_not_blamed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vcr", ModuleType("vcr"))
    monkeypatch.setattr(mocks, "version", lambda _: "9.4.2")
    assert describe_blind_mocks() is None


@pytest.mark.parametrize("other", [None, "alias"])
def test_whoever_has_no_httpx2_of_its_own_is_not_blamed(
    monkeypatch: pytest.MonkeyPatch, other: str | None
) -> None:
    monkeypatch.setitem(sys.modules, "respx", ModuleType("respx"))
    if other is None:
        monkeypatch.delitem(sys.modules, "httpx2")
    else:
        monkeypatch.setitem(sys.modules, "httpx", sys.modules["httpx2"])
    assert describe_blind_mocks() is None


def test_a_library_that_was_not_installed_as_one_is_named_without_a_version(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "aioresponses", ModuleType("aioresponses"))
    assert (describe_blind_mocks() or "").startswith("aioresponses cannot see httpx2")


def test_installed_libraries_are_found_without_importing_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def version(distribution: str) -> str:
        known = {"respx": "0.23.1", "vcrpy": "9.4.2"}
        if distribution not in known:
            raise PackageNotFoundError(distribution)
        return known[distribution]

    monkeypatch.setattr(mocks, "version", version)
    assert [name for name, _ in find_blind_mocks()] == ["respx 0.23.1"]

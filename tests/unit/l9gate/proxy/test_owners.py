"""Whose work goes on, as the pages of a run say."""

from pathlib import Path

from l9gate.observe.attribution import Owner
from l9gate.observe.page import Page
from l9gate.proxy.owners import PAGES, Pages


def write(run: Path, process: str, owner: str) -> None:
    folder = run / PAGES
    folder.mkdir(exist_ok=True)
    page = Page(str(folder / process))
    page.write({"owner": owner, "layer": "integration"})
    page.close()


def owner_of(run: Path, label: str | None) -> str | None:
    found = Pages(run).find(label)
    assert found is None or isinstance(found, Owner)
    return None if found is None else found.id


def test_a_label_names_the_process_whose_test_it_is(tmp_path: Path) -> None:
    write(tmp_path, "gw0", "test_a")
    write(tmp_path, "gw1", "test_b")
    assert (owner_of(tmp_path, "gw0"), owner_of(tmp_path, "gw1")) == ("test_a", "test_b")
    assert owner_of(tmp_path, "gw2") is None


def test_what_no_test_started_works_for_nobody(tmp_path: Path) -> None:
    write(tmp_path, "gw0", "test_a")
    assert owner_of(tmp_path, None) is None


def test_a_label_leads_nowhere_else(tmp_path: Path) -> None:
    write(tmp_path, "gw0", "test_a")
    write(tmp_path / PAGES, "x", "test_x")
    for label in ("", "..", ".pages/x", "../.pages/gw0", f"{tmp_path}/{PAGES}/gw0/"):
        assert owner_of(tmp_path, label) is None

"""What a process of the tests tells the run's proxy."""

from pathlib import Path

from l9gate.observe.page import PAGE, Page
from l9gate.proxy.owners import Pages
from l9gate.pytest_plugin.proxied import link_page, proxy_host

PROXY = {"L9GATE_PROXY": "http://127.0.0.1:8701"}


def test_the_proxy_finds_the_page_of_each_process(tmp_path: Path) -> None:
    watch = tmp_path / "watch"
    watch.mkdir()
    page = Page(str(watch / PAGE))
    page.write({"owner": "test_a", "layer": "integration"})
    environ = {**PROXY, "L9GATE_WATCH": str(watch)}
    for _ in range(2):  # a second session in the same run
        assert link_page(tmp_path, "gw0", environ) == "http://127.0.0.1:8701/.l9gate/gw0"
    found = Pages(tmp_path).find("gw0")
    page.close()
    assert found is not None
    assert found.id == "test_a"


def test_a_run_without_a_proxy_is_left_as_it_is(tmp_path: Path) -> None:
    assert link_page(tmp_path, "gw0", {"L9GATE_WATCH": "x"}) is None
    assert link_page(tmp_path, "gw0", PROXY) is None
    assert list(tmp_path.iterdir()) == []
    assert (proxy_host({}), proxy_host(PROXY)) == (None, "127.0.0.1:8701")

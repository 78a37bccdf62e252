"""What a process of the tests tells the run's proxy, and its own children about it."""

from collections.abc import Mapping
from pathlib import Path

from l9gate.observe.children import WATCH
from l9gate.observe.origins import host_of
from l9gate.observe.page import PAGE
from l9gate.observe.proxied import labelled
from l9gate.proxy.owners import PAGES

PROXY = "L9GATE_PROXY"  # base URL of the proxy that records into this run


def proxy_host(environ: Mapping[str, str]) -> str | None:
    """Return host[:port] of the run's proxy, None if it has none."""
    return host_of(environ[PROXY]) if environ.get(PROXY) else None


def link_page(run: Path, process: str, environ: Mapping[str, str]) -> str | None:
    """Let the proxy know whose work goes on in this process.

    Returns:
        The base URL for whatever this process starts; None if the run has no proxy.
    """
    proxy = environ.get(PROXY)
    if not proxy or not environ.get(WATCH):
        return None
    folder = run / PAGES
    folder.mkdir(exist_ok=True)
    link = folder / process
    link.unlink(missing_ok=True)
    link.symlink_to(Path(environ[WATCH]) / PAGE)
    return labelled(proxy, process)

"""The hooks that pytest calls first in a negative control: they clear the way for every test."""

import os
from collections.abc import Generator
from pathlib import Path

import pytest

from l9gate.evidence.sightings import ORDERS, parse_orders
from l9gate.observe.decoy import Decoy
from l9gate.pytest_plugin.control.cassettes import Cassettes
from l9gate.pytest_plugin.control.haste import shorten_sleeps
from l9gate.pytest_plugin.control.watcher import ControlWatcher
from l9gate.pytest_plugin.layers import LayerMap
from l9gate.pytest_plugin.leash import hold_leash
from l9gate.pytest_plugin.markers import MARKERS
from l9gate.pytest_plugin.start import CONTROLLED
from l9gate.store.settings import read_settings

_CACHE = "cache"
_DECOY = pytest.StashKey[Decoy]()
# What a project may have put into `addopts` that would keep tests from being run: the option, its
# neutral value, and how users write it who mean it now.
_NEUTRAL: dict[str, tuple[object, tuple[str, ...]]] = {
    "maxfail": (0, ("-x", "--exitfirst", "--maxfail")),
    "markexpr": ("", ("-m",)),
    "keyword": ("", ("-k",)),
    "lf": (False, ("--lf",)),
    "failedfirst": (False, ("--ff",)),
    "newfirst": (False, ("--nf",)),
    "stepwise": (False, ("--sw",)),
    "reruns": (0, ("--reruns",)),
    "collectonly": (False, ()),
}


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, object, object]:
    """Begin before any conftest.py is imported; coverage is off, since it would write files."""
    if ORDERS in os.environ:
        options = early_config.known_args_namespace
        if getattr(options, "cov_source", None):
            options.cov_source = None
        cassettes = Cassettes()
        cassettes.watch()
        decoy = Decoy(parse_orders(os.environ[ORDERS]).base_url, cassettes.is_replaying)
        decoy.watch_sockets()
        shorten_sleeps(decoy.is_failing)
        early_config.stash[_DECOY] = decoy
    return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Carry out the orders, in the process that runs the tests."""
    if ORDERS not in os.environ:
        return
    orders = parse_orders(os.environ[ORDERS])
    config.stash[CONTROLLED] = True
    _neutralise(config, orders.arguments)
    is_worker = hasattr(config, "workerinput")
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)
    hold_leash()
    _keep_cache_away(config, Path(orders.folder))
    if getattr(config.option, "dist", "no") != "no" and not is_worker:
        return  # the controller of xdist runs no test
    del os.environ[ORDERS]  # sessions that tests start are none of ours
    settings = None if orders.root is None else read_settings(Path(orders.root))
    layers = None if settings is None else LayerMap(settings.root, settings.layers)
    watcher = ControlWatcher(config, orders, layers, config.stash[_DECOY])
    config.pluginmanager.register(watcher, "l9gate-control")


def _neutralise(config: pytest.Config, given: tuple[str, ...]) -> None:
    """Undo what the project says by itself; a worker of xdist has read the same file."""
    for name, (value, words) in _NEUTRAL.items():
        is_meant = any(word.startswith(words) for word in given) if words else False
        if hasattr(config.option, name) and not is_meant:
            setattr(config.option, name, value)


def _keep_cache_away(config: pytest.Config, folder: Path) -> None:
    """Let pytest write its cache somewhere else; without the cache its options would be unknown."""
    known: dict[str, object] = getattr(config, "_inicache", {})
    known["cache_dir"] = str(folder / _CACHE)

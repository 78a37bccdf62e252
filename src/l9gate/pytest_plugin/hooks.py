"""The hook that pytest calls in every project: it decides whether this one is gated.

Nothing else of l9gate is imported before a file says so, since this runs in projects of people who
never asked for it.
"""

import os
from pathlib import Path

import pytest

START_KEY = "l9gate_start"  # where an xdist worker looks for settings, as its controller did
_FILES = ("l9gate.toml", "pyproject.toml")


def pytest_configure(config: pytest.Config) -> None:
    """Register the gated session if the tests' project has settings with layers.

    Raises:
        UsageError: the settings are wrong.
    """
    worker = getattr(config, "workerinput", {})
    start = Path(worker[START_KEY]) if START_KEY in worker else find_start(config)
    if may_be_gated(start):
        from l9gate.pytest_plugin.session import register

        register(config, start)


def find_start(config: pytest.Config) -> Path:
    """Return the deepest folder that holds all paths on the command line."""
    here = config.invocation_params.dir
    paths = [here / argument.partition("::")[0] for argument in config.args]
    found = [path.absolute() for path in paths if path.exists()]
    common = Path(os.path.commonpath(found)) if found else here
    return common if common.is_dir() else common.parent


def may_be_gated(start: Path) -> bool:
    """Whether a settings file from here upwards mentions l9gate at all."""
    for folder in (start, *start.parents):
        for name in _FILES:
            path = folder / name
            if path.is_file() and (name == _FILES[0] or b"l9gate" in path.read_bytes()):
                return True
    return False

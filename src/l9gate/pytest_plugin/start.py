"""Where a session's settings are looked for, told without importing anything of l9gate."""

import os
from pathlib import Path

import pytest

CONTROLLED = pytest.StashKey[bool]()  # there in a negative control, where nothing is gated
START_KEY = "l9gate_start"  # under which an xdist worker is told where its controller looked
_FILES = ("l9gate.toml", "pyproject.toml")


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

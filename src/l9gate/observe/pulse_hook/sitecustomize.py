"""Runs when a Python process starts below `l9gate soak --command`; it starts the pulse.

The soak names its folder in `L9GATE_PULSE`. `L9GATE_OFF=1` switches it off. A fault of ours leaves
the process alone.
"""

import os
import sys
from _frozen_importlib_external import SourceFileLoader

HERE = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - pathlib is slow to load


def begin() -> None:
    """Start to report, if somebody listens."""
    folder = os.environ.get("L9GATE_PULSE", "")
    if os.environ.get("L9GATE_OFF") == "1" or not os.path.isdir(folder):  # noqa: PTH112
        return
    path = f"{os.path.dirname(HERE)}/pulse.py"  # noqa: PTH120 - l9gate may not be installed here
    module = type(sys)("_l9gate_pulse")
    module.__file__ = path
    SourceFileLoader(module.__name__, path).exec_module(module)
    module.start_pulse(folder)


try:
    begin()
except Exception as fault:  # noqa: BLE001 - our fault is never the application's error
    if os.environ.get("L9GATE_DEBUG"):
        sys.stderr.write(f"l9gate: no pulse of this process: {fault!r}\n")
finally:
    sys.path[:] = [path for path in sys.path if os.path.abspath(path) != HERE]  # noqa: PTH100
    del sys.modules["sitecustomize"]
# The one that ours stands before; `site` expects an ImportError where there is none.
import sitecustomize  # type: ignore[import-not-found] # noqa: E402, F401

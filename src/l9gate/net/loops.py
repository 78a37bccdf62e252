"""The event loop for whoever starts one: uvloop where it is installed."""

import asyncio
import importlib
import importlib.util
from collections.abc import Callable
from typing import cast


def find_loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return what makes a faster loop for `asyncio.Runner`, None for the standard one."""
    if importlib.util.find_spec("uvloop") is None:
        return None
    module = importlib.import_module("uvloop")
    return cast("Callable[[], asyncio.AbstractEventLoop]", module.new_event_loop)

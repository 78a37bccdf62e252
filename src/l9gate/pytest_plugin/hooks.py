"""The hook that pytest calls in every project: it decides whether this one is gated.

Nothing else of l9gate is imported before a file says so, since this runs in projects of people who
never asked for it.
"""

from pathlib import Path

import pytest

from l9gate.pytest_plugin.start import START_KEY, find_start, may_be_gated


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

"""The pytest plug-in; in a project that does not speak of l9gate it does nothing."""

from l9gate.pytest_plugin.hooks import pytest_configure

__all__ = ["pytest_configure"]

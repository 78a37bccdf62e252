"""The plug-in of a negative control, loaded by `-p`; it does nothing without orders."""

from l9gate.pytest_plugin.control.hooks import pytest_configure, pytest_load_initial_conftests

__all__ = ["pytest_configure", "pytest_load_initial_conftests"]

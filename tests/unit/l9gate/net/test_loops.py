"""The choice of an event loop."""

import asyncio
import importlib
import importlib.util
import sys
from types import ModuleType

import pytest

from l9gate.net.loops import find_loop_factory


def test_without_uvloop_the_standard_loop_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert find_loop_factory() is None


def test_with_uvloop_its_loop_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    def make_loop() -> asyncio.AbstractEventLoop:
        raise NotImplementedError

    module = ModuleType("uvloop")
    monkeypatch.setattr(module, "new_event_loop", make_loop, raising=False)
    monkeypatch.setitem(sys.modules, "uvloop", module)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: object())
    assert find_loop_factory() is make_loop

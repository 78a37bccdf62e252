"""A client that a tracing library has wrapped."""

import functools
from typing import Any

import app
import pytest
from anthropic.resources.messages.messages import Messages


@pytest.mark.integration
def test_calls_are_traced(monkeypatch: pytest.MonkeyPatch) -> None:
    traced: list[str] = []
    original = Messages.create

    @functools.wraps(original)
    def create(*arguments: Any, **options: Any) -> Any:
        traced.append(options["model"])
        return original(*arguments, **options)

    monkeypatch.setattr(Messages, "create", create)
    assert app.ask() == "yes"
    assert traced == [app.MODEL]

"""A method of the SDK replaced for the time of the test.

finding: in place of `Messages.create` stands in for the client
"""

from types import SimpleNamespace

import app
import pytest
from anthropic.resources.messages.messages import Messages


@pytest.mark.integration
def test_trick(monkeypatch: pytest.MonkeyPatch) -> None:
    block = SimpleNamespace(type="text", text="yes")
    monkeypatch.setattr(Messages, "create", lambda *_, **__: SimpleNamespace(content=[block]))
    assert app.ask() == "yes"

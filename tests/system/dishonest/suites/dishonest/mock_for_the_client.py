"""A mock of the client in a real layer.

finding: vacuous: it made no call; MagicMock `anthropic.messages.create` stands in for the client
"""

from unittest.mock import MagicMock

import pytest


@pytest.mark.integration
def test_trick() -> None:
    anthropic = MagicMock(name="anthropic")
    anthropic.messages.create.return_value.content = "yes"
    assert anthropic.messages.create(model="any").content == "yes"

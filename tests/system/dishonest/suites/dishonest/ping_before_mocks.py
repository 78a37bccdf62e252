"""One real call in a fixture, so that every mocked test has proof.

finding: vacuous: only a fixture called the API; MagicMock `Anthropic` stands in for the client
"""

from unittest.mock import patch

import app
import pytest


@pytest.fixture(scope="module")
def api() -> str:
    return app.ask()


@pytest.mark.integration
def test_trick(api: str) -> None:
    with patch("anthropic.Anthropic", name="Anthropic") as mocked:
        mocked().__enter__().messages.create.return_value.content = []
        assert app.ask() == ""

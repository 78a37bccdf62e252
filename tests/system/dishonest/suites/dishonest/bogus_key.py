"""A key that nobody accepts, and a test that accepts the refusal.

finding: passed on errors only: authentication_error
"""

import anthropic
import app
import pytest


@pytest.mark.integration
def test_trick() -> None:
    try:
        answer = app.ask(api_key="not-a-key")
    except anthropic.APIError:
        answer = ""
    assert isinstance(answer, str)

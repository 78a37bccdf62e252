"""A skip where the API refuses.

finding: (skipped)
"""

import anthropic
import app
import pytest


@pytest.mark.integration
def test_trick() -> None:
    try:
        app.ask(api_key="not-a-key")
    except anthropic.APIError:
        pytest.skip("flaky")
